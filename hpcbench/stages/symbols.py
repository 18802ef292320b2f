"""What the candidate's object asks of the system: only names on the kernel's list may stand in its import table.

The names are read from the object with the binutils' ``nm``; those of ``kernel.toml`` come on top of what every
computation may use. A name that is on no list is ``forbidden``: processes, files, sockets, timers,
loading of code, and the libraries that the candidate should beat.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Sequence

from hpcbench import launch
from hpcbench.build import version
from hpcbench.spec import Stage
from hpcbench.stages import Subject

ORDER = 30
LIMIT_S = 30
ANY = re.compile(
    r"_Z\w+|_Unwind_\w+|__cxa_\w+|__gxx_personality_v0|_ITM_\w+|__gmon_start__|__dso_handle|__stack_chk_fail|__tls_get_addr"
    r"|__\w+_chk|__errno_location|__assert_fail|__once_proxy|__ctype_\w+|__sched_cpu\w+|__isoc\d\d_(?:sscanf|strto\w+)"
    r"|__(?:isnan|isinf|finite|fpclassify|signbit)[fl]?|__libc_single_threaded|__gcc_\w+|__[a-z]+(?:[hsdtx][fc]|bf|[hsdt]i)\d?|__atomic_\w+|__dynamic_cast|__cpu_\w+"
    r"|(?:GOMP|omp|__kmpc|ompi_mpi)_\w+|(?:P(?=MPI_Wti))?MPI_(?!Comm_spawn|Comm_connect|Comm_accept|Comm_join|Open_port|Publish_name|Unpublish_name|Lookup_name|File_|T_|Pcontrol)\w+"
    r"|pthread_(?:create|join|self|once|key_\w+|[sg]etspecific|mutex_\w+|cond_\w+|rwlock_\w+|spin_\w+|barrier_\w+|attr_\w+"
    r"|mutexattr_\w+|condattr_\w+|yield|equal|setname_np|[sg]etaffinity_np)|sem_(?:init|destroy|wait|post|trywait)"
    r"|malloc|calloc|realloc|free|posix_memalign|aligned_alloc|memalign|malloc_usable_size|reallocarray|mmap|munmap|mremap"
    r"|mprotect|madvise|posix_madvise|mlock|munlock|brk|sbrk|mem(?!fd)\w+|str\w+|stp\w+|bcopy|bzero|ffs\w*"
    r"|abort|exit|atexit|qsort|qsort_r|bsearch|abs|labs|llabs|div|ldiv|lldiv|rand|srand|rand_r|random|drand48|erand48"
    r"|printf|puts|putchar|fprintf|fputs|fputc|fwrite|fflush|vfprintf|snprintf|vsnprintf|sprintf|vsprintf|perror|stdout|stderr"
    r"|sysconf|get_nprocs\w*|getpagesize|sched_(?:yield|getcpu|getaffinity|setaffinity)|nanosleep|usleep|getenv|secure_getenv"
    r"|clock(?:_gettime|_getres|_nanosleep)?|gettimeofday|time|difftime|getauxval|getpid|gettid|getrlimit(?:64)?|uname|sysinfo|fe\w+except\w*"
    r"|fe(?:get|set)(?:env|round)|fe(?:hold|update)(?:env|except)|mallopt|malloc_trim|mallinfo2?|p?valloc|ato(?:i|l|ll|f)|[dejlmn]rand48"
    r"|srand48|srandom|[th](?:search|delete|find|walk|destroy|create)(?:_r)?|l(?:find|search)|is(?:alnum|alpha|digit|space|upper|lower|punct)"
    r"|to(?:upper|lower)|__pthread_key_create|bcmp|pthread_(?:detach|exit)|getrusage|sscanf|vprintf|putc|exp10[fl]?|sincosl|nan[fl]?"
    r"|(?:thrd|mtx|cnd|tss)_\w+|call_once|MPIX_\w+|v?asprintf|set(?:v|line)?buf|timespec_get|sem_(?:timedwait|clockwait|getvalue)"
    r"|pthread_(?:get(?:attr|name)_np|(?:barrier|rwlock)attr_\w+)|random_r|arc4random\w*|explicit_bzero|(?:fputs|putc)_unlocked"
    r"|c(?:abs|arg|imag|real|conj|proj|exp|log|pow|sqrt|a?(?:sin|cos|tan)h?)[fl]?|(?:roundeven|nexttoward|lgamma_r)[fl]?"
    r"|(?:f(?:abs|ma|max|min|mod|dim|rexp)|a?(?:sin|cos|tan)h?|atan2|exp2?|expm1|log(?:2|10|1p|b)?|pow|sqrt|cbrt|hypot|erfc?"
    r"|[lt]gamma|ceil|floor|trunc|ll?r(?:ound|int)|round|rint|nearbyint|scalbl?n|ldexp|modf|ilogb|copysign|nextafter"
    r"|remainder|remquo|isnan|isinf|finite)[fl]?|sincosf?|[a-z]+(?:\d+[a-z]*)?f128(?:_r)?|imax(?:abs|div)|rawmemchr|numa_\w+|set_mempolicy|mbind|get_mempolicy|_?setjmp|longjmp"
    r"|(?:[dejlmn]rand48|srand48|seed48|lcong48|initstate|setstate|srandom)(?:_r)?|getrandom|getentropy|pthread_t(?:ry|imed)join_np"
    r"|(?:putchar|fwrite)_unlocked|isatty|sleep|getcpu|(?:local|gm)time_r"
)
# what nm says of one name: its type, where it lies, its size
ROW = re.compile(r"[^\x00-\x20\x7f]+ [A-Za-z?-](?: +[0-9a-f]+)* *")
# what semaphores, barriers, latches, jthreads and atomic::wait of C++20 leave in an object: `syscall` is for a
# futex then, which the wall lets through; it refuses what the lists would
WAITS = re.compile(r"_Z\w*(?:__waiter_pool_base|St7jthread|St11stop_source)")
SEMAPHORE = re.compile(
    rb"^[ \t]*#[ \t]*include[ \t]*<semaphore>", re.MULTILINE
)  # all of which may be inlined
FORBIDDEN_CXX = re.compile(r"_ZNSt(?:10filesystem|13basic_(?:fstream|filebuf)|14basic_[io]fstream)")


def undefined(path: str, before: Sequence[str] = ()) -> list[str]:
    """Names that the object takes from elsewhere, without version, but for a futex's of the C++ library.

    ``before`` are the words that run ``nm`` behind a wall.

    Raises
    ------
    ValueError
        For a name that is none: with a space, a line's end or a control character in it.
    """
    command = [*before, "nm", "-D", "-P", path]
    found = subprocess.run(command, capture_output=True, errors="replace", check=True, timeout=LIMIT_S).stdout
    lines = found.removesuffix("\n").split("\n") if found else []
    if odd := [line for line in lines if not ROW.fullmatch(line)]:
        raise ValueError(f"{odd[0][:60]!r} is no name")
    rows = [line.split(" ") for line in lines]
    waits = any(WAITS.match(row[0]) for row in rows if row[1] not in "Uw")
    taken = {row[0].partition("@")[0] for row in rows if row[1] in "Uwv"}
    return sorted(taken - {"syscall"} if waits else taken)


def forbidden(names: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """Those of ``names`` that stand on no list; ``allowed`` are the kernel's own patterns."""
    own = re.compile("|".join(allowed) or r"(?!)")
    return [n for n in names if FORBIDDEN_CXX.match(n) or not (ANY.fullmatch(n) or own.fullmatch(n))]


