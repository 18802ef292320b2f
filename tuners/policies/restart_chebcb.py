"""ChebCB that begins anew when costs have changed."""

from __future__ import annotations

from tuners.policies.chebcb import ChebCB
from tuners.restarting import Restarting


class RestartChebCB(Restarting, ChebCB):
    """ChebCB, forgetful.

    The rule: ChebCB's (:class:`~tuners.policies.chebcb.ChebCB`), which forgets all when an arm's costs have changed
    (:class:`~tuners.restarting.Restarting`, which does not know of contexts: where they alone move costs, it may
    forget in vain).

    Regret: none is proved for the two together. Source: theirs.
    """


POLICY = RestartChebCB
