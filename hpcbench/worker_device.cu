/* What a worker asks of a CUDA device: copies of its inputs and outputs there, and the end of all work. Built apart
 * from worker.c, so that workers need no CUDA; the candidate's own runtime shares the device's context with this one.
 * Every function returns NULL or the error in words. */
#include <cuda_runtime.h>
#include <stdint.h>

static const char *words(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

/* `size` bytes of the device's memory: a copy of what lies at `host`, or no answer (0xFF) where that is NULL. */
extern "C" const char *hpcbench_device_take(const void *host, int64_t size, void **at) {
  if (const char *why = words(cudaMalloc(at, size ? size_t(size) : 1))) return why;
  return words(host ? cudaMemcpy(*at, host, size_t(size), cudaMemcpyHostToDevice) : cudaMemset(*at, 0xFF, size_t(size)));
}

/* Copy `size` bytes of an output to the host, or, where that is NULL, leave no answer in them. */
extern "C" const char *hpcbench_device_fetch(void *host, void *at, int64_t size) {
  if (!host) return words(cudaMemset(at, 0xFF, size_t(size)));
  return words(cudaMemcpy(host, at, size_t(size), cudaMemcpyDeviceToHost));
}

/* Wait for everything that was started on the device, in whichever stream. */
extern "C" const char *hpcbench_device_finish() { return words(cudaDeviceSynchronize()); }
