"""Connections: pages of a list with cursors, in the shape of Shopify's API."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from graphql import GraphQLError

MAX_PAGE = 250
WHOLE: ContextVar[bool] = ContextVar("whole", default=False)
"""Set while a bulk operation runs: connections are then answered whole, without a page size."""


class Connection:
    """A page of nodes; cursors and edges are only made when a query asks for them."""

    __slots__ = ("_keys", "has_next", "has_previous", "nodes")

    def __init__(self, nodes: list[Any], keys: list[Any], has_next: bool, has_previous: bool) -> None:
        self.nodes = nodes
        self._keys = keys
        self.has_next = has_next
        self.has_previous = has_previous

    @property
    def edges(self) -> list[dict[str, Any]]:
        """The nodes with their cursors."""
        return [{"node": node, "cursor": encode(key)} for node, key in zip(self.nodes, self._keys, strict=True)]

    @property
    def pageInfo(self) -> dict[str, Any]:
        """Whether there is more, and where this page begins and ends."""
        return {
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": encode(self._keys[0]) if self._keys else None,
            "endCursor": encode(self._keys[-1]) if self._keys else None,
        }


def encode(key: Any) -> str:
    """Return the cursor of a sort key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def decode(cursor: str) -> Any:
    """Return the sort key of a cursor; raises GraphQLError when it is none of ours."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError):
        raise GraphQLError(
            f"Invalid cursor for current pagination sort: {cursor!r}.", extensions={"code": "BAD_REQUEST"}
        ) from None
    return tuple(key) if isinstance(key, list) else key


def page(
    items: Sequence[Any],
    key: Callable[[Any], Any] | None = None,
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
    default: int | None = None,
) -> Connection:
    """Cut a page out of ``items``.

    With ``key`` the items are sorted by it and cursors hold the key, so that a page goes on rightly after something was
    added; without, cursors
    hold the place in the list. Exactly one of ``first`` and ``last`` is needed unless ``default`` is given; at most
    250.
    """
    if WHOLE.get():
        rows = sorted(items, key=key) if key is not None else list(items)
        return Connection(rows, list(range(len(rows))), False, False)
    size = first if first is not None else last
    if size is None:
        size = default
    if size is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if size < 0 or size > MAX_PAGE:
        raise GraphQLError(f"first cannot exceed {MAX_PAGE}", extensions={"code": "BAD_REQUEST"})
    if key is not None:
        rows = sorted(((key(item), item) for item in items), key=lambda row: row[0], reverse=reverse)
    else:
        rows = [(place, item) for place, item in enumerate(reversed(items) if reverse else items)]
    descending = reverse and key is not None
    start, end = 0, len(rows)
    if after is not None:
        mark = decode(after)
        start = sum(1 for row in rows if (row[0] >= mark if descending else row[0] <= mark))
    if before is not None:
        mark = decode(before)
        end = sum(1 for row in rows if (row[0] > mark if descending else row[0] < mark))
    if first is None and last is not None:
        low, high = max(start, end - size), end
    else:
        low, high = start, min(end, start + size)
    chosen = rows[low:high]
    return Connection([row[1] for row in chosen], [row[0] for row in chosen], high < len(rows), low > 0)
