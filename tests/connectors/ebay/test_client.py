"""What leaves us for eBay is what its contract describes, and what comes back becomes the right error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

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
from connectors.ebay import errors
from connectors.ebay.auth import AppTokens
from connectors.ebay.config import EbayConfig
from connectors.ebay.connector import Ebay
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.ebay import judge
from tests.connectors.ebay.orders import line, order
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Step, Wire, answer, drop

AFTER = datetime(2026, 11, 20, 9, 0, 0, 123456, UTC)
ORDER_PATH = "/sell/fulfillment/v1/order"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("seller-token-1", "seller-token-2")


@pytest.fixture
def settings(wire: Wire) -> Iterator[EbayConfig]:
    made = config(wire.url)
    yield made
    AppTokens._all.pop(made, None)


@pytest.fixture
def ebay(settings: EbayConfig, tokens: Tokens) -> Ebay:
    return Ebay("EBLUMEN5Q", "", tokens, NoLimiter(), settings)


def page(*orders: dict[str, Any], total: int | None = None, **more: Any) -> Step:
    body = {"orders": list(orders), "total": len(orders) if total is None else total, "offset": 0, "limit": 200, **more}
    return answer(200, body)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [order(orderId=f"14-00000-{number:05d}") for number in numbers]


def refusal(error_id: int, *, category: str = "REQUEST", status: int = 400, **more: Any) -> Step:
    error = {"errorId": error_id, "domain": "API", "category": category, "message": "No", "longMessage": "No, because"}
    return answer(status, {"errors": [{**error, **more}]})


def window_of(asked: Any) -> tuple[str, datetime, datetime]:
    found = re.fullmatch(r"(\w+):\[(\S+Z)\.\.(\S+Z)\]", asked.query["filter"])
    assert found, asked.query["filter"]
    return found[1], datetime.fromisoformat(found[2]), datetime.fromisoformat(found[3])


def test_the_connector_keeps_the_contract(ebay: Ebay) -> None:
    marketplace: Marketplace = ebay

    assert marketplace.platform == "ebay"
    assert isinstance(ebay, PushesOrders)
    assert isinstance(ebay, Checks)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.contract
def test_lists_and_reads_are_calls_of_ebays_contract(ebay: Ebay, wire: Wire, specs: Path) -> None:
    wire.answer_with(page(order()), page(order()), answer(200, order()))
    ebay.list_orders(Window(after=AFTER))
    ebay.list_orders(Window(after=AFTER, by_creation=True))
    ebay.get_order("14-12345-67890")

    assert [judge.check(specs, asked) for asked in wire.asked] == ["getOrders", "getOrders", "getOrder"]


@pytest.mark.parametrize(("by_creation", "field"), [(False, "lastmodifieddate"), (True, "creationdate")])
def test_one_filter_is_sent_with_both_ends_in_the_past(ebay: Ebay, wire: Wire, by_creation: bool, field: str) -> None:
    wire.answer_with(page(order()))
    before = datetime.now(UTC)

    listed = ebay.list_orders(Window(after=AFTER, by_creation=by_creation))

    (asked,) = wire.asked
    sent_field, since, until = window_of(asked)
    assert asked.path == ORDER_PATH
    assert asked.headers["authorization"] == "Bearer seller-token-1"
    assert (asked.query["fieldGroups"], asked.query["limit"], asked.query["offset"]) == ("TAX_BREAKDOWN", "200", "0")
    assert (sent_field, since) == (field, AFTER.replace(microsecond=123000))
    assert before - timedelta(seconds=10) < until < datetime.now(UTC)
    assert listed.bound == until
    assert not set("[]|{}") & set(asked.target)


def test_the_end_is_the_one_asked_for_when_it_is_in_the_past(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(page())
    end = AFTER + timedelta(hours=2)

    assert ebay.list_orders(Window(after=AFTER, before=end)).bound == end.replace(microsecond=123000)


def test_a_window_in_the_future_is_empty_and_costs_no_call(ebay: Ebay, wire: Wire) -> None:
    after = datetime.now(UTC) + timedelta(hours=1)

    listed = ebay.list_orders(Window(after=after))

    assert (listed.items, listed.next_token, listed.bound) == ((), "", after)
    assert wire.asked == []


def test_nobody_asks_for_more_than_two_years_back(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(page())

    ebay.list_orders(Window(after=datetime(2019, 1, 1, tzinfo=UTC)))

    _, since, _ = window_of(wire.asked[0])
    assert timedelta(days=728) < datetime.now(UTC) - since < timedelta(days=730)


def test_a_clock_ahead_of_ebays_asks_again_with_ebays_time(ebay: Ebay, wire: Wire) -> None:
    theirs = datetime.now(UTC) - timedelta(minutes=2)
    date = {"Date": format_datetime(theirs, usegmt=True)}
    refused = {
        "errors": [{"errorId": 30850, "category": "REQUEST", "message": "Start and end dates can't be in the future"}]
    }
    wire.answer_with(answer(400, refused, headers=date), page(order()))

    listed = ebay.list_orders(Window(after=AFTER))

    assert len(listed.items) == 1
    assert listed.bound is not None
    assert listed.bound < theirs + timedelta(seconds=1)


def test_pages_overlap_and_bring_every_order_once(settings: EbayConfig, tokens: Tokens, wire: Wire) -> None:
    ebay = Ebay("EBLUMEN5Q", "", tokens, NoLimiter(), replace(settings, page_size=4, page_overlap=2))
    wire.answer_with(page(*numbered(1, 2, 3, 4), total=6), page(*numbered(3, 4, 5, 6), total=6))

    first = ebay.list_orders(Window(after=AFTER))
    second = ebay.list_orders(Window(after=AFTER, page_token=first.next_token))

    assert [one.order_id[-1] for one in (*first.items, *second.items)] == ["1", "2", "3", "4", "5", "6"]
    assert (first.bound, second.next_token) == (second.bound, "")
    assert [asked.query["offset"] for asked in wire.asked] == ["0", "2"]
    assert wire.asked[0].query["filter"] == wire.asked[1].query["filter"]


def test_orders_that_leave_the_list_while_it_is_read_hide_no_other(
    settings: EbayConfig, tokens: Tokens, wire: Wire
) -> None:
    ebay = Ebay("EBLUMEN5Q", "", tokens, NoLimiter(), replace(settings, page_size=4, page_overlap=2))
    # Orders 1 to 3 are changed meanwhile: behind them everything moves up, so at offset 2 stands order 6.
    wire.answer_with(
        page(*numbered(1, 2, 3, 4), total=8), page(*numbered(6, 7, 8), total=5), page(*numbered(5, 6, 7, 8), total=5)
    )

    first = ebay.list_orders(Window(after=AFTER))
    second = ebay.list_orders(Window(after=AFTER, page_token=first.next_token))

    assert [one.order_id[-1] for one in second.items] == ["5", "6", "7", "8"]
    assert [asked.query["offset"] for asked in wire.asked] == ["0", "2", "1"]
    assert second.next_token == ""


@pytest.mark.parametrize("token", ["nonsense", "e30=", "bnVsbA==", "é"])
def test_a_page_token_that_is_not_ours_says_to_begin_again(ebay: Ebay, wire: Wire, token: str) -> None:
    with pytest.raises(Rejected) as caught:
        ebay.list_orders(Window(after=AFTER, page_token=token))

    assert caught.value.code == "page_token"
    assert wire.asked == []


def test_only_orders_of_the_sites_asked_for_come(ebay: Ebay, wire: Wire) -> None:
    german = order(line(listingMarketplaceId="EBAY_DE", purchaseMarketplaceId="EBAY_DE"), orderId="de")
    wire.answer_with(page(order(orderId="us"), german))

    assert [one.order_id for one in ebay.list_orders(Window(after=AFTER), sites=["DE"]).items] == ["de"]


def test_a_site_ebay_does_not_have_is_refused(ebay: Ebay) -> None:
    with pytest.raises(Rejected) as caught:
        ebay.list_orders(Window(after=AFTER), sites=["XX"])

    assert caught.value.code == "site"


def test_a_poison_order_is_held_and_its_page_goes_on(ebay: Ebay, wire: Wire) -> None:
    poison = [None, {"orderId": "14-2", "lineItems": 7}, {"orderId": ["14-3"], "cancelStatus": {"cancelState": "X"}}]
    wire.answer_with(answer(200, {"orders": [order(), *poison], "total": 4}))

    found = ebay.list_orders(Window(after=AFTER)).items

    assert sorted(bool(one.problem) for one in found) == [False, True, True, True]


def test_warnings_are_kept_with_the_orders(ebay: Ebay, wire: Wire) -> None:
    warning = {"errorId": 30901, "category": "REQUEST", "message": "Some orders are older"}
    wire.answer_with(page(order(), warnings=[warning]))

    (found,) = ebay.list_orders(Window(after=AFTER)).items

    assert found.raw["warnings"] == [warning]


# ── orders read one by one ───────────────────────────────────────────────────────────────────────────────────────────


def in_play(number: int) -> dict[str, Any]:
    return order(orderId=f"14-{number}", cancelStatus={"cancelState": "IN_PROGRESS", "cancelRequests": []})


def whole(number: int) -> dict[str, Any]:
    request = {"cancelRequestId": "5", "cancelInitiator": "Buyer", "cancelReason": "BUYER_ASKED_CANCEL"}
    return {**in_play(number), "cancelStatus": {"cancelState": "IN_PROGRESS", "cancelRequests": [request]}}


def test_an_order_whose_cancellation_is_in_play_is_read_whole(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(page(order(), in_play(1)), answer(200, whole(1)))

    found = {one.order_id: one for one in ebay.list_orders(Window(after=AFTER)).items}

    assert found["14-1"].cancel_requested
    assert found["14-1"].raw["cancelStatus"]["cancelRequests"][0]["cancelInitiator"] == "Buyer"
    assert [asked.path for asked in wire.asked] == [ORDER_PATH, f"{ORDER_PATH}/14-1"]


def test_only_so_many_orders_of_a_page_are_read_whole(settings: EbayConfig, tokens: Tokens, wire: Wire) -> None:
    ebay = Ebay("EBLUMEN5Q", "", tokens, NoLimiter(), replace(settings, hydrated_per_page=2))
    wire.answer_with(page(*(in_play(number) for number in range(5))), answer(200, whole(0)))

    found = ebay.list_orders(Window(after=AFTER)).items

    assert len(wire.asked) == 3
    assert [one.cancel_requested for one in found] == [True] * 5


@pytest.mark.parametrize("step", [drop, answer(500, {}), refusal(32100), answer(429, {})])
def test_an_order_that_cannot_be_read_whole_stays_as_listed(ebay: Ebay, wire: Wire, step: Step) -> None:
    wire.answer_with(page(in_play(1)), step)

    (found,) = ebay.list_orders(Window(after=AFTER)).items

    assert (found.order_id, found.cancel_requested, found.problem) == ("14-1", True, "")


def in_part() -> dict[str, Any]:
    href = "https://api.ebay.com/sell/fulfillment/v1/order/14-7/shipping_fulfillment/9405509699937003457459"
    return order(
        line(quantity=3, lineItemFulfillmentStatus="IN_PROGRESS"),
        orderId="14-7",
        orderFulfillmentStatus="IN_PROGRESS",
        fulfillmentHrefs=[href],
    )


PARCELS = {"fulfillments": [{"fulfillmentId": "9405", "lineItems": [{"lineItemId": "100000000001", "quantity": 2}]}]}


@pytest.mark.contract
def test_an_order_shipped_in_part_is_read_with_its_parcels(ebay: Ebay, wire: Wire, specs: Path) -> None:
    wire.answer_with(page(in_part()), answer(200, PARCELS), answer(200, in_part()), answer(200, PARCELS))

    (listed,) = ebay.list_orders(Window(after=AFTER)).items
    alone = ebay.get_order("14-7")

    assert [one.lines[0].quantity_shipped for one in (listed, alone)] == [2, 2]
    assert [judge.check(specs, asked) for asked in wire.asked] == [
        "getOrders", "getShippingFulfillments", "getOrder", "getShippingFulfillments",
    ]  # fmt: skip


@pytest.mark.parametrize("step", [drop, refusal(32100)])
def test_an_order_whose_parcels_cannot_be_read_is_read_without_them(ebay: Ebay, wire: Wire, step: Step) -> None:
    wire.answer_with(answer(200, in_part()), step)

    found = ebay.get_order("14-7")

    assert (found.status.value, found.lines[0].quantity_shipped) == ("partially_shipped", 0)
    assert [parcel.tracking_number for parcel in found.parcels] == ["9405509699937003457459"]


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (refusal(32100), NotFound, "32100"),
        (refusal(1100, status=403), AccessDenied, "1100"),
        (refusal(32800), Rejected, "32800"),
        (answer(404, {}), NotFound, "404"),
        (answer(403, raw=b"<html>"), AccessDenied, "403"),
    ],
)
def test_a_clear_no_has_ebays_own_code(ebay: Ebay, wire: Wire, step: Step, kind: type[Rejected], code: str) -> None:
    wire.answer_with(step)

    with pytest.raises(Rejected) as caught:
        ebay.get_order("14-12345-67890")

    assert type(caught.value) is kind
    assert caught.value.code == code


@pytest.mark.parametrize(
    "step", [refusal(30500), refusal(99999, category="APPLICATION"), answer(500, {}), answer(200, []), answer(200, {})]
)
def test_ebays_own_trouble_is_tried_again(ebay: Ebay, wire: Wire, step: Step) -> None:
    wire.answer_with(step)

    with pytest.raises(TransientError):
        ebay.get_order("14-12345-67890")


def test_a_refusal_names_what_it_is_about(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(refusal(30800, parameters=[{"name": "filter", "value": "x"}]))

    with pytest.raises(Rejected) as caught:
        ebay.list_orders(Window(after=AFTER))

    assert (caught.value.fields, caught.value.texts) == (("filter",), ("No, because",))


@pytest.mark.contract
def test_every_error_id_we_know_is_one_of_ebays(specs: Path) -> None:
    catalogue = (specs / "ebay" / "error_catalogue.json").read_text()

    # 1100 comes from eBay's gateway, before any API: no contract lists it.
    assert [error_id for error_id in errors.BY_ID if error_id != "1100" and f'"{error_id}"' not in catalogue] == []


def test_an_old_token_is_renewed_once(ebay: Ebay, tokens: Tokens, wire: Wire) -> None:
    wire.answer_with(refusal(1001, status=401), answer(200, order()))

    ebay.get_order("14-12345-67890")

    assert tokens.refusals == ["seller-token-1"]
    assert wire.asked[-1].headers["authorization"] == "Bearer seller-token-2"


def test_a_seller_who_took_the_permission_back_must_connect_again(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(refusal(1001, status=401))

    with pytest.raises(AuthorizationExpired):
        ebay.get_order("14-12345-67890")


def test_a_429_without_a_pause_waits_longer_each_time(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(answer(429, {}))
    waits = []
    for _ in range(8):
        with pytest.raises(RateLimited) as caught:
            ebay.get_order("14-12345-67890")
        waits.append(caught.value.retry_after)

    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    wire.answer_with(answer(429, {}, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as caught:
        ebay.get_order("14-12345-67890")
    assert caught.value.retry_after == 7


def test_after_a_429_no_seller_calls_until_the_pause_is_over(settings: EbayConfig, tokens: Tokens, wire: Wire) -> None:
    limiter = LocalLimiter()
    one, other = (Ebay(key, "", Tokens("t-1"), limiter, settings) for key in ("EBLUMEN5Q", "EBHARBOUR7"))
    wire.answer_with(answer(429, {}))

    with pytest.raises(RateLimited) as theirs:
        one.get_order("14-12345-67890")
    with pytest.raises(RateLimited) as ours:
        other.get_order("14-12345-67890")

    assert (theirs.value.ours, ours.value.ours) == (False, True)
    assert len(wire.asked) == 1


def test_an_order_id_is_one_part_of_the_path(ebay: Ebay, wire: Wire) -> None:
    wire.answer_with(refusal(32100))

    with pytest.raises(NotFound):
        ebay.get_order("../payment_dispute/1?x=y")

    assert wire.asked[0].path.count("/") == 5


def test_our_own_refused_token_is_no_reason_to_reconnect(ebay: Ebay, wire: Wire) -> None:
    first, second = (answer(200, {"access_token": f"app-{number}", "expires_in": 7200}) for number in (1, 2))
    refused = refusal(1001, status=401)
    wire.answer_with(first, refused, second, refused)

    with pytest.raises(UnexpectedReply):
        ebay.subscribe("https://app.example/webhooks/ebay")


def test_the_page_of_an_order_is_on_the_sites_own_domain(settings: EbayConfig) -> None:
    page_of = settings.order_page

    assert page_of("14-1", site="UK") == "https://www.ebay.co.uk/mesh/ord/details?orderid=14-1"
    assert page_of("14-1") == "https://www.ebay.com/mesh/ord/details?orderid=14-1"
    assert replace(settings, hub="http://host/ebay/hub").order_page("1/2") == "http://host/ebay/hub/orders/1%2F2"
