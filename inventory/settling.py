"""When the figures of handed-over units are read (MECHANISMS 6): one read for all that a store was told of meanwhile.

Reads are due on a grid of `settle_after` seconds, so that orders created one after the other share one call, whichever
variants they name. A read is worth making once the store shows the hand-over: two thirds of a step after it (with the
real waits a second: stores count an order a moment after they answered), and later by what the platform's figures lag.
"""

from __future__ import annotations

from django.conf import settings

from accounts import connections


def at(moment: str) -> str:
    """Return the SQL of the time at which a hand-over of `moment` (SQL) is read; parameters: `parameters(platform)`."""
    return (
        f"to_timestamp(ceil(extract(epoch FROM {moment} + make_interval(secs => %(settle_wait)s))::float8"
        " / %(settle_grid)s) * %(settle_grid)s)"
    )


def wait(platform: str) -> float:
    """Return the seconds after which a read of this platform shows a hand-over."""
    return settings.TIMES.settle_after * 2 / 3 + connections.stock_lag(platform)


def parameters(platform: str) -> dict[str, float]:
    """Return the parameters of `at`."""
    return {"settle_wait": wait(platform), "settle_grid": settings.TIMES.settle_after}


def soon(platform: str) -> float:
    """Return the seconds within which a hand-over of this moment is read at the latest."""
    return wait(platform) + settings.TIMES.settle_after
