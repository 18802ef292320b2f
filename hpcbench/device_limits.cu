/* device_limits BYTES: bytes per second, read and written, of a copy within BYTES of the device's memory, the best
 * within half a second, in which the clocks rise; each kernel copies so often that its start does not count. */
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

static void check(cudaError_t error) {
  if (error != cudaSuccess) fprintf(stderr, "%s\n", cudaGetErrorString(error)), exit(1);
}

__global__ void copy(const double2 *from, double2 *to, size_t n, int times) {
  const size_t first = blockIdx.x * size_t(blockDim.x) + threadIdx.x, step = size_t(gridDim.x) * blockDim.x;
  for (int t = 0; t < times; ++t)
    for (size_t i = first; i < n; i += step) to[i] = from[i]; /* may be the same memory, so that none is left out */
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const size_t n = strtoull(argv[1], nullptr, 10) / (2 * sizeof(double2)), bytes = 2 * n * sizeof(double2);
  const int times = int(1 + 2e9 / double(bytes));
  double2 *from, *to;
  check(cudaMalloc(&from, n * sizeof *from)), check(cudaMalloc(&to, n * sizeof *to));
  check(cudaMemset(from, 1, n * sizeof *from));
  cudaEvent_t begun, ended;
  check(cudaEventCreate(&begun)), check(cudaEventCreate(&ended));
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, 0));
  double best = 0;
  float ms, sum = 0;
  for (; sum < 500; sum += ms) {
    check(cudaEventRecord(begun));
    copy<<<8 * device.multiProcessorCount, 256>>>(from, to, n, times);
    check(cudaGetLastError());
    check(cudaEventRecord(ended)), check(cudaEventSynchronize(ended)), check(cudaEventElapsedTime(&ms, begun, ended));
    const double rate = double(bytes) * times / (ms * 1e-3);
    best = rate > best ? rate : best;
  }
  printf("%.6e\n", best);
  return 0;
}
