"""Linear systems A x = b to a relative residual: ``kernel.toml``, ``kernel.py``, ``abi.h`` and its variants."""
