/* The measured process of a native candidate: loads one shared object and runs it on the memory that it is
 * handed; it knows no answers. Started as `worker SOCKET [PARENT_PID]`, one per rank. It stands in C so that a
 * fresh process costs a millisecond, and so that nothing but the candidate runs in it: no interpreter, no
 * collector, no thread. hpcbench/wire.py speaks the other half of the protocol and documents it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fenv.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "lockdown.h"
#include "worker_channel.h"
#include "worker_memory.h"

typedef void *(*setup_fn)(const void *in, const void *params);
typedef int (*run_fn)(void *handle, const void *in, const void *params, void *out);
typedef void (*free_fn)(void *handle);
enum { TOTAL, SETUP, RUN };
enum { PAGE = 4096, FILE_LIMIT = 64 << 20, RANK_FILE_LIMIT = 256 << 20 }; /* the log; MPI's windows of shared memory */
#define ARITHMETIC (INT64_C(1) << 40) /* status of a candidate that left the processor's modes changed */

/* sizes of the plan, in the order of wire._native_plan */
typedef struct {
  int64_t input_bytes, output_bytes, memory, inputs, input_fields, slots, output_fields, params, guards, fences, cpus, walled, needs, without, handles, device, copies, stream, words;
} plan;

typedef struct {
  setup_fn setup;
  run_fn run;
  free_fn release;
  int64_t inputs, slots, setups, stream, words; /* which field is a window of an array, or -1; of a right answer's first buffer */
  void **handles, **in, **out, *params;
  char *pool; /* that array */
  const uint64_t **results; /* the first buffer of every slot */
  char *kernel, *object;
} arm;

/* How the processor rounds, and what it does with subnormal numbers and exceptions. */
static int64_t arithmetic(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr() & 0xffc0;
#else
  return fegetround();
#endif
}

/* `count` C structs of `fields` 8-byte words from (kind, value) pairs; kind 1 is an offset from `base`. */
static void **structs(const int64_t **next, int64_t count, int64_t fields, char *base) {
  void **made = calloc((size_t)count + 1, sizeof *made);
  for (int64_t i = 0; i < count; i++) {
    int64_t *words = made[i] = calloc((size_t)fields + 1, sizeof *words);
    for (int64_t f = 0; f < fields; f++, *next += 2) words[f] = (*next)[0] ? (int64_t)(base + (*next)[1]) : (*next)[1];
  }
  return made;
}

static void *symbol(void *code, const char *kernel, const char *phase, int wanted) {
  char name[128], text[256];
  snprintf(name, sizeof name, "%s_%s", kernel, phase);
  void *found = dlsym(code, name);
  if (!found && wanted) snprintf(text, sizeof text, "it exports no %s, as abi.h declares it", name), refuse(text);
  return found;
}

#include "worker_device.h"
#include "worker_races.h"
#include "worker_stream.h"

static arm prepare(const char *bytes) {
  plan p;
  memcpy(&p, bytes, sizeof p);
  const int64_t *next = (const int64_t *)(bytes + sizeof p);
  char *in = map(received[0], p.input_bytes, PROT_READ, MAP_POPULATE);
  char *out = map(received[1], p.output_bytes, PROT_READ | PROT_WRITE, 0);
  close(received[0]), close(received[1]);
  arm a = {.inputs = p.inputs, .slots = p.slots, .setups = p.handles, .stream = p.stream, .words = p.words};
  const int64_t fields = p.inputs * p.input_fields + p.slots * p.output_fields + p.params;
  const int64_t *copies = next + 2 * fields + p.guards + 3 * p.fences + p.cpus;
  const char *kernel = (const char *)(copies + 2 * p.copies), *object = kernel + strlen(kernel) + 1;
  const char *readable = object + strlen(object) + 1, *writable = readable + strlen(readable) + 1;
  if (p.device) start_device(writable + strlen(writable) + 1);
  const int there = p.device == DEVICE_MEMORY;
  if (there) results = (struct results){out, on_device(NULL, p.output_bytes), copies, p.copies / p.slots};
  a.in = structs(&next, p.inputs, p.input_fields, there ? on_device(in, p.input_bytes) : in);
  a.out = structs(&next, p.slots, p.output_fields, there ? results.device : out);
  a.params = structs(&next, 1, p.params, NULL)[0];
  a.handles = calloc((size_t)p.handles, sizeof *a.handles);
  a.results = calloc((size_t)p.slots, sizeof *a.results);
  for (int64_t i = 0; i < p.slots; i++) a.results[i] = *(const uint64_t **)a.out[i];
  if (p.stream >= 0) a.pool = ((char **)a.in[0])[p.stream];
  for (int64_t i = 0; i < p.guards; i++) mprotect(out + *next++, PAGE, PROT_NONE);
  for (int64_t i = 0; i < p.fences; i++, next += 3) FENCE((next[0] ? out : in) + next[1], (size_t)next[2]);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (int64_t i = 0; i < p.cpus; i++) CPU_SET((size_t)*next++, &cpus);
  if (p.cpus) sched_setaffinity(0, sizeof cpus, &cpus);
  limit_memory(p.memory, p.walled && !p.device);
#ifdef _OPENMP
  omp_get_max_threads(); /* LLVM's run-time library enters its name in shared memory when it starts */
#endif
  int layers = -1;
  if (p.walled) { /* namespaces are refused to a process whose MPI has threads */
    layers = p.without & HPCBENCH_NAMESPACES ? 0 : hpcbench_namespaces();
    layers |= hpcbench_lockdown(readable, writable, (int)p.needs, (int)p.without);
  }
  a.kernel = strdup(kernel), a.object = strdup(object);
  answer("{\"layers\": %d}", layers); /* before there is anybody else who could */
  return a;
}

