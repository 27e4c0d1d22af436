"""Every wait of the product in one object, so that tests run with it ÷ 100 and the storm with it ÷ 5."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Times:
    """Waits in seconds. MECHANISMS 3, 4, 6, 7 and 11 say why they are what they are."""

    lease: float = 120.0
    """How long a claimed row is ours; longer than the total deadline of one call."""
    call_read: float = 20.0
    """A platform that sends nothing for this long has not answered."""
    call_total: float = 60.0
    """One call, however slowly its answer drips."""
    lookup_waits: tuple[float, ...] = (0.0, 15.0, 60.0, 180.0)
    """When to look an unanswered create up again, counted from the unanswered call."""
    resend_after: float = 120.0
    """Never send again before this much has passed since the call, whatever the look-ups say."""
    unknown_for: float = 1800.0
    """After this long without an outcome the order is held for the merchant."""
    settle_after: float = 1.5
    settle_again: float = 60.0
    figure_age: float = 900.0
    """A figure older than this is read again by the poll."""
    claim_check: float = 600.0
    """A hand-over must show in the store's figure within this, or the store may not claim stock at creation."""
    sweep: float = 2.0
    ring_once: float = 5.0
    heartbeat: float = 60.0
    breaker_window: float = 30.0
    breaker_probe: float = 60.0
    dirty_patience: float = 120.0
    """A hinted order still unread after this goes by the next list call."""
    sweep_overlap: float = 180.0
    hourly_overlap: float = 1800.0
    nightly_window: float = 172800.0
    hourly: float = 3600.0
    nightly: float = 86400.0
    read_only: float = 3600.0
    """How often what waits in read-only mode looks again by itself; switching it off makes it due at once."""
    connect_state: float = 900.0
    """A consent started lives this long (F9)."""
    retry_unit: float = 1.0
    """F63's schedule is multiplied by this."""


def scaled(divisor: float, times: Times | None = None) -> Times:
    """Return the waits divided by `divisor` (1 leaves them as they are). Raises ValueError for a divisor of 0 or less."""
    if divisor <= 0:
        raise ValueError("the divisor of the waits must be above 0")
    base = times or Times()
    changed: dict[str, float | tuple[float, ...]] = {}
    for item in fields(base):
        value = getattr(base, item.name)
        changed[item.name] = tuple(v / divisor for v in value) if isinstance(value, tuple) else value / divisor
    return replace(base, **changed)  # type: ignore[arg-type]
