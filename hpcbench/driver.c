/* The timed loop of a native arm: `batch` calls of a variant over rotating inputs and output slots.
 * It stands in C so that a call costs a few nanoseconds, not an interpreter's microseconds. */
#include <stddef.h>
#include <stdint.h>

typedef void *(*setup_fn)(const void *in, const void *params);
typedef int (*run_fn)(void *handle, const void *in, const void *params, void *out);
typedef void (*free_fn)(void *handle);
enum { TOTAL, SETUP, RUN };

/* Returns 0, or the first non-zero status of a call. Call i uses input (first + i) mod inputs and output
 * slot (first + i) mod slots. In phase RUN handles[] come from earlier setups; setup is NULL without one. */
int64_t hpcbench_batch(setup_fn setup, run_fn run, free_fn release, void **handles, void *const *in,
                       int64_t inputs, void *const *out, int64_t slots, const void *params, int64_t first,
                       int64_t batch, int64_t phase) {
  for (int64_t i = first; i < first + batch; i++) {
    const int64_t set = i % inputs;
    void *handle = handles[set];
    if (setup && phase != RUN) {
      handle = setup(in[set], params);
      if (!handle) return 1;
    }
    const int status = phase == SETUP ? 0 : run(handle, in[set], params, out[i % slots]);
    if (setup && phase != RUN && release) release(handle);
    if (status) return status;
  }
  return 0;
}
