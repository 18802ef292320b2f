"""Sparse matrix times vector: ``kernel.toml``, ``kernel.py``, ``abi.h`` and its variants."""
