/* A worker's part in candidates that run on a CUDA device: copies of inputs and outputs in its memory, through the shared
 * object made of worker_device.cu. Included by worker.c once it can answer and refuse. */
#ifndef HPCBENCH_WORKER_DEVICE_H
#define HPCBENCH_WORKER_DEVICE_H

#define DEVICE_ERROR (INT64_C(1) << 41) /* status of a sample after which the device reports an error */
enum { NO_DEVICE, HOST_MEMORY, DEVICE_MEMORY }; /* where a candidate for a device finds its arrays */

/* What a right answer in slot after slot of a device's memory fills: offset and bytes of `each` buffers. */
static struct results {
  char *host, *device;
  const int64_t *places;
  int64_t each;
} results;

/* worker_device.cu, where there is a device; each returns NULL or an error in words. */
static const char *(*device_take)(const void *host, int64_t size, void **at);
static const char *(*device_fetch)(void *host, void *at, int64_t size);
static const char *(*device_finish)(void), *trouble = "";

static char *on_device(const char *host, int64_t size) {
  void *at = NULL;
  const char *why = device_take(host, size, &at);
  if (why) refuse(why);
  return at;
}

static void start_device(const char *driver) {
  void *code = dlopen(driver, RTLD_NOW | RTLD_LOCAL);
  if (!code) refuse(dlerror());
  device_take = (const char *(*)(const void *, int64_t, void **))symbol(code, "hpcbench_device", "take", 1);
  device_fetch = (const char *(*)(void *, void *, int64_t))symbol(code, "hpcbench_device", "fetch", 1);
  device_finish = (const char *(*)(void))symbol(code, "hpcbench_device", "finish", 1);
}

/* Copy what is in the places of slots `first` up to `last` to the host's, or leave no answer there. */
static void fetch(int64_t first, int64_t last, int to_host) {
  for (int64_t i = first * results.each; i < last * results.each; i++) {
    const int64_t at = results.places[2 * i], size = results.places[2 * i + 1];
    const char *why = device_fetch(to_host ? results.host + at : NULL, results.device + at, size);
    if (why) refuse(why);
  }
  answer("{\"lengths\": []}");
}

/* Have `status` be that of an error on the device, if there is one; waits for what was left running there. */
static int64_t ended(int64_t status) {
  const char *why = device_finish ? device_finish() : NULL;
  if (!why) return status;
  trouble = why;
  return DEVICE_ERROR;
}
#endif
