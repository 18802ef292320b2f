/* When a row's products are sorted rather than summed in a window: fitted, and written, by
 * `python docs/choice.py`; docs/spgemm.md has the figures. */
#ifndef ROWS_CHOICE_HPP
#define ROWS_CHOICE_HPP
#ifndef SMALL_MAX /* most flops of a row that is sorted whatever its span */
#define SMALL_MAX 32
#endif
#ifndef MERGE_MAX /* most flops of a row that is sorted because its span is wide */
#define MERGE_MAX 64
#endif
#ifndef MERGE_WIDTH /* columns beyond which a span is wide */
#define MERGE_WIDTH 16384
#endif
#endif
