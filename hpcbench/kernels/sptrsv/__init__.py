"""Sparse triangular solve: ``kernel.toml``, ``kernel.py``, ``abi.h`` and its variants."""
