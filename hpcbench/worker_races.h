/* What the race detector does not follow by itself, made of what it follows: in its worker these stand before the
 * libraries' own. A flush, a fence and a post of `ordered depend` order all that did the same before them, as
 * OpenMP 5.1, 2.19.8 and 2.19.9, and C11, 7.17.4, say of those that meet; the threads of C11 are POSIX's. Fences in
 * a candidate come here by the flags of hpcbench/instrument.py. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <stdarg.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

int hpcbench_order;
static void ordered(void) { __atomic_fetch_add(&hpcbench_order, 0, __ATOMIC_SEQ_CST); }

void __kmpc_flush(void *where, ...) { (void)where, ordered(); }
typedef void (*doacross)(void *where, int thread, const long *iteration);
void __kmpc_doacross_post(void *where, int thread, const long *iteration) {
  ordered();
  ((doacross)dlsym(RTLD_NEXT, "__kmpc_doacross_post"))(where, thread, iteration);
}
void __kmpc_doacross_wait(void *where, int thread, const long *iteration) {
  ((doacross)dlsym(RTLD_NEXT, "__kmpc_doacross_wait"))(where, thread, iteration);
  ordered();
}

static int told(int error) { return !error ? thrd_success : error == EBUSY ? thrd_busy : error == ETIMEDOUT ? thrd_timedout : thrd_error; }
#define MUTEX(m) ((pthread_mutex_t *)(m))
#define CONDITION(c) ((pthread_cond_t *)(c))
int mtx_lock(mtx_t *m) { return told(pthread_mutex_lock(MUTEX(m))); }
int mtx_trylock(mtx_t *m) { return told(pthread_mutex_trylock(MUTEX(m))); }
int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until) { return told(pthread_mutex_timedlock(MUTEX(m), until)); }
int mtx_unlock(mtx_t *m) { return told(pthread_mutex_unlock(MUTEX(m))); }
int cnd_signal(cnd_t *c) { return told(pthread_cond_signal(CONDITION(c))); }
int cnd_broadcast(cnd_t *c) { return told(pthread_cond_broadcast(CONDITION(c))); }
int cnd_wait(cnd_t *c, mtx_t *m) { return told(pthread_cond_wait(CONDITION(c), MUTEX(m))); }
int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until) {
  return told(pthread_cond_timedwait(CONDITION(c), MUTEX(m), until));
}
void call_once(once_flag *flag, void (*f)(void)) { pthread_once((pthread_once_t *)flag, f); }

struct start {
  thrd_start_t run;
  void *with;
};
static void *begin(void *start) {
  const struct start s = *(struct start *)start;
  free(start);
  return (void *)(intptr_t)s.run(s.with);
}
int thrd_create(thrd_t *thread, thrd_start_t run, void *with) {
  struct start *s = malloc(sizeof *s);
  if (!s) return thrd_nomem;
  *s = (struct start){run, with};
  const int error = pthread_create(thread, NULL, begin, s);
  if (error) free(s);
  return told(error);
}
int thrd_join(thrd_t thread, int *result) {
  void *value;
  const int error = pthread_join(thread, &value);
  if (!error && result) *result = (int)(intptr_t)value;
  return told(error);
}
int thrd_detach(thrd_t thread) { return told(pthread_detach(thread)); }
_Noreturn void thrd_exit(int result) { pthread_exit((void *)(intptr_t)result); }

/* What waits by a clock of the caller's, newer than the detector, is tried again and again. */
static int before(clockid_t clock, const struct timespec *until) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec < until->tv_sec || (t.tv_sec == until->tv_sec && t.tv_nsec < until->tv_nsec);
}
#define LOCK_UNTIL(name, type, attempt) \
  int name(type *lock, clockid_t clock, const struct timespec *until) { \
    int error; \
    while ((error = attempt(lock)) == EBUSY && before(clock, until)) sched_yield(); \
    return error == EBUSY ? ETIMEDOUT : error; \
  }
LOCK_UNTIL(pthread_mutex_clocklock, pthread_mutex_t, pthread_mutex_trylock)
LOCK_UNTIL(pthread_rwlock_clockrdlock, pthread_rwlock_t, pthread_rwlock_tryrdlock)
LOCK_UNTIL(pthread_rwlock_clockwrlock, pthread_rwlock_t, pthread_rwlock_trywrlock)
int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
  int error;
  while ((error = sem_trywait(semaphore)) && errno == EAGAIN && before(clock, until)) sched_yield();
  if (error && errno == EAGAIN) errno = ETIMEDOUT;
  return error;
}
#endif
#endif
