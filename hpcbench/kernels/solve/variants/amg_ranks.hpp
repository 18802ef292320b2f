/* A V-cycle over ranks, down to a matrix that every rank has whole. */
#ifndef SOLVE_AMG_RANKS_HPP
#define SOLVE_AMG_RANKS_HPP
#include "galerkin.hpp"
#include "portion.hpp"

namespace solve {

constexpr int64_t kGathered = 3000; /* unknowns of all ranks, up to which each works on all of them */

/* A coarse matrix that every rank has whole. */
class Gathered {
 public:
  Gathered(const Held &a, const std::vector<int64_t> &owners, int64_t rank)
      : order_(natural(a.view(), Level::kLanes)), ones_(size_t(a.nrows), 1.0), first_(owners[size_t(rank)]), whole_(size_t(owners.back())) {
    for (size_t r = 0; r + 1 < owners.size(); ++r) counts_.push_back(int(owners[r + 1] - owners[r]));
    at_ = collective::starts(counts_);
  }

  /* Exchanges messages. */
  int meet(const Held &a, double threshold) {
    Entries out, in;
    int error = collective::alone([&] {
      std::vector<Entry> all;
      for (int64_t i = 0; i < a.nrows; ++i)
        for (int64_t k = a.indptr[size_t(i)]; k < a.indptr[size_t(i) + 1]; ++k) all.push_back({int32_t(first_ + i), a.indices[size_t(k)], a.data[size_t(k)]});
      out.assign(counts_.size(), all);
      return true;
    });
    if (error || (error = exchanged(out, &in))) return error;
    return collective::alone([&] {
      const int64_t n = int64_t(whole_.size());
      Held held{n, n, std::vector<int64_t>(size_t(n) + 1), {}, {}};
      for (const auto &part : in)
        for (const Entry &e : part) held.indices.push_back(e.column), held.data.push_back(e.value), ++held.indptr[size_t(e.row) + 1];
      std::partial_sum(held.indptr.begin(), held.indptr.end(), held.indptr.begin());
      hierarchy_ = std::make_unique<Hierarchy>(held.view(), diagonal_of(held.view()), 1, threshold);
      b_ = hierarchy_->finest().zeros(), x_ = hierarchy_->finest().zeros();
      return true;
    });
  }

  const Order &order() const { return order_; }
  const std::vector<double> &scale() const { return ones_; }

  void apply(const double *b, double *x) {
    Alone self;
    for (size_t i = 0; i < ones_.size(); ++i) whole_[size_t(first_) + i] = b[order_.place[i]];
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, whole_.data(), counts_.data(), at_.data(), MPI_DOUBLE, MPI_COMM_WORLD);
    const Order &all = hierarchy_->order();
    const std::vector<double> &scale = hierarchy_->scale();
    for (size_t i = 0; i < whole_.size(); ++i) b_[all.place[i]] = whole_[i] * scale[i];
    hierarchy_->apply(self, b_.get(), x_.get());
    for (size_t i = 0; i < ones_.size(); ++i) {
      const size_t g = size_t(first_) + i;
      x[order_.place[i]] = x_[all.place[g]] * scale[g];
    }
  }

 private:
  Order order_;
  std::vector<double> ones_;
  int64_t first_;
  std::vector<double> whole_;
  std::vector<int> counts_, at_;
  std::unique_ptr<Hierarchy> hierarchy_;
  memory::Array<double> b_, x_;
};

/* All levels, the finest first. */
class HierarchyOverRanks {
 public:
  static constexpr bool kCopies = false;

