"""What leaves us for Etsy is what its contract describes, and what comes back becomes the right error."""

from __future__ import annotations

import email.utils
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openapi_core.exceptions import OpenAPIError

from connectors.contract.errors import (
    AccessDenied,
    AuthorizationExpired,
    NotFound,
    RateLimited,
    Rejected,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.marketplace import Checks, Marketplace, PushesOrders
from connectors.contract.types import Window
from connectors.etsy import limits
from connectors.etsy.connector import Etsy
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.etsy.judge import check_request
from tests.connectors.etsy.receipts import receipt, shop
from tests.connectors.etsy.world import Budgets, config
from tests.connectors.wire import Wire, answer, drop, half

AFTER = datetime(2026, 11, 20, 9, 0, 0, 900000, UTC)
KEYLESS = {"error": "Shared secret is required in x-api-key header."}


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("77.token-1", "77.token-2")


@pytest.fixture
def etsy(wire: Wire, tokens: Tokens) -> Etsy:
    wire.answer_with(page())
    return Etsy("12345", "", tokens, NoLimiter(), config(wire.url))


def page(*receipts: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    return answer(200, {"count": len(receipts), "results": list(receipts)}, headers=headers)


def test_the_connector_keeps_the_contract(etsy: Etsy) -> None:
    marketplace: Marketplace = etsy
    checked: Checks = etsy

    assert marketplace.platform == "etsy"
    assert isinstance(checked, Checks)
    assert not isinstance(etsy, PushesOrders)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.contract
def test_every_request_is_one_etsy_describes(etsy: Etsy, wire: Wire, specs: Path) -> None:
    wire.answer_with(
        page(),
        page(),
        answer(200, receipt()),
        answer(200, shop()),
        answer(200, shop()),
        answer(200, ["shops_r"]),
        page(),
    )
    etsy.list_orders(Window(after=AFTER))
    etsy.list_orders(Window(after=AFTER, by_creation=True, before=AFTER))
    etsy.get_order("3000000001")
    etsy.sites()
    etsy.check()

    assert len(wire.asked) == 7
    for asked in wire.asked:
        check_request(specs, asked)


@pytest.mark.contract
def test_the_judge_refuses_what_etsy_would_refuse(etsy: Etsy, wire: Wire, specs: Path) -> None:
    etsy.list_orders(Window(after=AFTER))
    (asked,) = wire.asked
    wrong = [
        (asked.target.replace("limit=100", "limit=101"), asked.headers),
        (asked.target.replace("sort_on=updated", "sort_on=changed"), asked.headers),
        (asked.target, {key: value for key, value in asked.headers.items() if key != "x-api-key"}),
    ]

    for target, headers in wrong:
        with pytest.raises(OpenAPIError):
            check_request(specs, type(asked)(asked.method, target, headers, b""))


def test_changes_are_asked_for_from_the_whole_second_before(etsy: Etsy, wire: Wire) -> None:
    etsy.list_orders(Window(after=AFTER))

    (asked,) = wire.asked
    assert asked.path == "/etsy/v3/application/shops/12345/receipts"
    assert asked.query == {
        "min_last_modified": str(int(AFTER.timestamp())),
        "sort_on": "updated",
        "sort_order": "asc",
        "limit": "100",
        "offset": "0",
    }
    assert asked.headers["authorization"] == "Bearer 77.token-1"
    assert asked.headers["x-api-key"] == "testkeystring:testsecret"


def test_the_nightly_list_goes_by_creation_and_may_have_an_end(etsy: Etsy, wire: Wire) -> None:
    etsy.list_orders(Window(after=AFTER, by_creation=True, before=AFTER.replace(day=21)))

    query = wire.asked[0].query
    assert query["min_created"] == str(int(AFTER.timestamp()))
    assert query["max_created"] == str(int(AFTER.timestamp()) + 86400 + 1)
    assert query["sort_on"] == "created"
    assert "min_last_modified" not in query


def test_a_time_before_etsy_is_the_earliest_it_takes(etsy: Etsy, wire: Wire) -> None:
    etsy.list_orders(Window(after=datetime(1999, 1, 1, tzinfo=UTC)))

    assert wire.asked[0].query["min_last_modified"] == "946684800"


def test_the_next_cursor_is_the_time_before_reading(etsy: Etsy) -> None:
    before = datetime.now(UTC)

    bound = etsy.list_orders(Window(after=AFTER)).bound

    assert bound is not None
    assert before <= bound <= datetime.now(UTC)
    assert etsy.list_orders(Window(after=AFTER, before=AFTER)).bound == AFTER


@pytest.mark.parametrize(("minutes", "behind"), [(-10, 10), (0, 0), (10, 0)])
def test_the_next_cursor_is_by_the_clock_that_is_behind(etsy: Etsy, wire: Wire, minutes: int, behind: int) -> None:
    theirs = datetime.now(UTC) + timedelta(minutes=minutes)
    wire.answer_with(page(headers={"Date": email.utils.format_datetime(theirs, usegmt=True)}))

    bound = etsy.list_orders(Window(after=AFTER)).bound

    assert bound is not None
    assert abs(datetime.now(UTC) - timedelta(minutes=behind) - bound) < timedelta(seconds=5)


@pytest.mark.parametrize("told", ["", "soon", "Sat, 21 Nov 2026 12:00:00 -0000"])
def test_a_date_nobody_can_read_changes_nothing(etsy: Etsy, wire: Wire, told: str) -> None:
    wire.answer_with(page(headers={"Date": told}))

    bound = etsy.list_orders(Window(after=AFTER)).bound

    assert bound is not None
    assert datetime.now(UTC) - bound < timedelta(seconds=5)


@pytest.mark.parametrize("order_id", ["999-9999999-9999999", "", "12a", "9" * 30, "\u0661\u0662"])
def test_what_is_no_number_of_etsys_is_not_found_without_asking(etsy: Etsy, wire: Wire, order_id: str) -> None:
    with pytest.raises(NotFound):
        etsy.get_order(order_id)

    assert wire.asked == []


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_refused_is_renewed_once(etsy: Etsy, wire: Wire, tokens: Tokens) -> None:
    wire.answer_with(answer(401, {"error": "invalid_token", "error_description": "access token is expired"}), page())

    etsy.list_orders(Window(after=AFTER))

    assert tokens.refusals == ["77.token-1"]
    assert [asked.headers["authorization"] for asked in wire.asked] == ["Bearer 77.token-1", "Bearer 77.token-2"]


def test_a_fresh_token_refused_too_asks_for_a_reconnect(etsy: Etsy, wire: Wire) -> None:
    wire.answer_with(answer(401, {"error": "invalid_token"}))

    with pytest.raises(AuthorizationExpired):
        etsy.list_orders(Window(after=AFTER))


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(answer(403, KEYLESS), id="no secret"),
        pytest.param(answer(403, {"error": "Invalid API key: should be in the format 'keystring:secret'."}), id="403"),
        pytest.param(answer(401, {"error": "API key not found or not active."}), id="401"),
    ],
)
def test_our_own_key_refused_never_asks_the_seller_to_reconnect(
    etsy: Etsy, wire: Wire, tokens: Tokens, step: Any
) -> None:
    wire.answer_with(step)

    with pytest.raises(UnexpectedReply, match="our application's own key"):
        etsy.list_orders(Window(after=AFTER))

    assert tokens.refusals == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error": "Invalid value for limit"}, Rejected, "400"),
        (
            403,
            {"error": "insufficient_scope", "error_description": "scope missing"},
            AccessDenied,
            "insufficient_scope",
        ),
        (
            401,
            {"error": "insufficient_scope", "error_description": "scope missing"},
            AccessDenied,
            "insufficient_scope",
        ),
        (403, {"error": "Unauthorized"}, AccessDenied, "403"),
        (404, {"error": "Receipt not found"}, NotFound, "404"),
        (409, {"error": "Conflict"}, Rejected, "409"),
        (404, ["odd"], NotFound, "404"),
    ],
)
def test_a_clear_no_is_told_in_etsys_words(
    etsy: Etsy, wire: Wire, status: int, body: Any, kind: type[Rejected], code: str
) -> None:
    wire.answer_with(answer(status, body))

    with pytest.raises(kind) as caught:
        etsy.get_order("1")

    assert (caught.value.code, caught.value.status, caught.value.operation) == (code, status, "getShopReceipt")
    if isinstance(body, dict):
        assert body["error"] in caught.value.texts


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(answer(500, {"error": "Server Error"}), id="500"),
        pytest.param(answer(503, raw=b"<html></html>"), id="503"),
        pytest.param(answer(200, raw=b"<html></html>"), id="HTML"),
        pytest.param(answer(200, []), id="a list"),
        pytest.param(answer(200, {"count": 0}), id="no results"),
        pytest.param(drop, id="dropped"),
        pytest.param(half, id="half"),
    ],
)
def test_a_read_that_fails_may_be_made_again(etsy: Etsy, wire: Wire, step: Any) -> None:
    wire.answer_with(step)

    with pytest.raises(TransientError):
        etsy.list_orders(Window(after=AFTER))


