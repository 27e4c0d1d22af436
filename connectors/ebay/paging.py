"""Reading a list that moves while it is read.

eBay's order list is offset paging over a live set: an order changed meanwhile leaves the window we read, everything
behind it moves up by one, and whoever asks for "the next 200" misses one. So each page begins some orders before the
last one ended, which covers as many departures. eBay's total tells when more left than that; then the page is read again
from so much further ahead.

All a page needs to know travels in its token, so the window stays the same over all pages whoever reads them.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from connectors.contract.errors import Rejected
from connectors.ebay.mapping import iso
from connectors.reading import instant

PAGE_TOKEN = "page_token"  # noqa: S105 - a code, not a secret
"""The code of a page token that is not ours: begin again from the cursor."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands: the window (ISO 8601, both ends), where the next page begins, and what was read before it."""

    field: str
    """creationdate or lastmodifieddate: never both, because eBay then forgets the latter."""
    since: str
    until: str
    offset: int = 0
    end: int = 0
    """How many orders were read, or passed, by then; `offset` lies a little before."""
    total: int = 0
    """How many orders the window had when the last page was read."""
    before: tuple[str, ...] = ()
    """The ids of the orders from `offset` to `end`, which come again."""

    def covers(self, total: int) -> bool:
        """Say whether a page read here, when the window has `total` orders, leaves no gap to what was read."""
        return self.offset == 0 or self.total - total <= self.end - self.offset

    @property
    def filter(self) -> str:
        """Return the filter as eBay takes it."""
        return f"{self.field}:[{self.since}..{self.until}]"

    @property
    def bound(self) -> datetime:
        """Return the window's upper end."""
        bound = instant(self.until)
        assert bound is not None
        return bound

    def token(self) -> str:
        """Return this place as a page token."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode()


def first(field: str, since: datetime, until: datetime) -> Place:
    """Return where a window begins."""
    return Place(field, iso(since), iso(until))


def of_token(token: str) -> Place:
    """Return the place of a page token. Raises `Rejected` (code `page_token`) for anything that is not one of ours."""
    try:
        raw: Any = json.loads(base64.urlsafe_b64decode(token.encode()))
        place = Place(
            field=str(raw["field"]),
            since=str(raw["since"]),
            until=str(raw["until"]),
            offset=int(raw["offset"]),
            end=int(raw["end"]),
            total=int(raw["total"]),
            before=tuple(str(order_id) for order_id in raw["before"]),
        )
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    if (
        place.field not in ("creationdate", "lastmodifieddate")
        or instant(place.until) is None
        or not 0 <= place.offset <= place.end
    ):
        raise _refused()
    return place


def _refused() -> Rejected:
    return Rejected("This is no page of an eBay list", code=PAGE_TOKEN, platform="ebay", operation="getOrders")
