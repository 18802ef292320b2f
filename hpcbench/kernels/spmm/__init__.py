"""Sparse matrix times some dense columns: ``kernel.toml``, ``kernel.py``, ``abi.h`` and its variants."""