  /* Of the matrix whose rows `block` has, with the diagonal `d`; exchanges messages. */
  int build(Block *block, std::vector<double> d, const solve_in *in) {
    double threshold = kThreshold;
    int64_t unknowns = in->order;
    for (;; threshold /= 2) {
      int error = collective::alone([&] { return portions_.push_back(std::make_unique<Portion>(block, d)), true; });
      if (error) return error;
      portions_.back()->meet();
      if (portions_.size() > 1 && (error = connect(*portions_.back()))) return error;
      if (int64_t(portions_.size()) == kMostLevels) return collective::kOk;
      Coarser next;
      if ((error = coarsen(block, d, threshold, in->rank, &next))) return error;
      if (next.unknowns() == 0 || next.unknowns() > unknowns * 4 / 5) return collective::kOk; /* nothing is strong */
      unknowns = next.unknowns(), p_ = std::move(next.p);
      if (unknowns <= kGathered) {
        error = collective::alone([&] { return gathered_ = std::make_unique<Gathered>(next.a, next.owners, in->rank), true; });
        return error || (error = gathered_->meet(next.a, threshold / 2)) ? error : connect(*gathered_);
      }
      if ((error = collective::alone([&] { return blocks_.push_back(std::make_unique<Block>()), true; }))) return error;
      block = blocks_.back().get();
      if ((error = meet({next.a.view(), next.owners.data(), in->rank, in->ranks}, block))) return error;
      if ((error = collective::alone([&] { return d = diagonal_of(block->own()), true; }))) return error;
    }
  }

  const Order &order() const { return portions_[0]->order(); }
  const std::vector<double> &scale() const { return portions_[0]->scale(); }

  double multiply(Ranks &, const double *p, double *q) { return portions_[0]->multiply(p, q); }

  /* Also b.x, of all ranks. */
  double apply(Ranks &team, double *b, double *x) { return team.sum(cycle(0, b, x)); }

 private:
  double cycle(size_t l, double *b, double *x) {
    if (l == portions_.size()) return gathered_->apply(b, x), 0;
    portions_[l]->down(b, x);
    if (l < bridges_.size()) {
      bridges_[l]->restrict_to(portions_[l]->level().r(), b_[l].get());
      cycle(l + 1, b_[l].get(), x_[l].get());
      bridges_[l]->add_to(x_[l].get(), x);
    }
    return portions_[l]->up(b, x);
  }

  /* The way from the last level but one to `coarse`. */
  template <class Coarse> int connect(const Coarse &coarse) {
    const int error = collective::alone([&] {
      bridges_.push_back(std::make_unique<Bridge>(std::move(p_), *portions_[bridges_.size()], coarse.order(), coarse.scale()));
      for (auto *v : {&b_, &x_}) {
        v->push_back(memory::array<double>(coarse.order().places + Level::kLanes));
        std::fill(v->back().get(), v->back().get() + coarse.order().places + Level::kLanes, 0.0);
      }
      return true;
    });
    if (!error) bridges_.back()->meet(coarse.scale());
    return error;
  }

  std::vector<std::unique_ptr<Block>> blocks_; /* of the levels below the finest one */
  std::vector<std::unique_ptr<Portion>> portions_;
  std::vector<std::unique_ptr<Bridge>> bridges_;
  std::vector<memory::Array<double>> b_, x_;
  Block p_;
  std::unique_ptr<Gathered> gathered_;
};

struct AmgOverRanks : Method {
  explicit AmgOverRanks(HierarchyOverRanks levels) : Method(SOLVE_OK), levels_(std::move(levels)), cg_(&levels_.order(), levels_.scale()) {}
  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return cg_.run(Ranks{}, levels_, levels_, out, r, progress);
  }

 private:
  HierarchyOverRanks levels_;
  Pcg<Level::kLanes> cg_;
};

inline void *amg_over_ranks(const solve_in *in) {
  return collective::together<Handle>([&](Handle *made) -> int {
    std::vector<double> d;
    if (const int error = meet(own_rows(in), &made->block)) return error;
    const int status = diagonal(Everywhere{&made->block}, in, &d);
    HierarchyOverRanks levels;
    if (status) made->method = std::make_unique<Refused>(status);
    else if (const int error = levels.build(&made->block, d, in)) return error;
    else return collective::alone([&] { return made->method = std::make_unique<AmgOverRanks>(std::move(levels)), true; });
    return collective::kOk;
  });
}

}  // namespace solve
#endif
