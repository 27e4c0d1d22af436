"""Our application's calls of a day: counted, learnt from eBay, and never spent on more than they are for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.errors import RateLimited
from connectors.contract.types import Window
from connectors.ebay import limits
from connectors.ebay.auth import AppTokens
from connectors.ebay.config import EbayConfig
from connectors.ebay.connector import Ebay
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.ebay import judge
from tests.connectors.ebay.orders import order
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Step, Wire, answer

APP_TOKEN = answer(200, {"access_token": "app-token", "expires_in": 7200})
RATE_LIMIT_PATH = "/developer/analytics/v1_beta/rate_limit/"


class Book:
    """A `BudgetStore` in memory, without shares."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self.taught: dict[str, int] = {}
        self.who: set[tuple[str, str]] = set()

    def take(self, name: str, *, limit: int, units: int = 1, who: str = "", kind: str = "orders") -> float:
        self.who.add((who, kind))
        if self.used.get(name, 0) + units > limit:
            return 600.0
        self.used[name] = self.used.get(name, 0) + units
        return 0.0

    def correct(self, name: str, *, used: int) -> None:
        self.used[name] = max(used, self.used.get(name, 0))

    def learned(self, name: str) -> int | None:
        return self.taught.get(name)

    def learn(self, name: str, *, limit: int) -> None:
        self.taught[name] = limit


def told(
    limit: int, remaining: int, *, name: str = "fulfillment", window: int = 86400, reset: str = ""
) -> dict[str, Any]:
    rate = {"count": limit - remaining, "limit": limit, "remaining": remaining, "timeWindow": window}
    rate["reset"] = reset or "2026-11-22T08:00:00.000Z"  # type: ignore[assignment]
    return {
        "rateLimits": [
            {
                "apiContext": "sell",
                "apiName": name,
                "apiVersion": "v1",
                "resources": [{"name": "sell.fulfillment", "rates": [rate]}],
            }
        ]
    }


@pytest.fixture
def settings(wire: Wire) -> Iterator[EbayConfig]:
    made = config(wire.url)
    yield made
    AppTokens._all.pop(made, None)
    limits.LearningClock._all.clear()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def ebay(settings: EbayConfig, book: Book) -> Ebay:
    return Ebay("EBLUMEN5Q", "", Tokens("seller-token"), NoLimiter(), settings, budgets=book)


def listing(ebay: Ebay) -> None:
    ebay.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))


PAGE = answer(200, {"orders": [order()], "total": 1})


def limits_answer(limit: int, remaining: int, **more: Any) -> Step:
    return answer(200, told(limit, remaining, **more))


def test_the_limits_in_force_are_asked_for_once_and_kept(ebay: Ebay, book: Book, wire: Wire) -> None:
    wire.answer_with(APP_TOKEN, limits_answer(250_000, 249_000), PAGE)

    listing(ebay)
    listing(ebay)

    assert book.taught == {"ebay.sell.fulfillment": 250_000}
    assert book.used == {"ebay.developer.analytics": 1, "ebay.sell.fulfillment": 2}
    assert book.who == {("EBLUMEN5Q", "orders")}
    assert [asked.path for asked in wire.asked].count(RATE_LIMIT_PATH) == 1


@pytest.mark.contract
def test_limits_are_asked_for_as_ebays_contract_says(ebay: Ebay, wire: Wire, specs: Path) -> None:
    wire.answer_with(APP_TOKEN, limits_answer(250_000, 249_000), PAGE)
    listing(ebay)

    judge.named(specs, "getRateLimits").check_answer(told(250_000, 249_000))
    assert [judge.check(specs, asked) for asked in wire.asked[1:]] == ["getRateLimits", "getOrders"]


def test_calls_go_on_with_the_documented_limits_when_ebay_tells_none(ebay: Ebay, book: Book, wire: Wire) -> None:
    wire.answer_with(APP_TOKEN, answer(500, {}), PAGE)

    listing(ebay)

    assert book.taught == {}
    assert book.used["ebay.sell.fulfillment"] == 1


def test_no_answer_at_all_is_no_limit_learnt(ebay: Ebay, book: Book, wire: Wire) -> None:
    wire.answer_with(APP_TOKEN, answer(204, raw=b""), PAGE)

    listing(ebay)

    assert book.taught == {}


def test_a_part_of_the_day_is_kept_back_for_a_person_who_waits(ebay: Ebay, book: Book, wire: Wire) -> None:
    wire.answer_with(APP_TOKEN, limits_answer(100, 100), answer(200, order()))
    ebay.get_order("14-12345-67890")
    book.used["ebay.sell.fulfillment"] = 98

    with pytest.raises(RateLimited) as caught:
        ebay.get_order("14-12345-67890")
    found = ebay.get_order("14-12345-67890", urgent=True)

    assert (caught.value.ours, caught.value.retry_after) == (True, 600)
    assert found.order_id == "14-12345-67890"


def test_a_call_that_does_not_leave_is_not_counted(settings: EbayConfig, book: Book, wire: Wire) -> None:
    limiter = LocalLimiter()
    ebay = Ebay("EBLUMEN5Q", "", Tokens("seller-token"), limiter, settings, budgets=book)
    wire.answer_with(APP_TOKEN, answer(204, raw=b""), PAGE)
    listing(ebay)
    limiter.pause(limits.FULFILLMENT.bucket, 60)

    with pytest.raises(RateLimited) as caught:
        listing(ebay)

    assert caught.value.ours
    assert book.used["ebay.sell.fulfillment"] == 1


def test_what_ebay_says_is_used_up_is_left_alone_until_it_is_renewed(
    settings: EbayConfig, book: Book, wire: Wire
) -> None:
    reset = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    ebay = Ebay("EBLUMEN5Q", "", Tokens("seller-token"), LocalLimiter(), settings, budgets=book)
    wire.answer_with(APP_TOKEN, limits_answer(100, 0, reset=reset), PAGE)

    with pytest.raises(RateLimited) as caught:
        listing(ebay)

    assert caught.value.ours
    assert 7000 < caught.value.retry_after <= 7200


def test_the_lowest_daily_limit_of_an_api_counts_and_other_windows_do_not() -> None:
    answered = told(5000, 100)
    answered["rateLimits"] += told(90, 90, window=60)["rateLimits"]
    answered["rateLimits"] += told(4000, 200)["rateLimits"]
    answered["rateLimits"] += told(1, 1, name="negotiation")["rateLimits"]

    (found,) = limits.read(answered)

    assert (found.api, found.limit, found.remaining) == (limits.FULFILLMENT, 5000, 100)


def test_sweeps_are_paced_for_the_sellers_we_plan_for(ebay: Ebay, book: Book) -> None:
    documented = ebay.sweep_seconds()
    book.learn("ebay.sell.fulfillment", limit=10_000_000)

    assert documented == pytest.approx(172.8)
    assert ebay.sweep_seconds() == 2.0
    assert ebay.list_limit() == (0.0, 0)