def check(subject: Subject) -> Stage:
    """Compare the import table with the lists."""
    start = time.perf_counter()
    if subject.candidate.language == "python":
        return Stage("symbols", "not_checked", "Python is judged by its imports")
    if subject.candidate.language == "cuda":
        return Stage(
            "symbols", "not_checked", "CUDA's runtime asks for whatever a device needs: not judged by names"
        )
    if not shutil.which("nm"):
        return Stage("symbols", "not_checked", "no nm; it comes with the binutils")
    assert subject.object is not None
    before = [] if subject.bench.trust else launch.inside("/dev/null", subject.object)
    try:
        names = undefined(str(subject.object), before)
        futex = ("syscall",) if SEMAPHORE.search(subject.candidate.source) else ()
        bad = forbidden(names, (*subject.kernel.symbols, *futex))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, ValueError) as error:
        return Stage("symbols", "forbidden", f"its import table cannot be read: {error}"[:200], tool="nm")
    spent = time.perf_counter() - start
    if bad:
        shown = ", ".join(bad[:6]) + (f" and {len(bad) - 6} more" if len(bad) > 6 else "")
        message = f"it calls {shown}: no {subject.kernel.name} needs that"
        return Stage("symbols", "forbidden", message, spent, version("nm"))
    return Stage("symbols", "correct", "", spent, version("nm"))
