/* When a row's products are sorted rather than summed in a window: constants fitted, and written, by
 * `python docs/choice.py` on either kind of processor; docs/spgemm.md has the figures. */
#ifndef ROWS_CHOICE_HPP
#define ROWS_CHOICE_HPP
#include <stdint.h>

#ifndef SMALL_MAX /* most flops of a row that is sorted whatever its span; 0: as fitted, as below */
#define SMALL_MAX 0
#endif
#ifndef MERGE_MAX /* most flops of a row that is sorted because its span is wide */
#define MERGE_MAX 0
#endif
#ifndef MERGE_WIDTH /* columns beyond which a span is wide */
#define MERGE_WIDTH 0
#endif
#ifndef LONG_ROWS /* entries of a row of B, on average, beyond which no row is sorted if all of B is narrow */
#define LONG_ROWS 0
#endif

namespace rows {

struct Limits {
  int64_t small_max, long_rows, merge_max, merge_width;
};
#if defined(__znver3__) || defined(__znver4__) /* Zen 4, whose vectors of 512 bits take two turns; gcc 12 knows it as Zen 3 */
constexpr Limits kFitted = {32, 4, 64, 16384};
#else
constexpr Limits kFitted = {32, 4, 256, 16384};
#endif
constexpr Limits kLimits = {SMALL_MAX ? SMALL_MAX : kFitted.small_max, LONG_ROWS ? LONG_ROWS : kFitted.long_rows,
                            MERGE_MAX ? MERGE_MAX : kFitted.merge_max, MERGE_WIDTH ? MERGE_WIDTH : kFitted.merge_width};

}  // namespace rows
#endif
