/* How threads share the rows of a matrix in CSR. */
#ifndef SHARED_CUT_HPP
#define SHARED_CUT_HPP
#include <cstdint>

namespace sparse {

/* Where part `part` of `parts` begins, entries and rows weighing the same. */
template <class In> int64_t cut(const In *in, int64_t part, int64_t parts) {
  if (part == parts) return in->nrows;
  const double goal = double(in->indptr[in->nrows] + in->nrows) * double(part) / double(parts);
  int64_t low = 0, high = in->nrows;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (double(in->indptr[middle] + middle) >= goal) high = middle;
    else low = middle + 1;
  }
  return low;
}

}  // namespace sparse
#endif
