"""A list that moves while it is read hides nothing that stays in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.contract.errors import Rejected
from connectors.contract.types import Window
from connectors.ebay import paging
from connectors.ebay.auth import AppTokens
from connectors.ebay.connector import Ebay
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.ebay.orders import order
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Wire, answer

AFTER = datetime(2026, 11, 20, 9, tzinfo=UTC)


class MovingList:
    """eBay's order list: before each answer some orders are changed, and so leave the window that is read."""

    def __init__(self, wire: Wire, size: int, departures: list[set[int]]) -> None:
        self.wire = wire
        self.orders = [f"14-00000-{number:05d}" for number in range(size)]
        self.departures = departures
        self.gone: set[str] = set()
        self.hidden: set[str] = set()
        """Orders that are counted and not shown."""
        wire.asked.clear()
        wire.answer_with(self)

    def __call__(self, connection: Any) -> bool:
        if self.departures:
            leaving = {f"14-00000-{number:05d}" for number in self.departures.pop(0)}
            self.gone |= leaving
            self.orders = [order_id for order_id in self.orders if order_id not in leaving]
        query = self.wire.asked[-1].query
        offset, limit = int(query["offset"]), int(query["limit"])
        rows = [order_id for order_id in self.orders[offset : offset + limit] if order_id not in self.hidden]
        body = {"orders": [order(orderId=order_id) for order_id in rows], "total": len(self.orders), "offset": offset}
        if offset + limit < len(self.orders):
            body["next"] = f"https://elsewhere.example/order?offset={offset + limit}"
        return answer(200, body)(connection)


@pytest.fixture
def ebay(wire: Wire) -> Iterator[Ebay]:
    small = replace(config(wire.url), page_size=6, page_overlap=2)
    yield Ebay("EBLUMEN5Q", "", Tokens("seller-token"), NoLimiter(), small)
    AppTokens._all.pop(small, None)


def pulled(ebay: Ebay) -> list[str]:
    found, token = [], ""
    for _ in range(60):
        page = ebay.list_orders(Window(after=AFTER, page_token=token))
        found += [one.order_id for one in page.items]
        token = page.next_token
        if not token:
            return found
    raise AssertionError("the pages do not end")


@given(
    size=st.integers(0, 40),
    # The first answer shows the list as it is; then up to eight orders leave between two answers.
    departures=st.lists(st.sets(st.integers(0, 39), max_size=8), max_size=12),
    hidden=st.sets(st.integers(0, 39)),
)
@example(size=13, departures=[], hidden=set(range(2, 12)))
@example(size=11, departures=[set(), {2, 4, 6}, {0}, {3}, {5}, {0, 1}], hidden=set())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_order_that_stays_and_is_shown_is_seen(
    ebay: Ebay, wire: Wire, size: int, departures: list[set[int]], hidden: set[int]
) -> None:
    listed = MovingList(wire, size, [set(), *departures])
    listed.hidden = {f"14-00000-{number:05d}" for number in hidden}
    everything = set(listed.orders)

    found = pulled(ebay)

    assert everything - listed.gone - listed.hidden <= set(found)


@pytest.mark.parametrize("size", [0, 1, 5, 6, 7, 10, 11, 24])
def test_a_list_at_rest_brings_every_order_once(ebay: Ebay, wire: Wire, size: int) -> None:
    listed = MovingList(wire, size, [])

    assert sorted(pulled(ebay)) == listed.orders
    assert len(wire.asked) <= size // 4 + 1


def test_a_page_token_keeps_the_window_and_the_place() -> None:
    place = replace(
        paging.first("lastmodifieddate", AFTER, AFTER.replace(hour=10)),
        offset=190,
        end=200,
        total=230,
        before=("14-1", "14-2"),
    )

    again = paging.of_token(place.token())

    assert again == place
    assert again.bound == AFTER.replace(hour=10)
    assert again.filter == "lastmodifieddate:[2026-11-20T09:00:00.000Z..2026-11-20T10:00:00.000Z]"


@pytest.mark.parametrize("change", [{"field": "orderIds"}, {"until": "soon"}, {"offset": -1}])
def test_a_token_somebody_changed_is_refused(change: dict[str, Any]) -> None:
    place = paging.first("lastmodifieddate", AFTER, AFTER.replace(hour=10))

    with pytest.raises(Rejected):
        paging.of_token(replace(place, **change).token())
