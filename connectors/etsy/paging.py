"""How a list that moves while it is read is read whole.

Etsy's list has an offset and no next link. While pages are read, receipts change and move to its end, and all that stand
behind them come forward: an offset would step over some, and their number may stay the same, so counting does not show
it. Receipts only ever move to later times, though. So each page begins at the time of the last receipt read, and what
was read at that second is left out; nothing can slip between. Only while a whole page is of one second the offset goes
on, a few receipts back each time.

The token says so in plain text: the window's own beginning, the second, the offset, the ids read at that second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.contract.types import Window
from connectors.etsy.reading import count, number_id, seconds

EARLIEST = 946684800
"""Etsy takes no time before 2000-01-01."""

OVERLAP = 10
"""Receipts read again where only the offset leads on."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins. `window` is the window's own beginning (u or c for updated or created, and epoch seconds)."""

    window: str
    since: int
    offset: int = 0
    seen: frozenset[str] = frozenset()

    @property
    def token(self) -> str:
        """Return the position as a page token."""
        return f"{self.window}.{self.since}.{self.offset}.{','.join(sorted(self.seen))}"


def start(window: Window) -> Position:
    """Return where the window's page begins. Raises `ValueError` for a token of another window, or none of ours."""
    since = max(int(window.after.timestamp()), EARLIEST)
    name = f"{'c' if window.by_creation else 'u'}{since}"
    if not window.page_token:
        return Position(name, since)
    told, at, offset, ids = window.page_token.split(".")
    if told != name:
        raise ValueError("the page token belongs to another window")
    return Position(name, int(at), int(offset), frozenset(ids.split(",")) - {""})


def query(position: Position, window: Window, limit: int) -> dict[str, str | int]:
    """Return the list call's parameters. `was_canceled` and its like are left out: left out means both."""
    family, sort = ("created", "created") if window.by_creation else ("last_modified", "updated")
    asked: dict[str, str | int] = {
        f"min_{family}": position.since,
        "sort_on": sort,
        "sort_order": "asc",
        "limit": limit,
        "offset": position.offset,
    }
    if window.before is not None:
        asked[f"max_{family}"] = max(-int(-window.before.timestamp() // 1), EARLIEST)  # rounded up: both ends count
    return asked


def fresh(position: Position, receipts: Sequence[Any]) -> list[Any]:
    """Return the receipts of a page that no page before it brought."""
    return [raw for raw in receipts if _id(raw) not in position.seen or not _id(raw)]


def after(position: Position, page: Mapping[str, Any], *, by_creation: bool, limit: int) -> Position | None:
    """Return where the next page begins, None when this was the last one.

    A page that is not full is the last, unless its `count` (all that were found from its beginning on) says otherwise.
    """
    receipts = page["results"]
    found = count(page.get("count"))
    short = len(receipts) < limit
    if not receipts or (short and (found is None or position.offset + len(receipts) >= found)):
        return None
    last = max((_at(raw, by_creation) or position.since for raw in receipts), default=position.since)
    if last <= position.since:
        seen = frozenset(filter(None, map(_id, receipts)))
        return Position(position.window, position.since, position.offset + limit - min(OVERLAP, limit // 2), seen)
    seen = frozenset(_id(raw) for raw in receipts if _at(raw, by_creation) == last) - {""}
    return Position(position.window, last, 0, seen)


def bound(window: Window, now: datetime) -> datetime:
    """Return the next cursor: the time before reading began, or the window's own end if that is earlier."""
    return min(now, window.before.astimezone(UTC)) if window.before else now


def _id(raw: Any) -> str:
    return number_id(raw, "receipt_id") if isinstance(raw, Mapping) else ""


def _at(raw: Any, by_creation: bool) -> int | None:
    if not isinstance(raw, Mapping):
        return None
    if by_creation:
        return seconds(raw, "created_timestamp", "create_timestamp")
    return seconds(raw, "updated_timestamp", "update_timestamp")
