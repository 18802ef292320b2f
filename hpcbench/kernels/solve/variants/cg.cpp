// /// hpcbench
// model = "serial"
// summary = "conjugate gradients on the matrix scaled by its diagonal"
// source = "Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49(6), 1952"
// flags = ["-O3", "-march=native"]
// ///
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

struct Plain : Method {
  Plain(const solve_in *in, const double *scale)
      : Method(SOLVE_OK), order_(natural(in, 8)), cg_(in, &order_, scale, 1, nullptr) {}
  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return cg_.run(Alone{}, out, r, progress);
  }

 private:
  Order order_;
  Pcg<8, Identity<8>> cg_;
};

}  // namespace solve

extern "C" void *solve_setup(const solve_in *in, const void *) {
  return solve::made([&]() -> std::unique_ptr<solve::Method> {
    std::vector<double> scale;
    if (const int status = solve::diagonal(in, &scale)) return std::make_unique<solve::Refused>(status);
    for (double &d : scale) d = 1 / std::sqrt(d);
    return std::make_unique<solve::Plain>(in, scale.data());
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
