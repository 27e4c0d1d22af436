"""What leaves us for Amazon is what its contract describes, and what comes back becomes the right error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon import errors, limits
from connectors.amazon.auth import AppTokens
from connectors.amazon.config import AmazonConfig
from connectors.amazon.connector import Amazon
from connectors.contract.errors import (
    AccessDenied,
    AuthorizationExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.marketplace import Marketplace, PushesOrders
from connectors.contract.types import Window
from connectors.http import Deadlines
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.amazon import swagger
from tests.connectors.contract import Tokens
from tests.connectors.wire import Wire, answer

AFTER = datetime(2026, 11, 20, 9, 0, 0, 123456, UTC)
ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
RATE = {"x-amzn-RateLimit-Limit": "0.0083", "x-amzn-RequestId": "req-1"}


def config(url: str) -> AmazonConfig:
    return AmazonConfig(
        client_id="amzn1.application-oa2-client.test",
        client_secret="client-secret",
        application_id="amzn1.sp.solution.test",
        na=url,
        eu=url,
        fe=url,
        lwa=url,
        deadlines=Deadlines(connect=0.5, read=1, total=2),
    )


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("seller-token-1", "seller-token-2")


@pytest.fixture
def amazon(wire: Wire, tokens: Tokens) -> Iterator[Amazon]:
    settings = config(wire.url)
    yield Amazon("A1FICTIVE", "na", tokens, NoLimiter(), settings)
    AppTokens._all.pop(settings, None)


def page(*orders: dict[str, Any], **more: Any) -> Any:
    return answer(200, {"orders": list(orders), **more}, headers=RATE)


APP_TOKEN = answer(200, {"access_token": "app-token", "token_type": "bearer", "expires_in": 3600})


def test_the_connector_keeps_the_contract(amazon: Amazon) -> None:
    marketplace: Marketplace = amazon
    pushes: PushesOrders = amazon

    assert marketplace.platform == "amazon"
    assert isinstance(pushes, PushesOrders)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.contract
@pytest.mark.parametrize(
    ("window", "sites"),
    [
        pytest.param(Window(after=AFTER), (), id="changes"),
        pytest.param(Window(after=AFTER, by_creation=True), ("US", "CA"), id="created, two sites"),
        pytest.param(Window(after=AFTER, before=AFTER), ("US",), id="with a bound"),
        pytest.param(Window(after=AFTER, page_token="a+b/c==,d&e"), (), id="a page"),
    ],
)
def test_a_list_is_asked_for_as_the_contract_says(
    amazon: Amazon, wire: Wire, specs: Path, window: Window, sites: tuple[str, ...]
) -> None:
    wire.answer_with(page())

    amazon.list_orders(window, sites=sites)

    assert swagger.judge(specs, wire.asked[0]) == "searchOrders"


@pytest.mark.contract
def test_one_order_is_asked_for_as_the_contract_says(amazon: Amazon, wire: Wire, specs: Path) -> None:
    (example, *_) = swagger.examples(specs, "orders_2026-01-01.json", "getOrder")
    wire.answer_with(answer(200, example))

    amazon.get_order("111-0000000-0000001")

    assert swagger.judge(specs, wire.asked[0]) == "getOrder"


@pytest.mark.contract
def test_sites_and_subscriptions_are_asked_for_as_the_contract_says(amazon: Amazon, wire: Wire, specs: Path) -> None:
    wire.answer_with(
        answer(200, {"payload": []}),
        APP_TOKEN,
        answer(200, {"payload": []}),
        answer(200, {"payload": {"destinationId": "d1", "name": "orders", "resource": {"sqs": {"arn": ARN}}}}),
        answer(404, {"errors": [{"code": "NotFound", "message": "none"}]}),
        answer(200, {"payload": {"subscriptionId": "s1", "destinationId": "d1", "payloadVersion": "1.0"}}),
        answer(200, {}),
    )

    amazon.sites()
    subscription = amazon.subscribe(ARN)
    amazon.unsubscribe(subscription)

    asked = [one for one in wire.asked if one.path != "/auth/o2/token"]
    assert [swagger.judge(specs, one) for one in asked] == [
        "getMarketplaceParticipations",
        "getDestinations",
        "createDestination",
        "getSubscription",
        "createSubscription",
        "deleteSubscriptionById",
    ]


def test_a_list_carries_our_name_our_token_and_nothing_of_the_sdks(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(page())

    amazon.list_orders(Window(after=AFTER))

    (asked,) = wire.asked
    assert asked.headers["x-amz-access-token"] == "seller-token-1"
    assert asked.headers["host"] == wire.url.removeprefix("http://")
    assert asked.headers["user-agent"].startswith("Salestio/1.0 (Language=Python/")
    assert set(asked.query) == {"lastUpdatedAfter", "maxResultsPerPage", "includedData"}
    assert asked.query["lastUpdatedAfter"] == "2026-11-20T09:00:00.123Z"
    assert "FULFILLMENT" in asked.query["includedData"].split(",")


def test_a_page_token_travels_unchanged_with_the_same_parameters(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(page(pagination={"nextToken": "a+b/c=="}, lastUpdatedBefore="2026-11-20T10:00:00Z"), page())
    window = Window(after=AFTER)

    first = amazon.list_orders(window, sites=["US"])
    amazon.list_orders(replace(window, page_token=first.next_token), sites=["US"])

    again = dict(wire.asked[1].query)
    assert again.pop("paginationToken") == "a+b/c=="
    assert again == wire.asked[0].query
    assert first.bound == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_calls_in_our_own_name_use_our_own_token(amazon: Amazon, wire: Wire) -> None:
    listed = {"destinationId": "d1", "name": "orders", "resource": {"sqs": {"arn": ARN}}}
    subscribed = {"subscriptionId": "s1", "destinationId": "d1", "payloadVersion": "1.0"}
    wire.answer_with(APP_TOKEN, answer(200, {"payload": [listed]}), answer(200, {"payload": subscribed}))

    assert amazon.subscribe(ARN) == "s1"

    token, destinations, subscription = wire.asked
    assert token.form["grant_type"] == "client_credentials"
    assert token.form["scope"] == "sellingpartnerapi::notifications"
    assert destinations.headers["x-amz-access-token"] == "app-token"
    assert subscription.headers["x-amz-access-token"] == "seller-token-1"


def test_a_subscription_to_another_queue_is_replaced(amazon: Amazon, wire: Wire) -> None:
    listed = {"destinationId": "d1", "name": "orders", "resource": {"sqs": {"arn": ARN}}}
    elsewhere = {"subscriptionId": "s0", "destinationId": "d0", "payloadVersion": "1.0"}
    wire.answer_with(
        APP_TOKEN,
        answer(200, {"payload": [listed]}),
        answer(200, {"payload": elsewhere}),
        answer(200, {}),
        answer(200, {"payload": {"subscriptionId": "s1", "destinationId": "d1", "payloadVersion": "1.0"}}),
    )

    assert amazon.subscribe(ARN) == "s1"

    assert [(one.method, one.path.rpartition("/")[2]) for one in wire.asked[2:]] == [
        ("GET", "ORDER_CHANGE"),
        ("DELETE", "s0"),
        ("POST", "ORDER_CHANGE"),
    ]


def test_a_destination_made_meanwhile_by_another_worker_is_used(amazon: Amazon, wire: Wire) -> None:
    listed = {"destinationId": "d1", "name": "orders", "resource": {"sqs": {"arn": ARN}}}
    subscribed = {"subscriptionId": "s1", "destinationId": "d1", "payloadVersion": "1.0"}
    wire.answer_with(
        APP_TOKEN,
        answer(200, {"payload": []}),
        answer(409, {"errors": [{"code": "Conflict", "message": "exists"}]}),
        answer(200, {"payload": [listed]}),
        answer(200, {"payload": subscribed}),
    )

    assert amazon.subscribe(ARN) == "s1"


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def amazon_error(code: str, message: str = "no", details: str = "") -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "details": details}]}


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        pytest.param(answer(400, amazon_error("InvalidInput")), Rejected, id="400"),
        pytest.param(answer(403, amazon_error("Unauthorized", "Access denied.")), AccessDenied, id="role missing"),
        pytest.param(answer(403, {"message": "Forbidden"}), AccessDenied, id="gateway's 403"),
        pytest.param(answer(404, amazon_error("NotFound")), NotFound, id="404"),
        pytest.param(answer(404, raw=b"<h1>?</h1>"), NotFound, id="404 in HTML"),
        pytest.param(answer(413, amazon_error("TooLarge")), Rejected, id="413"),
        pytest.param(answer(429, amazon_error("QuotaExceeded")), RateLimited, id="429"),
        pytest.param(answer(500, amazon_error("InternalFailure")), TransientError, id="500"),
        pytest.param(answer(500, raw=b""), TransientError, id="empty 500"),
        pytest.param(answer(503, raw=b"<html>unavailable</html>"), TransientError, id="503 in HTML"),
        pytest.param(answer(200, raw=b"<html>maintenance</html>"), TransientError, id="200 in HTML"),
        pytest.param(answer(200, raw=b""), TransientError, id="empty 200"),
        pytest.param(answer(200, amazon_error("InternalFailure")), TransientError, id="200 with errors"),
        pytest.param(answer(200, {"orders": None}), TransientError, id="no list of orders"),
        pytest.param(answer(200, ["orders"]), TransientError, id="a list instead of an object"),
        pytest.param(answer(200, {"order": None}), TransientError, id="no order"),
    ],
)
def test_no_failure_passes_as_an_empty_answer(amazon: Amazon, wire: Wire, step: Any, kind: type[Exception]) -> None:
    wire.answer_with(step)

    with pytest.raises(kind) as of_list:
        amazon.list_orders(Window(after=AFTER))
    with pytest.raises(kind):
        amazon.get_order("111-0000000-0000001")

    assert type(of_list.value) is kind


def test_a_refusal_keeps_amazons_words_and_code(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(answer(400, amazon_error("InvalidInput", "Invalid Input", "createdAfter is not a date")))

    with pytest.raises(Rejected) as caught:
        amazon.list_orders(Window(after=AFTER))

    assert (caught.value.code, caught.value.texts) == ("InvalidInput", ("createdAfter is not a date",))
    assert (caught.value.platform, caught.value.operation, caught.value.status) == ("amazon", "searchOrders", 400)


def test_a_refused_page_token_has_a_code_of_its_own(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(answer(400, amazon_error("InvalidInput")))

    with pytest.raises(Rejected) as caught:
        amazon.list_orders(Window(after=AFTER, page_token="too-old"))

    assert caught.value.code == errors.PAGE_TOKEN


def test_the_same_page_token_again_is_not_the_end_of_the_pages(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(page(pagination={"nextToken": "same"}))

    with pytest.raises(TransientError, match="twice"):
        amazon.list_orders(Window(after=AFTER, page_token="same"))


@pytest.mark.parametrize(
    "details",
    [
        "The access token you provided has expired.",
        "The access token you provided is revoked, malformed or invalid.",
        "Access token is missing in the request header.",
    ],
)
def test_a_403_about_the_token_is_tried_once_with_a_fresh_one(
    amazon: Amazon, wire: Wire, tokens: Tokens, details: str
) -> None:
    wire.answer_with(
        answer(403, amazon_error("Unauthorized", "Access to requested resource is denied.", details)), page()
    )

    amazon.list_orders(Window(after=AFTER))

    assert tokens.refusals == ["seller-token-1"]
    assert wire.asked[1].headers["x-amz-access-token"] == "seller-token-2"


def test_a_seller_who_withdrew_must_reconnect(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(answer(403, amazon_error("Unauthorized", "denied", "The access token you provided is revoked")))

    with pytest.raises(AuthorizationExpired):
        amazon.list_orders(Window(after=AFTER))


def test_a_role_that_is_missing_does_not_cost_the_token(amazon: Amazon, wire: Wire, tokens: Tokens) -> None:
    wire.answer_with(answer(403, amazon_error("Unauthorized", "Access to requested resource is denied.")))

    with pytest.raises(AccessDenied):
        amazon.list_orders(Window(after=AFTER))

    assert tokens.refusals == []


def test_a_subscription_that_got_no_answer_is_unknown(amazon: Amazon, wire: Wire) -> None:
    listed = {"destinationId": "d1", "name": "orders", "resource": {"sqs": {"arn": ARN}}}
    wire.answer_with(
        APP_TOKEN, answer(200, {"payload": [listed]}), answer(404, amazon_error("NotFound")), answer(500, {})
    )

    with pytest.raises(OutcomeUnknown):
        amazon.subscribe(ARN)


def test_our_own_token_refused_asks_no_seller_to_reconnect(amazon: Amazon, wire: Wire) -> None:
    refused = answer(403, amazon_error("Unauthorized", "denied", "The access token is invalid"))
    wire.answer_with(APP_TOKEN, refused, APP_TOKEN)

    with pytest.raises(UnexpectedReply, match="our application's own token"):
        amazon.subscribe(ARN)


def test_ending_what_has_ended_is_fine(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(APP_TOKEN, answer(404, amazon_error("NotFound")))

    amazon.unsubscribe("s1")

    assert wire.asked[1].method == "DELETE"


def test_a_site_amazon_does_not_have_is_refused_before_anything_is_sent(amazon: Amazon, wire: Wire) -> None:
    with pytest.raises(Rejected, match="no site called XX"):
        amazon.list_orders(Window(after=AFTER), sites=["US", "XX"])

    assert wire.asked == []


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lists_take_no_bucket_and_teach_the_sweep_its_pace(wire: Wire, tokens: Tokens) -> None:
    limiter = LocalLimiter()
    amazon = Amazon("A1FICTIVE", "na", tokens, limiter, config(wire.url))
    assert amazon.sweep_seconds() == pytest.approx(178.6, abs=0.1)
    wire.answer_with(page())

    amazon.list_orders(Window(after=AFTER))

    assert amazon.rate_in_force("searchOrders") == 0.0083
    assert amazon.list_limit() == (0.0083, 20)
    assert amazon.sweep_seconds() == pytest.approx(120.5, abs=0.1)
    colleague = Amazon("A1FICTIVE", "na", tokens, limiter, config(wire.url))
    assert colleague.rate_in_force("searchOrders") == 0.0083


def test_the_sweep_never_goes_below_its_floor(wire: Wire, tokens: Tokens) -> None:
    amazon = Amazon("A1FICTIVE", "na", tokens, LocalLimiter(), config(wire.url))
    wire.answer_with(answer(200, {"orders": []}, headers={"x-amzn-RateLimit-Limit": "50"}))

    amazon.list_orders(Window(after=AFTER))

    assert amazon.sweep_seconds() == 2.0


def test_the_last_orders_one_may_fetch_are_kept_for_those_who_wait(wire: Wire, tokens: Tokens) -> None:
    now = [0.0]
    limiter = LocalLimiter(clock=lambda: now[0])
    amazon = Amazon("A1FICTIVE", "na", tokens, limiter, config(wire.url))
    order = {"orderId": "111-0000000-0000001", "orderItems": []}
    wire.answer_with(answer(200, {"order": order}))
    amazon.get_order("111-0000000-0000001")  # a lost bucket holds one call and those kept for a person, no more
    with pytest.raises(RateLimited):
        amazon.get_order("111-0000000-0000001")
    now[0] = 3600.0

    patient = 0
    while True:
        try:
            amazon.get_order("111-0000000-0000001")
        except RateLimited as error:
            assert error.ours
            break
        patient += 1
    for _ in range(limits.URGENT_RESERVE):
        amazon.get_order("111-0000000-0000001", urgent=True)

    assert patient == limits.RATES["getOrder"].burst - limits.URGENT_RESERVE
    with pytest.raises(RateLimited):
        amazon.get_order("111-0000000-0000001", urgent=True)


@pytest.mark.contract
def test_our_rates_are_the_published_ones(specs: Path) -> None:
    described = {
        operation.name: operation.described["description"]
        for file in ("orders_2026-01-01.json", "sellers.json", "notifications.json")
        for operation in swagger.operations(specs, file)
    }

    for name, rate in limits.RATES.items():
        assert f"| {rate.rate:g} | {rate.burst} |" in described[name].replace("  ", " "), name
