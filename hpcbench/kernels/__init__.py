"""Kernels of the registry, one folder each.

To add one: make ``<name>/`` with ``kernel.toml`` (static facts), ``kernel.py`` (make, oracle, check,
pack, outputs, cost, partition, BASELINE), ``abi.h`` (the C structs, every field 8 bytes wide) and at
least one file in ``variants/`` whose header is a TOML block marked ``hpcbench``. Nothing else is edited.
With ``ranked = "run"`` a race times what follows a setup; ``constant`` names the fields that setup may look at.
Optional: ``[status]`` says in words what a run's return values beyond 1 and 2 mean, ``tell`` of ``kernel.py`` gives
numbers to show of an output. What several kernels include or import is in ``shared/``.
"""