@pytest.mark.parametrize("empty", [{}, {"error": "odd"}])
def test_an_answer_without_what_was_asked_for_is_no_order_and_no_shop(
    etsy: Etsy, wire: Wire, empty: dict[str, str]
) -> None:
    wire.answer_with(answer(200, empty))

    with pytest.raises(TransientError, match="without a receipt"):
        etsy.get_order("1")
    with pytest.raises(TransientError, match="without a shop"):
        etsy.sites()


def test_one_poison_receipt_does_not_fail_its_page(etsy: Etsy, wire: Wire) -> None:
    wire.answer_with(page(receipt(), receipt(receipt_id=2, transactions=None), {"odd": True}))

    orders = etsy.list_orders(Window(after=AFTER)).items

    assert len(orders) == 3
    assert sorted(bool(order.problem) for order in orders) == [False, True, True]


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = {"x-limit-per-second": "150", "x-limit-per-day": "100000", "x-remaining-today": "40000"}


def budgeted(wire: Wire, budgets: Budgets, limiter: Any = None) -> Etsy:
    return Etsy("12345", "", Tokens("77.token-1"), limiter or NoLimiter(), config(wire.url), budgets=budgets)


def test_every_call_is_counted_against_the_applications_day(wire: Wire) -> None:
    budgets = Budgets()
    wire.answer_with(page(), answer(200, receipt()))
    etsy = budgeted(wire, budgets)

    etsy.list_orders(Window(after=AFTER))
    etsy.get_order("1", urgent=True)

    kept_back = int(limits.DEFAULT_A_DAY * limits.URGENT_SHARE)
    assert budgets.taken == [
        ("etsy:day", limits.DEFAULT_A_DAY - kept_back, 1, "12345", "orders"),
        ("etsy:day", limits.DEFAULT_A_DAY, 1, "12345", "orders"),
    ]


