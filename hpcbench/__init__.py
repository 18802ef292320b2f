"""hpcbench: find the fastest correct sparse, graph and solver kernels on your machine and your data."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpcbench.choice import best as best

__version__ = "0.1.0"
__all__ = ["best"]


def __getattr__(name: str) -> Any:
    if name == "best":  # at its first use: the command line needs none of what it imports
        from hpcbench.choice import best

        return best
    raise AttributeError(f"module 'hpcbench' has no attribute {name!r}")
