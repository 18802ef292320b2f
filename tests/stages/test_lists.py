"""The lists of names: what a computation uses passes, what reaches further does not."""

import time

import pytest
from judges import judged

from hpcbench import build
from hpcbench.spec import Candidate
from hpcbench.stages import imports, stages, symbols
from hpcbench.variant import LONGEST_PYTHON

BAD = [
    "clock_settime",
    "feof",
    "ferror",
    "fread",
    "dlsym",
    "dlopen",
    "dlmopen",
    "fopen",
    "fopen64",
    "open",
    "openat",
    "creat",
    "fork",
    "vfork",
    "clone",
    "execve",
    "system",
    "popen",
    "posix_spawn",
    "syscall",
    "prctl",
    "ptrace",
    "socket",
    "connect",
    "kill",
    "raise_other",
    "memfd_create",
    "shm_open",
    "shmget",
    "setitimer",
    "timer_create",
    "setpriority",
    "setrlimit",
    "MPI_Comm_spawn",
    "MPI_File_open",
    "process_vm_readv",
    "dl_iterate_phdr",
    "__libc_dlsym",
    "__fdopen",
    "tzset",
    "alarm",
    "fdopen",
    "pread64",
    "getline",
    "fgets_unlocked",
    "mkl_sparse_spmm",
    "cblas_dgemm",
    "_ZNSt14basic_ifstreamIcSt11char_traitsIcEE7is_openEv",
    "_ZNSt13basic_filebufIcSt11char_traitsIcEE4openEPKcSt13_Ios_Openmode",
    "_ZNSt10filesystem6statusERKNS_7__cxx114pathE",
]
GOOD = [
    "clock_gettime",
    "gettimeofday",
    "time",
    "fesetround",
    "fesetenv",
    "MPI_Wtime",
    "PMPI_Wtime",
    "_ZNSt6chrono3_V212steady_clock3nowEv",
    "__dynamic_cast",
    "__floattixf",
    "__divti3",
    "pthread_cond_clockwait",
    "malloc",
    "free",
    "calloc",
    "aligned_alloc",
    "memcpy",
    "memset",
    "memmove",
    "qsort",
    "printf",
    "sqrt",
    "fma",
    "exp",
    "sincos",
    "pthread_create",
    "pthread_once",
    "__once_proxy",
    "GOMP_parallel",
    "GOMP_task",
    "omp_get_thread_num",
    "__kmpc_fork_call",
    "__tls_get_addr",
    "_Znwm",
    "_ZdlPvm",
    "__cxa_throw",
    "_ZSt9terminatev",
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
    "__stack_chk_fail",
    "__memcpy_chk",
    "mmap",
    "madvise",
    "sched_yield",
    "sysconf",
    "MPI_Isend",
    "MPI_Alltoallv",
    "MPI_Comm_rank",
    "MPI_Waitall",
    "_ZGVeN8v_exp",
    "__errno_location",
    "abort",
    "erand48_r",
    "srand48_r",
    "initstate_r",
    "srandom_r",
    "getrandom",
    "getentropy",
    "imaxabs",
    "imaxdiv",
    "fmaf128",
    "log10f128",
    "log1pf128",
    "lgammaf128_r",
    "pthread_timedjoin_np",
    "pthread_tryjoin_np",
    "putchar_unlocked",
    "fwrite_unlocked",
    "rawmemchr",
    "isatty",
    "sleep",
    "getcpu",
    "localtime_r",
    "gmtime_r",
    "__truncsfbf2",
    "__extendbfsf2",
]


def test_names_that_reach_further_than_a_computation_are_forbidden():
    assert symbols.forbidden(BAD, ()) == BAD
    assert symbols.forbidden(GOOD, ()) == []
    assert symbols.forbidden(["cblas_dgemm", "dlsym"], ("cblas_.*",)) == ["dlsym"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import ctypes", "import ctypes"),
        ("from numpy import ctypeslib", "ctypeslib"),
        ("import numpy as np\nnp.ctypeslib.load_library('c', '/')", ".ctypeslib"),
        ("import numpy as np\nnp.load('/tmp/answer.npy')", ".load"),
        ("().__class__.__base__.__subclasses__()", ".__class__"),
        ("import scipy.sparse", "import scipy.sparse"),
        ("getattr(1, 'real')", "getattr"),
        ("from . import worker", "from . import"),
        ("import gc", "import gc"),
        ("import time", "import time"),
        ("import random\nrandom._os", "._os"),
        ("import random\nr = random\nr._os.write(3, b'')", "._os"),
        ("from random import _os", "from random import"),
        ("import contextlib\ncontextlib.sys", ".sys"),
        ("import contextlib\ncontextlib.os", ".os"),
        ("import contextlib\nclass A(contextlib.redirect_stdout): _stream = 'modules'", ".redirect_stdout"),
        ("from contextlib import redirect_stderr as r", "redirect_stderr"),
        ("import typing\nc = typing.contextlib\nc._RedirectStream", "._RedirectStream"),
        ("import fractions\nfractions.sys", ".sys"),
        ("import fractions\nb = fractions.re.enum.bltns", ".bltns"),
        ("import collections\nc = collections\nc._sys", "._sys"),
        ("from numpy.lib.format import read_array", "read_array"),
        ("import numpy as np\nn = np\nn._core._methods.pickle.loads", ".pickle"),
        ("import numpy as np\ndef f(self): return self.load(F(), allow_pickle=True)\nf(np)", ".load"),
        ("def f(self): return self.compile('1', '', 'eval')", ".compile"),
        ("def f(self): return self.open(3, 'wb')", ".open"),
        ("def f(us): return us.save", ".save"),
        ("object.__setattr__(1, '__cl' + 'ass__', 2)", ".__setattr__"),
        ("super().__setattr__('x', 1)", ".__setattr__"),
        ("super().__dict__", ".__dict__"),
        ("super().__getattribute__('x')", ".__getattribute__"),
        ("super(A, b).__new__", ".__new__"),
        ("dict.__getitem__", ".__getitem__"),
    ],
)
def test_python_that_reaches_further_is_forbidden(text, word):
    assert word in ", ".join(imports.problems(text.encode(), imports.ANY))


