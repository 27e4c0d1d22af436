"""A list that moves while it is read is read whole, each receipt once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract.errors import Rejected
from connectors.contract.types import Window
from connectors.etsy import paging
from connectors.etsy.connector import Etsy
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.etsy.receipts import receipt
from tests.connectors.etsy.world import config
from tests.connectors.wire import Wire, answer

T = 1763600000
WINDOW = Window(after=datetime.fromtimestamp(T, UTC))


class Shelf:
    """Etsy's list as it stands now: receipts by time of change; any may change between two pages."""

    def __init__(self, times: dict[int, int]) -> None:
        self.times = dict(times)

    def page(self, query: dict[str, str | int]) -> dict[str, Any]:
        since, offset, limit = (int(query[name]) for name in ("min_last_modified", "offset", "limit"))
        rows = sorted((at, number) for number, at in self.times.items() if at >= since)
        results = [
            {"receipt_id": number, "updated_timestamp": at, "created_timestamp": T}
            for at, number in rows[offset : offset + limit]
        ]
        return {"count": len(rows), "results": results}


def read_all(shelf: Shelf, limit: int, changes: list[tuple[int, int]]) -> list[int]:
    """Read the list page by page; after each page the next of the changes (receipt, time) happens."""
    found: list[int] = []
    token = ""
    for _ in range(400):
        window = Window(after=WINDOW.after, page_token=token)
        position = paging.start(window)
        page = shelf.page(paging.query(position, window, limit))
        found += [row["receipt_id"] for row in paging.fresh(position, page["results"])]
        following = paging.after(position, page, by_creation=False, limit=limit)
        if following is None:
            return found
        token = following.token
        if changes:
            number, at = changes.pop(0)
            shelf.times[number] = max(at, shelf.times.get(number, T))
    raise AssertionError("the pages do not end")


@settings(max_examples=200)
@given(
    st.dictionaries(st.integers(1, 60), st.integers(T, T + 6), max_size=60),
    st.integers(2, 12),
)
def test_a_list_that_stands_still_is_read_once(times: dict[int, int], limit: int) -> None:
    found = read_all(Shelf(times), limit, [])

    assert sorted(found) == sorted(times)


@settings(max_examples=200)
@given(
    st.lists(st.integers(T, T + 200), min_size=1, max_size=60, unique=True),
    st.integers(3, 12),
    st.lists(st.tuples(st.integers(1, 70), st.integers(T + 300, T + 400)), max_size=20),
)
def test_nothing_is_stepped_over_while_receipts_change(
    times: list[int], limit: int, changes: list[tuple[int, int]]
) -> None:
    shelf = Shelf(dict(enumerate(times, 1)))

    found = read_all(shelf, limit, changes)

    assert set(range(1, len(times) + 1)) <= set(found)


def test_an_offset_alone_would_step_over_one() -> None:
    """The reason for all this: the number of receipts stays the same, and yet one comes forward unseen."""
    shelf = Shelf({number: T + number for number in range(1, 11)})
    first = shelf.page({"min_last_modified": T, "offset": 0, "limit": 5})
    shelf.times[1] = T + 100
    second = shelf.page({"min_last_modified": T, "offset": 5, "limit": 5})

    assert first["count"] == second["count"]
    assert {row["receipt_id"] for row in first["results"] + second["results"]} == set(range(1, 11)) - {6}
    assert set(read_all(Shelf({n: T + n for n in range(1, 11)}), 5, [(1, T + 100)])) == set(range(1, 11))


@pytest.mark.parametrize(("count", "ends"), [(5, False), (3, True), (None, True), ("odd", True)])
def test_a_page_that_is_not_full_is_the_last_unless_its_count_says_more(count: Any, ends: bool) -> None:
    results = [{"receipt_id": number, "updated_timestamp": T + number} for number in (1, 2, 3)]

    following = paging.after(paging.start(WINDOW), {"count": count, "results": results}, by_creation=False, limit=100)

    assert (following is None) is ends


def test_an_empty_page_is_the_last_whatever_its_count_says() -> None:
    assert paging.after(paging.start(WINDOW), {"count": 9, "results": []}, by_creation=False, limit=100) is None


def test_many_receipts_of_one_second_are_all_read() -> None:
    shelf = Shelf(dict.fromkeys(range(1, 351), T + 5))

    found = read_all(shelf, 100, [])

    assert len(found) == len(set(found)) == 350


@pytest.mark.parametrize(
    "token", ["", "u1.2", "u1.2.3.4.5", "c1763600000.1763600000.0.", "x", "u1763600001.1.0.", "u1763600000.a.0."]
)
def test_a_token_of_another_window_is_refused_by_its_own_code(wire: Wire, token: str) -> None:
    etsy = Etsy("12345", "", Tokens("t"), NoLimiter(), config(wire.url))
    wire.answer_with(answer(200, {"count": 0, "results": []}))
    window = Window(after=WINDOW.after, page_token=token)
    if not token:
        assert etsy.list_orders(window).next_token == ""
        return

    with pytest.raises(Rejected) as caught:
        etsy.list_orders(window)

    assert caught.value.code == "page_token"
    assert wire.asked == []


def test_pages_over_the_wire_bring_each_receipt_once_and_end(wire: Wire) -> None:
    etsy = Etsy("12345", "", Tokens("t"), NoLimiter(), config(wire.url))
    every: list[dict[str, Any]] = [
        receipt(receipt_id=number, updated_timestamp=T + number // 3) for number in range(1, 241)
    ]
    wire.answer_with(
        answer(200, {"count": 240, "results": every[:100]}),
        answer(200, {"count": 141, "results": every[98:198]}),
        answer(200, {"count": 43, "results": every[197:]}),
    )

    found, token = [], ""
    for _ in range(3):
        page = etsy.list_orders(Window(after=WINDOW.after, page_token=token))
        found += [order.order_id for order in page.items]
        token = page.next_token

    assert token == ""
    assert found == [str(number) for number in range(1, 241)]
    assert wire.asked[1].query["min_last_modified"] == str(T + 33)
    assert wire.asked[1].query["offset"] == "0"
