"""Correct kernels whose threads keep order by rarer means, and others of words that once were a false alarm."""

from dataclasses import replace

import pytest
from judges import judged
from programs import in_python
from races import candidate
from test_honest import HEAD, ROWS

from hpcbench.spec import Candidate

# chunk after chunk is told where its rows begin; what makes the one wait for the other is filled in
CHAIN = """
  const int64_t n = in->a_nrows, chunks = (n + 31) / 32;
  std::vector<int64_t> base(chunks + 1);
  std::vector<int> ready(chunks + 1);
  out->indptr[0] = 0, ready[0] = 1;
#pragma omp parallel for schedule(static, 1) ORDERED
  for (int64_t c = 0; c < chunks; c++) {
    const int64_t from = 32 * c, to = std::min(n, from + 32);
    const Part mine = rows(in, from, to);
    WAIT
    const int64_t at = base[c];
    base[c + 1] = at + (int64_t)mine.cols.size();
    POST
    std::copy(mine.cols.begin(), mine.cols.end(), out->indices + at);
    std::copy(mine.vals.begin(), mine.vals.end(), out->data + at);
    for (int64_t i = from; i < to; i++) out->indptr[i + 1] = at + mine.ends[i - from];
  }
  return 0;
"""
UNTIL = "while (!__atomic_load_n(&ready[c], __ATOMIC_RELAXED)) sched_yield();"
THEN = "__atomic_store_n(&ready[c + 1], 1, __ATOMIC_RELAXED);"
CHAINS = {
    "flushes": ("", UNTIL + "\n#pragma omp flush\n", "\n#pragma omp flush\n" + THEN),
    "fences": ("", UNTIL + "std::atomic_thread_fence(std::memory_order_acquire);",
               "std::atomic_thread_fence(std::memory_order_release);" + THEN),
    "builtin fences": ("", UNTIL + "__sync_synchronize();", "__sync_synchronize();" + THEN),
    "ordered depend": ("ordered(1)", "\n#pragma omp ordered depend(sink : c - 1)\n", "\n#pragma omp ordered depend(source)\n"),
}  # fmt: skip
TEAM = """
  const int threads = omp_get_max_threads();
  std::vector<Part> parts(threads);
  const int64_t n = in->a_nrows;
  BODY
  return put(in, out, parts);
"""
RUN = "parts[t] = rows(in, n * t / threads, n * (t + 1) / threads);"
SECOND = "std::chrono::seconds(1)"
SOON = "timespec soon; clock_gettime(CLOCK_MONOTONIC, &soon); soon.tv_sec++;"
LOCKS = {  # what is made, taken, and given back
    "a semaphore of C++20": ("std::counting_semaphore<1> m(1)", "m.acquire();", "m.release()"),
    "a semaphore that is tried for a while": (
        "std::binary_semaphore m(1)", f"while (!m.try_acquire_for({SECOND})) continue;", "m.release()"),
    "a mutex that is tried for a while": (
        "std::timed_mutex m", f"while (!m.try_lock_for({SECOND})) continue;", "m.unlock()"),
    "a shared mutex that is tried until a time": (
        "std::shared_timed_mutex m; int seen = 0",
        f"const auto until = [] {{ return std::chrono::steady_clock::now() + {SECOND}; }};"
        "while (!m.try_lock_shared_until(until())) continue; if (next < seen) exit(1); m.unlock_shared();"
        "while (!m.try_lock_until(until())) continue;", "seen = next; m.unlock()"),
    "a semaphore of POSIX that is waited for until a time": (
        "sem_t m; sem_init(&m, 0, 1)",
        f"for (;;) {{ {SOON} if (!sem_clockwait(&m, CLOCK_MONOTONIC, &soon)) break; }}", "sem_post(&m)"),
}  # fmt: skip
TEAMS = {
    "jthreads": f"{{ std::vector<std::jthread> team; for (int t = 0; t < threads; t++) team.emplace_back([&, t] {{ {RUN} }}); }}",
    "a barrier of C++20": "std::barrier sync(threads); std::vector<std::thread> team; for (int t = 0; t < threads; t++) "
                          f"team.emplace_back([&, t] {{ {RUN} sync.arrive_and_wait(); }}); for (auto &t : team) t.join();",
    "threads of C11": """
      struct Job { const spgemm_in *in; Part *part; int64_t from, to; };
      std::vector<Job> jobs(threads);
      std::vector<thrd_t> team(threads);
      for (int t = 0; t < threads; t++) {
        jobs[t] = {in, &parts[t], n * t / threads, n * (t + 1) / threads};
        if (thrd_create(&team[t], [](void *v) { auto *j = (Job *)v; *j->part = rows(j->in, j->from, j->to); return 0; }, &jobs[t])) return 1;
      }
      for (thrd_t t : team) thrd_join(t, nullptr);""",
    "a mutex of C11": f"""
      mtx_t lock;
      int next = 0;
      mtx_init(&lock, mtx_plain);
#pragma omp parallel
      for (;;) {{
        mtx_lock(&lock);
        const int t = next++;
        mtx_unlock(&lock);
        if (t >= threads) break;
        {RUN}
      }}
      mtx_destroy(&lock);""",
    "a scan": f"""
      int64_t sum = 0;
      std::vector<int64_t> before(threads);
#pragma omp parallel for reduction(inscan, + : sum)
      for (int t = 0; t < threads; t++) {{
        before[t] = sum;
#pragma omp scan exclusive(sum)
        sum += t;
      }}
      for (int t = 0; t < threads; t++) if (before[t] != t * (t - 1) / 2) return 1;
#pragma omp parallel for
      for (int t = 0; t < threads; t++) {RUN}""",
    "omp loop": f"\n#pragma omp parallel\n#pragma omp loop\nfor (int t = 0; t < threads; t++) {RUN}",
    **{name: f"""
      {made};
      int next = 0;
\n#pragma omp parallel
      for (;;) {{
        {taken}
        const int t = next++;
        {given};
        if (t >= threads) break;
        {RUN}
      }}""" for name, (made, taken, given) in LOCKS.items()},
    "words on the way": f"""
      char *text = nullptr;
      timespec now;
      if (asprintf(&text, "%d threads", threads) < 0 || !timespec_get(&now, TIME_UTC)) return 1;
      setvbuf(stderr, nullptr, _IOLBF, 1024);
      fprintf(stderr, "%s\\n", text);
      free(text);
#pragma omp parallel for
      for (int t = 0; t < threads; t++) {RUN}""",
}  # fmt: skip
UNSEEN = {"a scan", "omp loop"}  # of which clang 14 makes something else
INCLUDES = b"""
#include <chrono>
#include <omp.h>
#include <semaphore.h>
#include <shared_mutex>
#include <threads.h>
#include <time.h>
#if __cplusplus > 201703L
#include <barrier>
#endif
"""