static void load(arm *a) {
  void *code = dlopen(a->object, RTLD_NOW | RTLD_LOCAL);
  if (!code) refuse_object();
  a->run = (run_fn)symbol(code, a->kernel, "run", 1);
  a->setup = (setup_fn)symbol(code, a->kernel, "setup", 0);
  if (a->setup) a->release = (free_fn)symbol(code, a->kernel, "free", 1);
  answer("{\"setup\": %s}", a->setup ? "true" : "false");
}

/* `batch` calls over rotating inputs and output slots; 0, or the first non-zero status of a call. With a seed, what a
 * call puts out decides which window of the array is the vector of the next one. */
static int64_t run(const arm *a, int64_t first, int64_t batch, int64_t phase, uint64_t seed) {
  uint64_t state = mixed(seed);
  for (int64_t i = 0; phase == RUN && a->setup && i < a->setups; i++)
    if (!a->handles[i] && !(a->handles[i] = a->setup(a->in[i], a->params))) return 1;
  for (int64_t i = first; i < first + batch; i++) {
    void *const in = a->in[i % a->inputs];
    if (a->pool) ((char **)in)[a->stream] = a->pool + (seed ? WINDOW_BYTES * (state % WINDOWS) : 0);
    void *handle = a->handles[i % a->setups];
    if (a->setup && phase != RUN && !(handle = a->setup(in, a->params))) return 1;
    const int status = phase == SETUP ? 0 : a->run(handle, in, a->params, a->out[i % a->slots]);
    if (a->setup && phase != RUN) a->release(handle);
    if (status) return status;
    if (seed) state = mixed(state ^ sum(a->results[i % a->slots], a->words));
  }
  return 0;
}

static void (*traffic)(int64_t *sent); /* of a rank */
static void start_mpi(const char *driver) {
  int rank, size;
  void *code = dlopen(driver, RTLD_NOW | RTLD_GLOBAL);
  if (!code) refuse(dlerror());
  int (*start)(int *, int *) = (int (*)(int *, int *))dlsym(code, "hpcbench_mpi_start");
  if (!start || start(&rank, &size)) refuse("MPI_Init failed");
  traffic = (void (*)(int64_t *))dlsym(code, "hpcbench_mpi_traffic");
  answer("{\"rank\": %d, \"size\": %d}", rank, size);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void serve(void) {
  arm a = {0};
  int64_t request[4];
  while (receive(request, sizeof request)) {
    char *payload = NULL;
    if (request[0] == 'M' || request[0] == 'P') {
      payload = malloc((size_t)request[1]);
      if (!payload || !receive(payload, (size_t)request[1])) return;
    }
    if (request[0] == 'M') start_mpi(payload);
    if (request[0] == 'P') a = prepare(payload);
    if (request[0] == 'L') load(&a);
    if (request[0] == 'C') {
      int64_t sent[2];
      traffic(sent);
      answer("{\"messages\": %lld, \"bytes\": %lld}", (long long)sent[0], (long long)sent[1]);
    }
    if (request[0] == 'F') fetch(request[1], request[1] + 1, 1);
    if (request[0] == 'W') fetch(0, a.slots, 0);
    if (request[0] == 'T') answer("{\"text\": \"%s\"}", trouble);
    if (request[0] != 'P' || !results.places) free(payload);
    if (request[0] == 'S') {
      char done[9] = "D";
      int64_t start;
      if (send(parent, "R", 1, MSG_NOSIGNAL) != 1 || !receive(&start, sizeof start)) return;
      while (now() < start) continue;
      const int64_t before = arithmetic();
      int64_t status = ended(run(&a, request[1], request[2], request[3] & 255, (uint64_t)request[3] >> 8));
      if (!status && arithmetic() != before) status = ARITHMETIC;
      memcpy(done + 1, &status, sizeof status);
      if (send(parent, done, sizeof done, MSG_NOSIGNAL) != sizeof done) return;
    }
  }
}

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* do not outlive the one who started us */
  if (argc < 2 || (argc > 2 && getppid() != atoi(argv[2]))) return 1;
  signal(SIGINT, SIG_IGN);
  signal(SIGUSR2, tell_stack);
  backtrace((void *[1]){0}, 1); /* loads what it needs while files can be opened */
  if (argc == 2) { /* a rank: not through its launcher */
    const int log = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) return 1;
    close(log);
  }
  const rlim_t file = argc == 2 ? RANK_FILE_LIMIT : FILE_LIMIT;
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){file, file});
  if (reach(argv[1])) return 1;
  answer("{\"pid\": %d}", (int)getpid());
  serve();
  _exit(0); /* no exit handlers of the candidate */
}
