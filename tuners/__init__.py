"""Parameters chosen while the work runs: omega of relaxation methods, system by system, with no search beforehand.

To add a policy: one file in ``policies/`` with a class :class:`~tuners.policy.Policy` by the name ``POLICY``.
"""
