"""Export states: what each means, what may follow, whether units stay kept, which button is offered (MECHANISMS 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ExportState(StrEnum):
    """What we did with an order."""

    IMPORTED = "imported"
    WAITING = "waiting"
    HELD = "held"
    SENDING = "sending"
    UNKNOWN = "unknown"
    CREATED = "created"
    SKIPPED = "skipped"
    CANCELED = "canceled"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(state.value, TABLE[state].label) for state in cls]


@dataclass(frozen=True, slots=True)
class StateFacts:
    """One row of the table of states."""

    label: str
    """The word on the screen."""
    tone: str
    """ok, work, wait, stop, ask or calm (look/LOOK.md)."""
    next: frozenset[str]
    keeps_units: bool
    """Whether a reservation may stand while the order is in this state."""
    button: str
    """The action offered: export, check, open or empty."""
    claimed: bool
    """Whether the lane claims it when its next attempt is due."""
    silent: bool
    """True if an order may rest here with neither a next attempt nor anything for a person to do."""


def _to(*names: str) -> frozenset[str]:
    return frozenset(names)


TABLE: dict[ExportState, StateFacts] = {
    ExportState.IMPORTED: StateFacts(
        "Imported",
        "calm",
        _to("waiting", "held", "sending", "created", "skipped", "canceled"),
        True,
        "export",
        True,
        False,
    ),
    ExportState.WAITING: StateFacts(
        "Waiting",
        "wait",
        _to("imported", "held", "sending", "created", "skipped", "canceled"),
        True,
        "export",
        True,
        False,
    ),
    ExportState.HELD: StateFacts(
        "On hold",
        "stop",
        _to("imported", "waiting", "sending", "created", "skipped", "canceled"),
        True,
        "export",
        False,
        False,
    ),
    ExportState.SENDING: StateFacts(
        "Sending", "work", _to("created", "unknown", "held", "waiting", "imported"), True, "", True, False
    ),
    ExportState.UNKNOWN: StateFacts(
        "Checking",
        "ask",
        _to("created", "sending", "held", "waiting", "imported", "canceled"),
        True,
        "check",
        True,
        False,
    ),
    ExportState.CREATED: StateFacts("In store", "ok", _to("imported"), True, "open", False, True),
    ExportState.SKIPPED: StateFacts(
        "Skipped", "calm", _to("imported", "waiting", "held", "sending", "canceled"), False, "export", False, True
    ),
    ExportState.CANCELED: StateFacts("Canceled", "calm", _to("imported"), False, "", False, True),
}

DUE_STATES = tuple(state.value for state, facts in TABLE.items() if facts.claimed)
"""States the lane scan claims; *held* is never claimed: the event that cures it turns it to *imported*."""


class WrongTransition(ValueError):
    """A change of state that the table does not allow: a programming error."""


def check(before: str, after: str) -> None:
    """Raise `WrongTransition` unless the table allows the change (staying is always allowed)."""
    if before != after and after not in TABLE[ExportState(before)].next:
        raise WrongTransition(f"an order cannot go from {before} to {after}")
