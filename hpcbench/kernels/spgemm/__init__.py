"""Sparse matrix times sparse matrix: ``kernel.toml``, ``kernel.py``, ``abi.h`` and its variants."""
