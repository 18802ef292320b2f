"""Matrices to measure on: generated, shipped with a package, or read from a user's file.

A new generator is one function in ``generate.py``: sizes first, ``rng`` last, coordinates handed to
``_csr``. A new file format is one module with ``parse(name, raw) -> csr_array`` that raises
:class:`~hpcbench.inputs.errors.InputError` and ends in :func:`~hpcbench.inputs.canonical.canonical`, and
one line in ``PARSERS`` of ``read.py``. Add a row for each bad input to ``tests/inputs/test_read.py``.
Every matrix is a float64 ``csr_array`` with sorted int32 indices, no duplicates, no NaN and no Inf.
"""
