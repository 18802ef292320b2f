"""Parameters chosen while the work runs: omega of relaxation methods, system by system, with no search beforehand.

To add a policy: one file in ``policies/`` with a :class:`hpcbench.protocols.Policy` by the name ``POLICY``.
"""
