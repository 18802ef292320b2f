"""How quantities are written: three significant digits and a unit."""

from __future__ import annotations

import math
import re
import unicodedata

NONE = "\N{EN DASH}"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def seconds(value: float | None, micro: str = "us") -> str:
    """Write a time in seconds with its SI unit.

    >>> seconds(0.0123), seconds(9.996e-4), seconds(4.2e-8)
    ('12.3 ms', '1.00 ms', '42.0 ns')
    """
    if value is None or not math.isfinite(value):
        return NONE
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, micro)):
        if value >= 0.9995 * scale:
            return f"{three(value / scale)} {unit}"
    return f"{three(value / 1e-9)} ns"


def three(value: float) -> str:
    """Write a number with three significant digits and no exponent.

    >>> three(1.234), three(99.96), three(1234.5), three(0.01234)
    ('1.23', '100', '1234', '0.0123')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(float(f'{value:.2e}')))))}f}"


def told(value: float | None) -> str:
    """Write a number that a kernel shows: whole ones as counts, others with two digits.

    >>> told(57.0), told(9.234e-9)
    ('57', '9.2e-09')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return count(value) if value.is_integer() else f"{value:.1e}"


def count(value: float) -> str:
    """Write a count: exactly below 100,000, else with three digits and k, M, G or T.

    >>> count(60_000), count(238_804), count(1.92e6)
    ('60,000', '239 k', '1.92 M')
    """
    if value < 1e5:
        return f"{value:,.0f}"
    for scale, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= 0.9995 * scale:
            return f"{three(value / scale)} {unit}"
    return f"{three(value / 1e3)} k"


def size(value: float) -> str:
    """Write a number of bytes in binary units.

    >>> size(32768), size(1.5 * 2**30)
    ('32 KiB', '1.5 GiB')
    """
    for scale, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.0f} B"


def times(value: float) -> str:
    """Write a ratio with two decimals, or three significant digits where those say more.

    >>> times(1.834), times(12.34), times(0.0421)
    ('1.83', '12.3', '0.0421')
    """
    return three(value) if value >= 9.995 or value < 0.0995 else f"{value:.2f}"


def interval(ratio: tuple[float, float, float], digits: int | None = None) -> str:
    """Write ``[low, high]`` of a ratio, or nothing when it has no interval."""
    low, high = ratio[1:]
    if not bounded(ratio):
        return ""
    if digits is None:
        return f"[{times(low)}, {times(high)}]"
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def speedup(ratio: tuple[float, float, float] | None) -> str:
    """Write a speedup and its interval, as ``1.83x [1.79, 1.88]``."""
    if ratio is None:
        return NONE
    return f"{times(ratio[0])}x {interval(ratio)}".rstrip()


def bounded(ratio: tuple[float, float, float] | None) -> bool:
    """Tell whether a ratio has an interval; an arm with a few samples only has none."""
    return ratio is not None and all(v is not None and math.isfinite(v) and v > 0 for v in ratio)


def percent(ratio: float) -> str:
    """Write the distance of a ratio from one.

    >>> percent(1.04), percent(1.008)
    ('4 %', '0.8 %')
    """
    distance = 100 * abs(ratio - 1)
    return f"{distance:.1f} %" if distance < 0.95 else f"{distance:.0f} %"


def ordinal(rank: int) -> str:
    """Write 1st, 2nd, 3rd, 4th."""
    last = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{last}"


def plain(text: str) -> str:
    """Drop colours and replace control characters: a compiler's message is not to be trusted."""
    text = ANSI.sub("", text)
    return "".join(" " if c.isspace() else "?" if unicodedata.category(c)[0] == "C" else c for c in text)


def cells(text: str) -> int:
    """Columns that ``text`` takes in a terminal; wide East Asian characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def clip(text: str, width: int) -> str:
    """Cut ``text`` to at most ``width`` columns, its end replaced by an ellipsis."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…" if width > 0 else ""


def squeeze(name: str, width: int) -> str:
    """Cut a name in its middle: the end of a variant's name tells its model.

    >>> squeeze("gustavson_hash_openmp", 15)
    'gustavs…_openmp'
    """
    if cells(name) <= width:
        return name
    tail = max(0, (width - 1) // 2)
    return (
        clip(name[: len(name) - tail], width - tail) + name[len(name) - tail :] if width > 2 else name[:width]
    )
