"""How calls are made: the token's header, the quota's headers, V2's and V3's forms, and what failures become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.bigcommerce import limits
from connectors.bigcommerce.connector import BigCommerce
from connectors.contract.errors import (
    AccessDenied,
    AuthorizationExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.marketplace import Checks
from connectors.contract.storefront import Storefront
from connectors.ratelimit import LocalLimiter, Take
from tests.connectors.bigcommerce.cast import (
    STORE,
    TOKEN,
    calls,
    draft,
    order,
    page,
    serve,
    stock_row,
    store_at,
    store_facts,
)
from tests.connectors.wire import Wire, answer, drop, half

QUOTA = {
    "X-Rate-Limit-Time-Window-Ms": "30000",
    "X-Rate-Limit-Time-Reset-Ms": "12500",
    "X-Rate-Limit-Requests-Quota": "450",
    "X-Rate-Limit-Requests-Left": "400",
}


class Listener(LocalLimiter):
    """A limiter that lets everything through and keeps what it was taught."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Take] = []
        self.learned: list[dict[str, Any]] = []
        self.pauses: list[tuple[str, float]] = []

    def take(self, takes: Any) -> float:
        self.taken += takes
        return 0.0

    def learn(self, bucket: str, **told: Any) -> None:
        self.learned.append({"bucket": bucket, **told})

    def pause(self, bucket: str, seconds: float) -> None:
        self.pauses.append((bucket, seconds))


@pytest.fixture
def limiter() -> Listener:
    return Listener()


@pytest.fixture
def heard(wire: Wire, limiter: Listener) -> BigCommerce:
    """A connector whose limiter can be asked what it was told."""
    return store_at(wire.url, limiter=limiter)


def test_the_connector_is_a_storefront_that_can_be_checked(store: BigCommerce) -> None:
    as_storefront: Storefront = store

    assert as_storefront.platform == "bigcommerce"
    assert isinstance(store, Checks)


def test_the_token_travels_in_its_own_header_and_reaches_no_log(
    wire: Wire, store: BigCommerce, everything_logged: Callable[[], str]
) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(200, order())})

    store.get_order("118")

    assert wire.asked[0].headers["x-auth-token"] == TOKEN
    assert wire.asked[0].headers["accept"] == "application/json"
    assert TOKEN not in everything_logged()


def test_the_quota_in_force_is_learned(wire: Wire, heard: BigCommerce, limiter: Listener) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(200, order(), headers=QUOTA)})

    heard.get_order("118")

    assert limiter.learned == [
        {"bucket": f"bigcommerce:{STORE}", "rate": 15.0, "capacity": 180.0, "available": None},
    ]


def test_what_other_apps_used_is_heeded_when_little_is_left(wire: Wire, heard: BigCommerce, limiter: Listener) -> None:
    low = {**QUOTA, "X-Rate-Limit-Requests-Left": "7"}
    serve(wire, {"GET /v2/orders/{id}": answer(200, order(), headers=low)})

    heard.get_order("118")

    assert limiter.learned[0]["available"] == 7.0


@pytest.mark.parametrize("name", list(QUOTA))
@pytest.mark.parametrize("value", ["", "many", "nan", "-5"])
def test_odd_headers_teach_nothing(wire: Wire, heard: BigCommerce, limiter: Listener, name: str, value: str) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(200, order(), headers={**QUOTA, name: value})})

    heard.get_order("118")

    assert limiter.learned == []


def test_orders_go_before_stock_and_stock_before_the_catalog(wire: Wire, heard: BigCommerce, limiter: Listener) -> None:
    serve(
        wire,
        {
            "GET /v2/orders/{id}": answer(200, order()),
            "GET /v3/inventory/items": answer(200, page(stock_row((1, 5)))),
            "GET /v3/catalog/products": answer(200, page()),
        },
    )

    heard.get_order("118")
    heard.read_stock(["variant:127"])
    heard.list_variants()

    assert [take.reserve for take in limiter.taken] == [0.0, limits.RESERVE_FOR_ORDERS, limits.RESERVE_FOR_STOCK]


