/* One call of a kernel on a CUDA device: its arrays there, its working memory, its first error. Where the caller's
 * arrays lie in the device's memory they are used in place, else they are copied; all of it in the default stream. */
#ifndef SHARED_DEVICE_CUH
#define SHARED_DEVICE_CUH
#include <cuda_runtime.h>
#include <stdint.h>

#include <vector>

namespace device {

enum { OK = 0, NO_MEMORY = 1, FAILED = 99 }; /* what a run returns; the harness asks the device for the words */

class Call {
 public:
  explicit Call(bool resident) : resident_(resident) {
    static const bool once = keep_freed_memory(); /* as malloc does: the next call has it without asking the system */
    (void)once;
    cudaGetLastError(); /* an earlier call's, or the caller's own */
  }
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;
  ~Call() {
    for (void *at : owned_) cudaFreeAsync(at, 0);
  }

  bool resident() const { return resident_; }

  /* Working memory of `n` entries until the call ends; NULL once anything has failed. */
  template <class T> T *take(int64_t n) {
    void *at = nullptr;
    note(cudaMallocAsync(&at, (n ? size_t(n) : 1) * sizeof(T), 0));
    if (at) owned_.push_back(at);
    return static_cast<T *>(at);
  }

  /* Have `at` point to working memory of `n` entries, once `get` has taken that of all in one piece. */
  template <class T> void want(T *&at, int64_t n) {
    wanted_.push_back({reinterpret_cast<void **>(&at), bytes_});
    bytes_ += (n * int64_t(sizeof(T)) + 255) / 256 * 256;
  }

  bool get() {
    char *const whole = take<char>(bytes_);
    for (const Wanted &w : wanted_) *w.at = whole + w.offset;
    wanted_.clear(), bytes_ = 0;
    return error_ == cudaSuccess;
  }

  /* An input of `n` entries as the device sees it; `n` counts only where it has to be copied. */
  template <class T> const T *in(const T *at, int64_t n) {
    if (resident_) return at;
    T *copy = take<T>(n);
    if (copy) note(cudaMemcpyAsync(copy, at, size_t(n) * sizeof(T), cudaMemcpyHostToDevice, 0));
    return copy;
  }

  /* Where the device may write an output of at most `n` entries; what of it is to be copied, `back` is told. */
  template <class T> T *out(T *at, int64_t n) { return resident_ ? at : take<T>(n); }

  template <class T> void back(T *to, const T *from, int64_t n) {
    if (!resident_ && n) note(cudaMemcpyAsync(to, from, size_t(n) * sizeof(T), cudaMemcpyDeviceToHost, 0));
  }

  /* Keep the first error; true as long as there is none. */
  bool note(cudaError_t error) {
    if (error_ == cudaSuccess) error_ = error;
    return error_ == cudaSuccess;
  }

  /* After a kernel was started. */
  bool started() { return note(cudaGetLastError()); }

  /* Wait for all of it; what a run returns. */
  int finish() {
    note(cudaStreamSynchronize(0));
    return error_ == cudaSuccess ? OK : error_ == cudaErrorMemoryAllocation ? NO_MEMORY : FAILED;
  }

 private:
  static bool keep_freed_memory() {
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    return cudaDeviceGetDefaultMemPool(&pool, 0) == cudaSuccess &&
           cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all) == cudaSuccess;
  }

  struct Wanted {
    void **at;
    int64_t offset;
  };

  const bool resident_;
  cudaError_t error_ = cudaSuccess;
  std::vector<void *> owned_;
  std::vector<Wanted> wanted_;
  int64_t bytes_ = 0;
};

/* Multiprocessors of the device. */
inline int processors() {
  static const int count = [] {
    int found = 1;
    cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, 0);
    return found;
  }();
  return count;
}

/* Entries of a matrix whose row pointers lie where the caller's arrays do. */
inline int64_t entries(Call &call, const int64_t *indptr, int64_t rows) {
  if (!call.resident()) return indptr[rows];
  int64_t count = 0;
  call.note(cudaMemcpy(&count, indptr + rows, sizeof count, cudaMemcpyDeviceToHost));
  return count;
}

}  // namespace device
#endif