def test_a_day_used_up_stops_us_before_anything_is_sent(wire: Wire) -> None:
    budgets = Budgets()
    budgets.wait = 7200.0

    with pytest.raises(RateLimited) as caught:
        budgeted(wire, budgets).list_orders(Window(after=AFTER))

    assert (caught.value.ours, caught.value.retry_after) == (True, 7200.0)
    assert wire.asked == []


def test_the_limits_in_force_are_learnt_from_the_answers(wire: Wire) -> None:
    budgets, limiter = Budgets(), LocalLimiter(clock=itertools.count().__next__)
    wire.answer_with(page(headers=TOLD))
    etsy = budgeted(wire, budgets, limiter)
    before = etsy.sweep_seconds()

    etsy.list_orders(Window(after=AFTER))
    etsy.list_orders(Window(after=AFTER))

    assert limiter.learned_rate(limits.BUCKET) == 150.0
    assert budgets.limits == {"etsy:day": 100000}
    assert budgets.corrected == [("etsy:day", 60000)]
    assert etsy.sweep_seconds() == pytest.approx(before / 10)


def test_odd_headers_change_nothing(wire: Wire) -> None:
    budgets, limiter = Budgets(), LocalLimiter()
    wire.answer_with(page(headers={"x-limit-per-second": "many", "x-limit-per-day": "0", "x-remaining-today": "-4"}))

    budgeted(wire, budgets, limiter).list_orders(Window(after=AFTER))

    assert (limiter.learned_rate(limits.BUCKET), budgets.limits, budgets.corrected) == (None, {}, [])


def test_a_day_refused_by_etsy_parks_the_whole_application(wire: Wire) -> None:
    limiter = LocalLimiter()
    wire.answer_with(answer(429, {"error": "Exceeded daily quota"}, headers={"retry-after": "86400"}))
    etsy = Etsy("12345", "", Tokens("77.token-1"), limiter, config(wire.url))
    other = Etsy("67890", "", Tokens("78.token-1"), limiter, config(wire.url))

    with pytest.raises(RateLimited) as caught:
        etsy.list_orders(Window(after=AFTER))
    with pytest.raises(RateLimited) as parked:
        other.list_orders(Window(after=AFTER))

    assert (caught.value.retry_after, caught.value.ours) == (86400.0, False)
    assert parked.value.ours is True
    assert parked.value.retry_after == pytest.approx(86400, abs=5)
    assert len(wire.asked) == 1


def test_refusals_that_name_no_pause_are_waited_out_longer_each_time_until_one_is_answered(
    wire: Wire, etsy: Etsy
) -> None:
    def refused() -> float:
        with pytest.raises(RateLimited) as caught:
            etsy.list_orders(Window(after=AFTER))
        return caught.value.retry_after

    wire.answer_with(answer(429, {"error": "Too many requests"}))
    pauses = [refused() for _ in range(10)]
    wire.answer_with(page())
    etsy.list_orders(Window(after=AFTER))
    wire.answer_with(answer(429, {"error": "Too many requests"}))

    assert pauses[:4] == [1.0, 5.0, 10.0, 20.0]
    assert pauses[-1] == limits.THROTTLED_MOST_SECONDS
    assert refused() == 1.0


def test_the_shops_share_a_part_of_the_day_for_their_sweeps(etsy: Etsy) -> None:
    assert limits.sweep_seconds(10_000, 100, 2.0) == 1728.0
    assert limits.sweep_seconds(10_000_000, 1, 2.0) == 2.0
    assert limits.sweep_seconds(0, 1, 2.0) > 0
    assert etsy.list_limit() == (0.0, 0)


def test_no_token_or_secret_reaches_a_log(etsy: Etsy, wire: Wire, everything_logged: Callable[[], str]) -> None:
    wire.answer_with(answer(200, shop()), answer(200, ["shops_r"]), page(receipt()), answer(500, {"error": "x"}))

    etsy.check()
    with pytest.raises(TransientError):
        etsy.list_orders(Window(after=AFTER))

    logged = everything_logged()
    assert "getShopReceipts" in logged
    for secret in ("77.token-1", "testsecret", "Greta", "Mill Lane"):
        assert secret not in logged