def test_a_429_waits_until_the_window_ends(wire: Wire, heard: BigCommerce, limiter: Listener) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(429, {}, headers=QUOTA)})

    with pytest.raises(RateLimited) as caught:
        heard.get_order("118")

    assert caught.value.retry_after == 12.5
    assert caught.value.ours is False
    assert limiter.pauses == [(f"bigcommerce:{STORE}", 12.5)]


def test_a_429_without_headers_waits_longer_than_a_window_can_last(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(429, {})})

    with pytest.raises(RateLimited) as caught:
        store.get_order("118")

    assert caught.value.retry_after == limits.LOADED_PAUSE_SECONDS


@pytest.mark.usefixtures("odd_answers")
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        pytest.param(answer(500, {}), TransientError, id="500"),
        pytest.param(answer(200, raw=b"<html>"), TransientError, id="html"),
        pytest.param(half, TransientError, id="half"),
        pytest.param(drop, TransientError, id="dropped"),
        pytest.param(answer(200, []), UnexpectedReply, id="a list"),
        pytest.param(answer(200, {}), UnexpectedReply, id="no id"),
        pytest.param(answer(401, {}), AuthorizationExpired, id="401"),
        pytest.param(answer(403, {"title": "No permission"}), AccessDenied, id="403"),
    ],
)
def test_a_read_that_fails_says_what_to_do(wire: Wire, store: BigCommerce, step: Any, kind: type) -> None:
    serve(wire, {"GET /v2/orders/{id}": step})

    with pytest.raises(kind):
        store.get_order("118")


@pytest.mark.usefixtures("odd_answers")
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(answer(500, {}), id="500"),
        pytest.param(answer(200, raw=b"<html>"), id="html"),
        pytest.param(answer(201, {"status": "made"}), id="no order"),
        pytest.param(answer(200, []), id="a list"),
        pytest.param(answer(204), id="nothing"),
        pytest.param(half, id="half"),
        pytest.param(drop, id="dropped"),
        pytest.param(answer(302, {}), id="a redirect"),
    ],
)
def test_a_create_without_a_clear_answer_is_unknown(wire: Wire, store: BigCommerce, step: Any) -> None:
    serve(wire, {"GET /v2/store": answer(200, store_facts()), "POST /v2/orders": step})

    with pytest.raises(OutcomeUnknown):
        store.create_order(draft())

    assert calls(wire).count("POST /v2/orders") == 1


def test_an_empty_list_of_v2_is_a_204_without_a_body(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/orders": answer(204)})

    assert store.find_by_key("k", "r") == []


@pytest.mark.usefixtures("odd_answers")
@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": [1]}, {"orders": []}, "text"])
def test_a_list_that_is_missing_is_never_taken_for_none(wire: Wire, store: BigCommerce, body: Any) -> None:
    serve(wire, {"GET /v2/orders": answer(200, body), "GET /v3/inventory/items": answer(200, body)})

    with pytest.raises(UnexpectedReply):
        store.find_by_key("k", "r")
    with pytest.raises(UnexpectedReply):
        store.read_stock(["variant:127"])


@pytest.mark.parametrize("order_id", ["", "../store", "1/products", "1?x=1", "gid://1", "٣"])
def test_nothing_but_a_number_becomes_part_of_an_address(wire: Wire, store: BigCommerce, order_id: str) -> None:
    assert store.get_order(order_id) is None
    with pytest.raises(NotFound):
        store.cancel_order(order_id, restock=True, note="")

    assert wire.asked == []


def test_a_used_up_quota_stops_a_call_before_it_leaves(wire: Wire) -> None:
    frozen = LocalLimiter(clock=lambda: 100.0)
    connector = store_at(wire.url, limiter=frozen)
    serve(wire, {"GET /v2/orders/{id}": answer(200, order())})
    for _ in range(int(limits.RESERVE_FOR_STOCK) + 1):
        connector.get_order("118")

    with pytest.raises(RateLimited) as caught:
        connector.get_order("118")

    assert caught.value.ours is True
    assert len(wire.asked) == limits.RESERVE_FOR_STOCK + 1
