"""What a preprocessor makes of a candidate: whether the instrument that it is built with would be switched off.

The candidate's own text does not tell: macros of the system paste names together, and lines go on after a
backslash or its trigraph. What has been looked at is therefore what is compiled.
"""

from __future__ import annotations

import re

SUFFIXES = {".c": ".i", ".cpp": ".ii"}  # under which compilers take a text as preprocessed
# a line that goes on; gcc and clang overlook blanks before its end
SPLICE = re.compile(rb"(?:\\|\?\?/)[ \t\f\v\0]*(?:\r\n?|\n)")
# for a function; for the memory of a segment; for a while
UNWATCHED = re.compile(
    rb"no_sani\w*|no_address_safety\w*|disable_sanitizer\w*|__seg_[fg]s\b|address_space(?:__)?\s*\("
    rb"|__asan_(?:un)?poison\w+|__tsan_ignore\w+|AnnotateIgnore\w+"
)
# a directive that macros have made: clang, which reads preprocessed text once more, would follow it
LIVE = re.compile(rb"(?:^|[\r\n])[ \t\f\v]*((?:#|%:)[ \t\f\v]*(?!\d|pragma\b|ident\b)\w+)")
# clang expands macros in these no sooner than it compiles; no result depends on them
LOOPS = re.compile(
    rb"^[ \t]*#[ \t]*pragma[ \t]+(?:(?:GCC[ \t]+)?(?:no)?unroll|clang[ \t]+loop)\b.*",
    re.MULTILINE,
)


def unwatched(text: bytes) -> str:
    """What in a preprocessed text would switch an instrument off; empty when nothing does."""
    seen = SPLICE.sub(b"", text)
    found = UNWATCHED.search(seen) or LIVE.search(seen)
    return found[found.lastindex or 0].decode("utf-8", "replace")[:60] if found else ""
