"""Faults one can switch on: what goes wrong at real platforms, on demand and counted."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Fault = dict[str, Any]

KINDS: dict[str, str] = {
    "status": "Answers with an error status before doing the work",
    "status_after": "Does the work, then answers with an error status",
    "drop_after": "Does the work, then drops the connection",
    "timeout_after": "Does the work, then never answers",
    "throttle": "Says that there were too many requests",
    "html": "Answers with a web page instead of data",
    "slow": "Sends the answer very slowly",
    "truncate": "Cuts the answer off in the middle",
    "search_lag": "Searches find new things late",
    "hide_order": "Leaves an order out of lists",
    "repeat_order": "Shows an order on two pages of a list",
    "token_revoked": "Says that the access token is no longer valid",
    "clock_skew": "The platform's clock is wrong",
    "schema_extra": "Adds fields nobody announced",
    "null_field": "Leaves a value empty",
    "refuse": "Refuses the request with a reason of its own",
    "webhook_repeat": "Sends each notification more than once",
    "webhook_shuffle": "Sends notifications late and out of order",
    "webhook_drop": "Loses notifications",
    "unknown_enum": "Uses a status nobody announced",
}
"""Every kind with plain words for the page."""

BEFORE = ("token_revoked", "throttle", "status", "html", "refuse")
AFTER = ("status_after", "drop_after", "timeout_after", "truncate", "slow")
SPOILING = ("schema_extra", "unknown_enum", "null_field")
"""They change what an answer says of an order."""


class Faults:
    """The faults that are on. They survive a restart; a reset or `DELETE /faults` ends them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._on: list[Fault] = []
        self._random = random.Random(17)
        self.load()

    def load(self) -> None:
        """Take the faults the journal knows."""
        self._on = list(self._world.table("faults").values())
        self._clock()

    def add(
        self, platform: str, operation: str, kind: str, rate: float, count: int | None, params: dict[str, Any]
    ) -> str:
        """Switch a fault on and return its id. The arguments were checked by the caller."""
        fault: Fault = {
            "id": str(self._world.next_id("fault")),
            "platform": platform,
            "operation": operation,
            "kind": kind,
            "rate": rate,
            "count": count,
            "params": params,
            "hits": 0,
        }
        self._world.put("faults", fault["id"], fault)
        self._on.append(fault)
        self._clock()
        return str(fault["id"])

    def all(self) -> list[Fault]:
        """Return every fault switched on and not ended, with its hits; one whose count is used up stays listed."""
        return list(self._on)

    def end(self, fault_id: str | None = None) -> int:
        """End one fault, or all; return how many."""
        ended = [fault for fault in self._on if fault_id is None or fault["id"] == fault_id]
        for fault in ended:
            self._world.drop("faults", fault["id"])
        self._on = [fault for fault in self._on if fault not in ended]
        self._clock()
        return len(ended)

    def active(self, kind: str, platform: str, operation: str = "*") -> list[Fault]:
        """Return the faults of a kind in force here, without counting a hit."""
        if not self._on:
            return []
        return [
            fault
            for fault in self._on
            if fault["kind"] == kind
            and fault["platform"] in (platform, "*")
            and (operation == "*" or fault["operation"] in (operation, "*"))
            and (fault["count"] is None or fault["hits"] < fault["count"])
        ]

    def hit(self, fault: Fault) -> None:
        """Count that a fault struck."""
        fault["hits"] += 1
        self._world.put("faults", fault["id"], fault)

    def pick(self, kinds: tuple[str, ...] | str, platform: str, operation: str, text: str = "") -> Fault | None:
        """Return the first fault of these kinds that strikes now, and count it; `params.match` is sought in `text`."""
        if not self._on:
            return None
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            for fault in self.active(kind, platform, operation):
                match = fault["params"].get("match")
                if match and str(match) not in text:
                    continue
                if fault["rate"] < 1 and self._random.random() >= fault["rate"]:
                    continue
                self.hit(fault)
                return fault
        return None

    def lag(self, platform: str, operation: str) -> float:
        """Return by how many seconds a `search_lag` makes lists later still, and count its hits."""
        lag = 0.0
        for fault in self.active("search_lag", platform, operation):
            self.hit(fault)
            lag = max(lag, float(fault["params"].get("seconds", 10)))
        return lag

    def hides(self, hidden: list[Fault], order_id: str) -> bool:
        """Say whether one of these `hide_order` faults leaves an order out of a list, and count it.

        An order is hidden or shown for as long as the fault is on: half of them at a rate of 0.5, always the same half.
        """
        for fault in hidden:
            match = fault["params"].get("match")
            if match and match != order_id:
                continue
            if not match and hash((fault["id"], order_id)) % 100 >= fault["rate"] * 100:
                continue
            self.hit(fault)
            return True
        return False

    def may_spoil(self, platform: str, operation: str) -> bool:
        """Say whether a fault in force may change what an answer of this operation says of an order."""
        return any(self.active(kind, platform, operation) for kind in SPOILING)

    def wants_text(self) -> bool:
        """Say whether some fault has a `params.match`, so that requests must be looked into."""
        return any(fault["params"].get("match") for fault in self._on)

    def __bool__(self) -> bool:
        return bool(self._on)

    def _clock(self) -> None:
        skews = [float(f["params"].get("seconds", 300)) for f in self._on if f["kind"] == "clock_skew"]
        self._world.skew_seconds = sum(skews)


def set_null(place: dict[str, Any], path: str) -> None:
    """Set the value at a dotted path to null; `lines.title` means the title of every line in the list."""
    head, _, rest = path.partition(".")
    if head not in place:
        return
    if not rest:
        place[head] = None
        return
    for inner in place[head] if isinstance(place[head], list) else [place[head]]:
        if isinstance(inner, dict):
            set_null(inner, rest)


def in_each(value: Any, change: Callable[[dict[str, Any]], object]) -> None:
    """Change every object in an answer, the inner ones first."""
    if isinstance(value, dict):
        for entry in list(value.values()):
            in_each(entry, change)
        change(value)
    elif isinstance(value, list):
        for entry in value:
            in_each(entry, change)


def overwrite(place: dict[str, Any], name: str, value: Any) -> None:
    """Set a field where there is one."""
    if name in place:
        place[name] = value