def in_cpp(body: str, name: str) -> Candidate:
    one = candidate(body, name, "openmp")
    marker = b"static int calls;"
    asked = b"#include <semaphore>\n" if "std::" in body and "_semaphore" in body else b""
    return replace(
        one,
        source=INCLUDES + asked + HEAD + one.source.replace(marker, marker + ROWS.encode()),
        flags=("-O2", "-std=gnu++20"),
    )


def chained(name: str, way: tuple[str, str, str]) -> Candidate:
    body = CHAIN
    for word, text in zip(("ORDERED", "WAIT", "POST"), way, strict=True):
        body = body.replace(word, text)
    return in_cpp(body, name)


PYTHON = {
    "a decorator": (
        """
        import functools
        def told(f):
            @functools.wraps(f)
            def inner(*given): return f(*given)
            return inner
        @told
        def work(inputs): return honest(inputs)""", "return work(inputs)"),
    "a data class of later annotations": (
        """
        from dataclasses import dataclass
        @dataclass
        class Rows:
            inputs: "dict[str, np.ndarray]"
            __done = False
            def get(self):
                self.__done = True
                return honest(self.inputs)""", "print('{} of {:d}'.format('rows', 1))\nreturn Rows(inputs).get()"),
    "classes over the system's": (
        """
        import random
        from contextlib import contextmanager, suppress
        from fractions import Fraction
        class Product(dict):
            def __new__(cls, input):
                return super().__new__(cls)
            def __init__(self, input):
                super().__init__()
                self.input = input
            def __setitem__(self, key, value):
                super().__setitem__(int(key), value)
            def __getitem__(self, key):
                return super().__getitem__(int(key))
            def save(self):
                self[random.Random(1).randint(1, 9)] = Fraction(1, 3)
            @contextmanager
            def saved(self):
                self.save()
                yield honest(self.input)""",
        """
        with suppress(KeyError), Product(inputs).saved() as found:
            return found"""),
    "all of math": ("from math import *", "assert floor(1.5) == 1\nreturn honest(inputs)"),
}  # fmt: skip
HONEST = {
    **{name: chained(name, way) for name, way in CHAINS.items()},
    **{name: in_cpp(TEAM.replace("BODY", body), name) for name, body in TEAMS.items()},
    **{name: in_python(front, body, name) for name, (front, body) in PYTHON.items()},
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in CHAINS else pytest.mark.slow) for n in HONEST]
)
def test_an_honest_kernel_is_correct(name, tmp_path):
    result = judged(HONEST[name], tmp_path, threads=1 if name in PYTHON else 2)
    assert result.verdict == "correct", result.stages
    looked = {s.name: s.code for s in result.stages}["races"]
    assert looked in (
        {"not_checked"} if name in PYTHON else {"correct", "not_checked"} if name in UNSEEN else {"correct"}
    )


def test_the_same_without_its_order_is_a_race(tmp_path):
    assert judged(chained("no order", ("", UNTIL, THEN)), tmp_path, threads=2).verdict == "race"
