"""matplotlib figures as SVG that a page can hold: unique ids, the page's fonts and colours, no links.

Sizes are CSS pixels: a figure of ``width`` px is drawn 1:1, so its text is as large as it says.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design", 2008; the page maps the names to its light or dark colours.
PALETTE = {
    "ink": "#1b1f24",
    "muted": "#5b6470",
    "grid": "#dfe3e8",
    "band": "#d3d9e0",
    "paper": "#ffffff",
    "faster": "#0072b2",
    "slower": "#c24e00",
    "even": "#6f7782",
}


def figure(width: float, height: float) -> Figure:
    """Make a figure of ``width`` by ``height`` CSS pixels, free of pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")


def render(fig: Figure, key: str, label: str, shape: str) -> str:
    """Turn a figure into one ``<svg>`` element.

    Parameters
    ----------
    key
        Prefix of all ids in the drawing; unique in the page.
    label
        What the chart shows, in words, for those who cannot see it.
    shape
        CSS class: ``wide`` or ``narrow``.
    """
    import matplotlib as mpl

    width, height = fig.get_size_inches() * 72
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key, "path.simplify": False}):
        fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    for pattern in (
        r"<!--.*?-->",
        r"<metadata>.*?</metadata>",
        r"<style.*?</style>",
        r"font-family: [^;\"]*;? ?",
    ):
        body = re.sub(pattern, "", body, flags=re.DOTALL)
    body = re.sub(r"\bid=\"", f'id="{key}-', body)
    body = re.sub(r"xlink:href=\"#|href=\"#", f'href="#{key}-', body).replace("url(#", f"url(#{key}-")
    body = re.sub(r"<path d=\"[^\"]*\"", lambda m: _short(m[0]), body)
    for name, colour in PALETTE.items():
        body = body.replace(colour, f"var(--{name})")
    body = re.sub(r"\n\s*", "\n", body)
    return (
        f'<svg class="{shape}" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px">{body}</svg>'
    )


def _short(path: str) -> str:
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(\d+\.\d)\d+", r"\1", path))
