"""CUDA variants as C++ programs for the host's own processor, so that their arithmetic is tested without a device."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from pathlib import Path

from hpcbench.spec import Candidate
from hpcbench.variant import Variant

DEVICE = "".join((Path(__file__).parent / name).read_text() for name in ("fibers.hpp", "cuda.hpp"))
OF_CUDA = re.compile(r"^#include <(cuda_runtime|cooperative_groups)\.h>$", re.MULTILINE)
SHARED = re.compile(r"__shared__ ((?:typename |unsigned long )?[\w:<>]+) ([^;]+);")
NAME = re.compile(r"(\w+)((?:\[[^\]]+\])*)$")
KERNEL = re.compile(r"[\w:]+(?:<[^<>;{}]*>)?$")


def emulated(variant: Variant, order: int = 0, **params: int) -> Candidate:
    """The serial candidate that does what ``variant`` does on a device, its threads one after the other.

    With ``order`` 1 the last thread, and the last block, comes first.
    """
    made = variant.candidate(params)
    text = OF_CUDA.sub("", made.source.decode())
    text = _launched(_shared(text)).replace("reinterpret_cast<const void *>", "")
    return replace(
        made,
        language="cpp",
        model="serial",
        flags=("-O2",),
        source=f"#define ORDER {order}\n{DEVICE}\n{text}".encode(),
    )


def _shared(text: str) -> str:
    """Variables of a block, which its threads look up by where they are declared."""
    places = count()

    def one(match: re.Match[str]) -> str:
        found = [NAME.match(name.strip()) for name in match[2].split(",")]
        return " ".join(
            f"auto &{name[1]} = emulated::shared<{match[1]}{name[2]}, {next(places)}>();"
            for name in found
            if name
        )

    return SHARED.sub(one, text)


def _launched(text: str) -> str:
    """``kernel<<<grid, block>>>(...)`` as a call of the emulator's."""
    while (at := text.find("<<<")) >= 0:
        kernel = KERNEL.search(text[:at])
        assert kernel, text[at - 60 : at]
        middle = text.index(">>>(", at)
        stop = _closing(text, middle + 3)
        call = f"emulated::launch({text[at + 3 : middle]}, false, [&] {{ {kernel[0]}{text[middle + 3 : stop]}; }})"
        text = text[: kernel.start()] + call + text[stop:]
    return text


def _closing(text: str, opening: int) -> int:
    """Behind the bracket that closes the one at ``opening``."""
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at + 1
    raise AssertionError(f"no end of {text[opening : opening + 60]}")