def test_python_that_computes_passes_and_a_kernel_may_allow_more():
    text = b"import numpy as np\nfrom numba import njit\nimport math\n\ndef run(h, i, p):\n    return np.sort(i['a_data'])\n"
    assert imports.problems(text, imports.ANY) == []
    assert imports.problems(b"import scipy.sparse", imports.ANY | {"scipy"}) == []


def test_stages_come_in_order():
    assert [name for name, _ in stages()] == [
        "constraints", "imports", "compile", "symbols", "hidden", "sanitize", "races",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("getattr = getattr\ngetattr(1, 'x')", "getattr"),
        ("# coding: utf-7\n+AGUAdgBhAGw-('1')", "eval"),
        ("def f(eval): pass\neval('1')", "eval"),
        ("class A: getattr = getattr", "getattr"),
        ("def f():\n  def g(): getattr = 1\n  return getattr(1, 'x')", "getattr"),
        ("def f(a=open): return a", "open"),
        ("def f():\n  global vars\n  vars = 1\n  return vars", "vars"),
        ("x = [open for k in (1,)]", "open"),
        ("import functools\nw = functools.wraps", "wraps"),
        ("from functools import wraps as w", "wraps"),
        ("import functools\nfunctools.wraps(print)(print)", "wraps"),
        ("class A: __dict__ = 1", "__dict__"),
        ("'{1:{0.real}}'.format(1, 2)", "format"),
        ("'{0[x]}'.format({})", "format"),
        ("f = str.format", "format"),
        ("import copy\ncopy.types.CodeType", "CodeType"),
        ("from typing import *", "typing"),
    ],
)
def test_a_name_is_what_its_scope_makes_of_it(text, word):
    assert word in ", ".join(imports.problems(text.encode(), imports.ANY))


def test_a_function_s_own_variables_may_be_called_so():
    text = b"""
import random
from contextlib import contextmanager
from fractions import Fraction
from math import *
from functools import wraps
def decorated(f):
    @wraps(f)
    def inner(*given): return f(*given)
    return inner
class A:
    def compile(self): return self.__rows
    def __new__(cls, input): return super().__new__(cls)
    def __getitem__(self, k): return super().__getitem__(k)
    def __setitem__(self, k, v): super().__setitem__(k, v)
    def __init__(self, input):
        super().__init__()
        self.input = input
    def save(self): self.kept = self.input, random.Random(1), Fraction(1, 3)
    @contextmanager
    def saved(self): yield self.save()
def f(input, open):
    vars = [input for _ in range(3)]
    print("{:{}.{}f} {x:>10}".format(1.0, 2, 3, x=A()))
    return lambda: (vars, open)
"""
    assert imports.problems(text, imports.ANY) == []


def test_a_flag_makes_no_warning_an_error_where_an_instrument_looks(tmp_path):
    one = Candidate(
        "spgemm", "c", "serial", b"int x(void) { int unused; return 0; }", {}, ("-Wall", "-Werror")
    )
    with pytest.raises(build.BuildError, match="unused"):
        build.build(one)
    assert build.build(one, watch=("-fsanitize=address",)).path.exists()


@pytest.mark.parametrize("text", ["y=f'" + "{a}" * 40_000 + "'\n", "lambda:0\n" * 14_000, "a\n" * 60_000])
def test_python_made_to_cost_is_read_in_seconds(text, tmp_path):
    began = time.process_time()
    assert imports.problems(text.encode(), imports.ANY) == []
    assert time.process_time() - began < 8
    longer = text.encode() + b"#" * LONGEST_PYTHON
    stage = judged(Candidate("spgemm", "python", "serial", longer, {}, ()), tmp_path).stages[-1]
    assert (stage.name, stage.code) == ("imports", "compile")
    assert "more than 128 KiB of Python" in stage.message


def test_names_are_looked_up_in_a_time_that_grows_with_the_text():
    text = "".join(f"def f{i}(): pass\n" for i in range(20_000)) + "eval('1')\n"
    began = time.process_time()
    assert imports.problems(text.encode(), imports.ANY) == ["eval"]
    assert time.process_time() - began < 10  # it took 37 s to look up every name


@pytest.mark.parametrize(
    "text", [b"no_\\\nsanitize", b"%:%: sanitize", b"no_address_safety_analysis", b"__SANITIZE_THREAD__"]
)
def test_asking_not_to_be_watched_is_forbidden_however_it_is_written(text, tmp_path):
    result = judged(Candidate("spgemm", "c", "serial", b"/* " + text + b" */", {}, ()), tmp_path)
    assert (result.verdict, result.stages[-1].name) == ("forbidden", "compile")
