"""Thompson sampling that begins anew when costs have changed."""

from __future__ import annotations

from tuners.policies.thompson import Thompson
from tuners.restarting import Restarting


class RestartThompson(Restarting, Thompson):
    """Thompson sampling, forgetful.

    The rule: Thompson's (:class:`~tuners.policies.thompson.Thompson`), which forgets all when an arm's costs have
    changed (:class:`~tuners.restarting.Restarting`).

    Regret: none is proved for the two together. Source: theirs.
    """


POLICY = RestartThompson
