"""Programs that know this judge's own worker: each gets its verdict, and gains where the check that ends it is left out."""

from dataclasses import replace

import pytest
from judges import judged
from naive import FASTER
from programs import PYTHON, in_python
from races import candidate

from hpcbench import conduct, measure
from hpcbench.conduct import Conduct
from hpcbench.measure import WorkerArm
from hpcbench.stages import imports

# the worker's table of imports leads to its `send`: "done" is said when half of a sample's calls are
EARLY = r"""
#include <cstring>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
static void **import(const char *name) {
  const auto *head = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  const char *base = nullptr, *names = nullptr;
  const ElfW(Dyn) *entry = nullptr;
  for (auto *h = head; h < head + getauxval(AT_PHNUM); h++) {
    if (h->p_type == PT_PHDR) base = (const char *)head - h->p_vaddr;
    if (h->p_type == PT_DYNAMIC) entry = (const ElfW(Dyn) *)(base + h->p_vaddr);
  }
  const ElfW(Rela) *tables[2] = {};
  const ElfW(Sym) *symbols = nullptr;
  size_t sizes[2] = {};
  for (; entry->d_tag; entry++) {
    if (entry->d_tag == DT_JMPREL) tables[0] = (const ElfW(Rela) *)entry->d_un.d_ptr;
    if (entry->d_tag == DT_PLTRELSZ) sizes[0] = entry->d_un.d_val;
    if (entry->d_tag == DT_RELA) tables[1] = (const ElfW(Rela) *)entry->d_un.d_ptr;
    if (entry->d_tag == DT_RELASZ) sizes[1] = entry->d_un.d_val;
    if (entry->d_tag == DT_SYMTAB) symbols = (const ElfW(Sym) *)entry->d_un.d_ptr;
    if (entry->d_tag == DT_STRTAB) names = (const char *)entry->d_un.d_ptr;
  }
  for (int t = 0; t < 2; t++)
    for (size_t k = 0; k < sizes[t] / sizeof(ElfW(Rela)); k++)
      if (!strcmp(names + symbols[ELF64_R_SYM(tables[t][k].r_info)].st_name, name)) return (void **)(base + tables[t][k].r_offset);
  return nullptr;
}
static ssize_t (*receives)(int, msghdr *, int);
static ssize_t (*sends)(int, const void *, size_t, int);
static int line = -1, told;
static long calls_of, done_calls;
static ssize_t receive(int fd, msghdr *m, int flags) {
  const ssize_t n = receives(fd, m, flags);
  const int64_t *request = (const int64_t *)m->msg_iov[0].iov_base;
  if (n == 32 && request[0] == 'S') line = fd, calls_of = request[2], done_calls = told = 0;
  return n;
}
static ssize_t answer(int fd, const void *what, size_t n, int flags) {
  if (n == 9 && *(const char *)what == 'D' && told) return told = 0, 9;
  return sends(fd, what, n, flags);
}
static void replace(void **where, void *by) {
  mprotect((void *)((uintptr_t)where & ~4095ul), 4096, PROT_READ | PROT_WRITE), *where = by;
}
static void early() {
  if (!sends) {
    void **s = import("send"), **r = import("recvmsg");
    if (!s || !r) return;
    memcpy(&sends, s, 8), memcpy(&receives, r, 8);
    replace(s, (void *)answer), replace(r, (void *)receive);
  }
  if (line >= 0 && calls_of > 4 && !told && ++done_calls > calls_of / 2) told = 1, sends(line, "D\0\0\0\0\0\0\0", 9, MSG_NOSIGNAL);
}
"""
FRAME = """
        def look(): yield g.gi_frame.f_back.f_back.f_locals
        g = look()
        v = next(g)
"""
# name: what stands in front, body of run; both answer no call but the one that is looked at, or reach for what is denied
IN_PYTHON = {
    "computes the last call of a sample only": (
        "", FRAME + "        return None if v['i'] < v['first'] + v['batch'] - 1 else honest(inputs)"),
    "computes when the result is fetched": ("", FRAME + "        v['self'].collect = honest\n        return inputs"),
    "imports by a type hint": (
        """
        import typing
        class Hints: os: "__import__('os')"
        os = typing.get_type_hints(Hints)""", "return honest(inputs)"),
    "imports by a pattern": (
        """
        def imported(name):
            match honest:
                case object(__builtins__=b): return b["__import__"](name)
        os = imported("os")""", "return honest(inputs)"),
    "asks by a pattern whose names are computed": (
        """
        class Any(type):
            def __instancecheck__(self, other): return True
        class Asks(metaclass=Any): __match_args__ = ("gi_" + "frame",)
        def frame(g):
            match g:
                case Asks(f): return f""",
        "g = (k for k in [0])\nframe(g).clear\nreturn honest(inputs)"),
    "asks by a format": ("", "g = (k for k in [0])\n'{0.gi_frame}'.format(g)\nreturn honest(inputs)"),
    "asks by a format that is computed": ("", "g = (k for k in [0])\n('{0.gi_' + 'frame}').format(g)\nreturn honest(inputs)"),
    "asks by what wraps": (
        """
        import functools
        class Takes:
            def __setattr__(self, name, value): taken.append(value)
        taken = []""",
        "functools.update_wrapper(Takes(), (k for k in [0]), ('gi_' + 'frame',), ())\nassert taken\nreturn honest(inputs)"),
    "asks by comparing": (
        """
        import dataclasses
        class Taken:
            def __eq__(self, other): taken.append(other); return True
        taken = []
        @dataclasses.dataclass(order=True)
        class Asks:
            gi_frame: object
            __class__ = property(lambda self: type(k for k in [0]))""",
        "return honest(inputs)"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PYTHON)
def test_what_would_lead_to_the_worker_is_forbidden_in_python(name, tmp_path, monkeypatch):
    one = in_python(*IN_PYTHON[name], name)
    result = judged(one, tmp_path)
    assert (result.verdict, result.stages[-1].name) == ("forbidden", "imports"), result.stages
    monkeypatch.setattr(imports, "problems", lambda *_: [])
    assert judged(one, tmp_path).verdict == "correct"


@pytest.mark.slow
def test_who_answers_early_and_goes_on_gains_nothing(tmp_path, monkeypatch):
    early = candidate("early(); return honest(in, out);", "answers early", "openmp")
    early = replace(early, source=EARLY.encode() + early.source)
    fair = judged(candidate("return honest(in, out);", model="openmp"), tmp_path, threads=2, seconds=10)
    result = judged(early, tmp_path, threads=2)
    assert result.verdict == "forbidden" or not result.speedup[1] > FASTER * fair.speedup[2], result.speedup
    gains = []  # sample by sample, what is left of its time without what it worked after its answer

    def sample(arm, *of):
        lately.clear()
        measured = whole(arm, *of)
        gains.extend(measured.wall_s / (measured.wall_s - ns * 1e-9) for ns in lately if ns)
        return measured

    def late(of, *times):
        lately.append(after(of, *times))
        return lately[-1]

    whole, after, lately = WorkerArm.sample, Conduct.late, []
    monkeypatch.setattr(conduct, "MOST_STRAYS", float("inf"))
    monkeypatch.setattr(WorkerArm, "sample", sample)
    monkeypatch.setattr(Conduct, "late", late)
    assert judged(early, tmp_path, threads=2).verdict == "correct"
    assert max(gains) > 1.4  # beside other work its answer is heard late, and it gains less


# the dynamic linker's list of objects leads to the C library, and that to `dlopen`, with no import of it
LOADS = r"""
#include <cstring>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
static void *find(const char *name) {
  const auto *head = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  const char *base = nullptr;
  const ElfW(Dyn) *entry = nullptr;
  for (auto *h = head; h < head + getauxval(AT_PHNUM); h++) {
    if (h->p_type == PT_PHDR) base = (const char *)head - h->p_vaddr;
    if (h->p_type == PT_DYNAMIC) entry = (const ElfW(Dyn) *)(base + h->p_vaddr);
  }
  const r_debug *debug = nullptr;
  for (; entry->d_tag; entry++)
    if (entry->d_tag == DT_DEBUG) debug = (const r_debug *)entry->d_un.d_ptr;
  for (const link_map *m = debug ? debug->r_map : nullptr; m; m = m->l_next) {
    if (!strstr(m->l_name, "libc.so")) continue;
    const ElfW(Sym) *symbols = nullptr;
    const char *names = nullptr;
    for (const ElfW(Dyn) *d = m->l_ld; d->d_tag; d++) {
      if (d->d_tag == DT_SYMTAB) symbols = (const ElfW(Sym) *)d->d_un.d_ptr;
      if (d->d_tag == DT_STRTAB) names = (const char *)d->d_un.d_ptr;
    }
    for (const ElfW(Sym) *s = symbols; (const char *)s < names; s++)
      if (s->st_value && !strcmp(names + s->st_name, name)) return (void *)(m->l_addr + s->st_value);
  }
  return nullptr;
}
static bool loads(const char *library) {
  auto open = (void *(*)(const char *, int))find("dlopen");
  return open && open(library, 2);
}
"""


def test_who_loads_a_library_by_hand_is_forbidden(tmp_path, monkeypatch):
    one = candidate('static bool there = loads("libz.so.1"); return there ? honest(in, out) : 77;', "loads")
    one = replace(one, source=LOADS.encode() + one.source)
    result = judged(one, tmp_path)
    assert (result.verdict, "it loaded libz.so" in result.stages[-1].message) == ("forbidden", True), (
        result.stages
    )
    monkeypatch.setattr(measure, "foreign", lambda *_: "")
    assert judged(one, tmp_path).verdict == "correct"


def test_an_object_that_lies_behind_a_link_is_no_foreign_library(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "there")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    result = judged(candidate("return honest(in, out);"), tmp_path / "runs")
    assert result.verdict == "correct", result.stages


def test_honest_words_that_look_alike_are_allowed():
    plain = (
        b'print("{} of {:.2f}, {name}".format(1, 2.0, name=3))\nclass A:\n    def __len__(self): return 1\n'
    )
    assert imports.problems(plain + PYTHON.encode(), imports.ANY) == []
