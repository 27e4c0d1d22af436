"""What Shopify's answers mean, whatever their status says: over real HTTP, against a server that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract.errors import (
    AccessDenied,
    AddressRejected,
    AuthorizationExpired,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    RateLimited,
    Rejected,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.types import CustomerMode
from connectors.ratelimit import LocalLimiter, Take
from connectors.shopify import limits
from connectors.shopify.version import API_VERSION
from tests.connectors.shopify.cast import SHOP, TOKEN, address, draft, shop_at
from tests.connectors.wire import Wire, answer, drop, half

MADE = {
    "id": "gid://shopify/Order/9",
    "name": "#1009",
    "createdAt": "2026-11-20T10:31:00Z",
    "totalPriceSet": {"shopMoney": {"amount": "31.37", "currencyCode": "USD"}},
}


def created(order: Any = MADE, *errors: dict[str, Any], **more: Any) -> Any:
    """Return the step that answers orderCreate."""
    return answer(200, {"data": {"orderCreate": {"order": order, "userErrors": list(errors)}}, **more})


def refused(message: str, *field: str, code: str | None = "INVALID") -> dict[str, Any]:
    return {"code": code, "field": ["order", *field], "message": message}


def failed(code: str = "", message: str = "It went wrong", *, data: Any = "absent", **error: Any) -> Any:
    """Return the step that answers with `errors`."""
    entry = {"message": message, **({"extensions": {"code": code}} if code else {}), **error}
    body: dict[str, Any] = {"errors": [entry]}
    if data != "absent":
        body["data"] = data
    return answer(200, body)


def test_a_call_carries_the_token_the_version_and_asks_for_gzip(wire: Wire) -> None:
    wire.answer_with(created())

    shop_at(wire.url).create_order(draft())

    [asked] = wire.asked
    assert asked.path == f"/admin/api/{API_VERSION}/graphql.json"
    assert asked.headers["x-shopify-access-token"] == TOKEN
    assert "gzip" in asked.headers["accept-encoding"]
    assert asked.json["variables"]["options"]["inventoryBehaviour"] == "DECREMENT_OBEYING_POLICY"


def test_a_created_order_comes_back_with_our_key_and_its_total(wire: Wire) -> None:
    wire.answer_with(created())

    made = shop_at(wire.url).create_order(draft())

    assert (made.id, made.name, made.total, made.currency) == (
        "gid://shopify/Order/9",
        "#1009",
        Decimal("31.37"),
        "USD",
    )
    assert made.key == draft().key


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

REFUSALS: dict[str, tuple[dict[str, Any], type[ConnectorError], str]] = {
    "stock, as measured": (refused("Line items Unable to reserve inventory", "lineItems"), OutOfStock, "lineItems"),
    "stock, as documented": (refused("No.", "lineItems", code="INVENTORY_CLAIM_FAILED"), OutOfStock, "lineItems"),
    "zip": (refused("Zip is not valid for Oregon", "shippingAddress", "zip"), AddressRejected, "shippingAddress.zip"),
    "billing": (
        refused("Country is invalid", "billingAddress", "countryCode"),
        AddressRejected,
        "billingAddress.countryCode",
    ),
    "tax": (refused("Rate missing", "lineItems", code="TAX_LINE_RATE_MISSING"), Rejected, "lineItems"),
    "time": (refused("In the future", "processedAt", code="PROCESSED_AT_INVALID"), Rejected, "processedAt"),
    "dormant": ({"code": "SHOP_DORMANT", "field": None, "message": "The shop is dormant"}, Rejected, ""),
    "five a minute": ({"code": "INVALID", "field": None, "message": "Exceeded order API rate limit"}, RateLimited, ""),
    "our key": (refused("Value has already been taken", "metafields", "0", "value"), OutcomeUnknown, ""),
}


@pytest.mark.parametrize(("error", "kind", "field"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_means_what_its_code_field_or_words_say(
    wire: Wire, error: dict[str, Any], kind: type[ConnectorError], field: str
) -> None:
    wire.answer_with(created(None, error))

    with pytest.raises(kind) as caught:
        shop_at(wire.url).create_order(draft())

    assert len(wire.asked) == 1
    if isinstance(caught.value, Rejected):
        assert caught.value.fields == ((field,) if field else ())
        assert caught.value.texts == (error["message"],)
        assert caught.value.code


def test_stock_outweighs_whatever_else_is_refused(wire: Wire) -> None:
    wire.answer_with(created(None, refused("Zip?", "shippingAddress", "zip"), refused("Unable to reserve inventory")))

    with pytest.raises(OutOfStock):
        shop_at(wire.url).create_order(draft())


@pytest.mark.parametrize(
    ("error", "email_kept"),
    [
        (refused("Phone has already been taken", "customer", "phone"), True),
        (refused("Email is invalid", "email"), False),
        (refused("Customer is invalid", code="INVALID"), True),
    ],
)
def test_an_order_whose_customer_is_refused_is_sent_once_more_without_one(
    wire: Wire, error: dict[str, Any], email_kept: bool
) -> None:
    wire.answer_with(created(None, error), created())

    made = shop_at(wire.url).create_order(draft(customer=CustomerMode.BY_EMAIL))

    assert made.id == MADE["id"]
    first, second = (asked.json["variables"]["order"] for asked in wire.asked)
    assert "customer" in first
    assert "customer" not in second
    assert ("email" in second) is email_kept


def test_an_order_of_a_chosen_customer_is_not_made_without_them(wire: Wire) -> None:
    wire.answer_with(created(None, refused("Customer does not exist", "customer", "toAssociate", "id")))

    with pytest.raises(Rejected, match="Customer does not exist"):
        shop_at(wire.url).create_order(draft(customer=CustomerMode.FIXED, customer_id="7"))

    assert len(wire.asked) == 1


def test_a_phone_shopify_refuses_is_left_out_and_kept_in_the_note(wire: Wire) -> None:
    wire.answer_with(created(None, refused("Phone is invalid", "shippingAddress", "phone")), created())

    made = shop_at(wire.url).create_order(draft(shipping_address=address(phone="+99 1234567")))

    first, second = (asked.json["variables"]["order"] for asked in wire.asked)
    assert first["shippingAddress"].pop("phone") == "+991234567"
    assert second["shippingAddress"] == first["shippingAddress"]
    assert "Phone: +99 1234567" in second["note"].splitlines()
    assert made.left_out == ("phone",)


@pytest.mark.parametrize(
    "also",
    [refused("Province is not valid", "shippingAddress", "provinceCode"), refused("Zip?", "billingAddress", "zip")],
)
def test_an_address_refused_for_more_than_its_phone_is_a_persons_matter(wire: Wire, also: dict[str, Any]) -> None:
    wire.answer_with(created(None, refused("Phone is invalid", "shippingAddress", "phone"), also))

    with pytest.raises(AddressRejected):
        shop_at(wire.url).create_order(draft())

    assert len(wire.asked) == 1


def test_what_of_an_order_was_not_sent_is_said_with_it(wire: Wire) -> None:
    wire.answer_with(created())
    odd = draft(email="ü@example.de", customer=CustomerMode.BY_EMAIL)

    made = shop_at(wire.url).create_order(odd)

    sent = wire.asked[0].json["variables"]["order"]
    assert made.left_out == ("customer", "email")
    assert "email" not in sent and "customer" not in sent
    assert "E-mail: ü@example.de" in sent["note"].splitlines()


def test_a_phone_and_a_customer_refused_one_after_the_other_are_both_left_out(wire: Wire) -> None:
    wire.answer_with(
        created(None, refused("Phone is invalid", "billingAddress", "phone")),
        created(None, refused("Customer is invalid", "customer")),
        created(),
    )

    made = shop_at(wire.url).create_order(draft(customer=CustomerMode.BY_EMAIL))

    assert made.left_out == ("customer", "phone")
    assert "phone" not in wire.asked[2].json["variables"]["order"]["shippingAddress"]


def test_it_is_not_sent_a_third_time(wire: Wire) -> None:
    wire.answer_with(created(None, refused("Customer is invalid")))

    with pytest.raises(Rejected):
        shop_at(wire.url).create_order(draft())

    assert len(wire.asked) == 2


# ── answers that are not clear ───────────────────────────────────────────────────────────────────────────────────────

UNCLEAR: dict[str, Any] = {
    "500": answer(500, {"errors": "Internal Server Error"}),
    "502 in HTML": answer(502, raw=b"<html>Bad gateway</html>"),
    "200 in HTML": answer(200, raw=b"<html>Maintenance</html>"),
    "hang-up": drop,
    "half an answer": half,
    "nothing": answer(200, {}),
    "no payload": answer(200, {"data": {"orderCreate": None}}),
    "neither order nor reason": created(None),
    "an order without an id": created({"name": "#1"}),
    "internal error": failed("INTERNAL_SERVER_ERROR"),
    "timed out inside": failed("TIMEOUT", data=None),
    "made, but one field refused": failed("ACCESS_DENIED", data={"orderCreate": {"order": MADE, "userErrors": []}}),
    "an error nobody knows": failed("SOMETHING_NEW", data={"orderCreate": None}),
    "redirect": answer(302, headers={"Location": "https://elsewhere.example.com/"}),
}


@pytest.mark.parametrize("step", UNCLEAR.values(), ids=UNCLEAR)
def test_a_create_without_a_clear_answer_is_unknown_and_is_not_sent_again(wire: Wire, step: Any) -> None:
    wire.answer_with(step)

    with pytest.raises(OutcomeUnknown):
        shop_at(wire.url).create_order(draft())

    assert len(wire.asked) == 1


CLEAR: dict[str, tuple[Any, type[ConnectorError]]] = {
    "not granted": (failed("ACCESS_DENIED", "Access denied for orderCreate", data={"orderCreate": None}), AccessDenied),
    "another address": (answer(403, {"errors": "forbidden"}), AccessDenied),
    "frozen": (answer(402, {"errors": "Payment required"}), TransientError),
    "locked": (answer(423, {"errors": "Locked"}), TransientError),
    "asleep": (failed("SHOP_INACTIVE", data=None), TransientError),
    "no such shop": (answer(404, {"errors": "Not Found"}), NotFound),
    "a form that does not fit": (
        failed("", "Variable $order was invalid", locations=[{"line": 1, "column": 1}]),
        Rejected,
    ),
    "too many": (answer(429, headers={"Retry-After": "2.0"}), RateLimited),
}


@pytest.mark.parametrize(("step", "kind"), CLEAR.values(), ids=CLEAR)
def test_a_clear_no_is_not_taken_for_an_unknown_outcome(wire: Wire, step: Any, kind: type[ConnectorError]) -> None:
    wire.answer_with(step)

    with pytest.raises(kind) as caught:
        shop_at(wire.url).create_order(draft())

    assert not isinstance(caught.value, OutcomeUnknown)


REFUSED_VARIABLES: dict[str, dict[str, Any]] = {
    "places given apart": {
        "message": "Variable $order of type OrderCreateOrderInput! was provided: 1 Made-up Street",
        "extensions": {
            "value": {"shippingAddress": {"address1": "1 Made-up Street"}},
            "problems": [{"path": ["shippingAddress", "countryCode"], "explanation": "XX is not a country"}],
        },
    },
    "places in the words": {
        "message": "Variable $order was provided invalid value for shippingAddress.countryCode (1 Made-up Street)",
        "locations": [{"line": 1, "column": 1}],
        "extensions": {"code": "INVALID_VARIABLE"},
    },
}


@pytest.mark.parametrize("entry", REFUSED_VARIABLES.values(), ids=REFUSED_VARIABLES)
def test_a_refused_variable_names_the_field_and_not_what_the_buyer_wrote(wire: Wire, entry: dict[str, Any]) -> None:
    wire.answer_with(answer(200, {"errors": [entry]}))

    with pytest.raises(AddressRejected) as caught:
        shop_at(wire.url).create_order(draft())

    assert caught.value.fields == ("shippingAddress.countryCode",)
    assert caught.value.texts == ("Shopify does not take the country of this address",)


def test_a_read_with_errors_uses_nothing_of_its_data(wire: Wire) -> None:
    wire.answer_with(failed("", "Something", data={"order": {"id": "gid://shopify/Order/1"}}))

    with pytest.raises(UnexpectedReply):
        shop_at(wire.url).get_order("gid://shopify/Order/1")


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def cost(requested: float, available: float, *, actual: float | None = None, rate: float = 100.0) -> dict[str, Any]:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate},
        }
    }


def test_a_throttled_call_waits_until_the_missing_points_are_back(wire: Wire) -> None:
    limiter = LocalLimiter()
    throttled = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": cost(40, 10)}
    wire.answer_with(answer(200, throttled))
    bucket = limits.bucket(SHOP)
    limiter.learn(bucket, rate=1e6, capacity=1e6)
    while limiter.take([Take(bucket, 1e6, 1e6, n=10)]):
        pass

    with pytest.raises(RateLimited) as caught:
        shop_at(wire.url, limiter=Full(limiter)).create_order(draft())

    assert caught.value.retry_after == pytest.approx(0.3)
    assert caught.value.ours is False
    assert limiter.take([Take(bucket, 1e6, 1e6, n=1)]) > 0.2


class Full:
    """A limiter whose takes always succeed; it keeps what it was asked and taught."""

    def __init__(self, inner: LocalLimiter | None = None) -> None:
        self.inner = inner
        self.taken: list[Take] = []
        self.taught: list[dict[str, Any]] = []

    def take(self, takes: Any) -> float:
        self.taken += takes
        return 0.0

    def learn(self, bucket: str, **what: Any) -> None:
        self.taught.append({"bucket": bucket, **what})

    def pause(self, bucket: str, seconds: float) -> None:
        if self.inner:
            self.inner.pause(bucket, seconds)

    def learned_rate(self, bucket: str) -> float | None:
        return None


def test_every_answer_teaches_the_shops_bucket(wire: Wire) -> None:
    limiter = Full()
    wire.answer_with(created(extensions=cost(10, 150, actual=10, rate=1000.0)))

    shop_at(wire.url, limiter=limiter).create_order(draft())

    assert [(take.bucket, take.n, take.reserve) for take in limiter.taken] == [(f"shopify:{SHOP}", 10.0, 0.0)]
    [taught] = limiter.taught
    assert (taught["rate"], taught["capacity"], taught["available"]) == (1000.0, 2000.0, 150.0)


def test_our_own_limiter_stops_a_call_before_it_leaves(wire: Wire) -> None:
    limiter = LocalLimiter()

    with pytest.raises(RateLimited) as caught:
        shop_at(wire.url, limiter=limiter).create_order(draft())

    assert caught.value.ours is True
    assert wire.asked == []


# ── tokens stay where they belong ────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_token_is_reported_and_the_account_stops(wire: Wire) -> None:
    wire.answer_with(answer(401, {"errors": "[API] Invalid API key or access token"}))

    with pytest.raises(AuthorizationExpired):
        shop_at(wire.url).info()


def test_no_token_and_no_buyer_reaches_a_log_or_an_error(wire: Wire, everything_logged: Callable[[], str]) -> None:
    said: list[str] = []
    for step in (created(), *UNCLEAR.values(), *(step for step, _ in CLEAR.values())):
        wire.answer_with(step)
        try:
            shop_at(wire.url).create_order(draft())
        except ConnectorError as error:
            said.append(f"{error} {vars(error)}")

    logged = everything_logged() + "\n".join(said)

    assert "orderCreate" in logged
    for secret in (TOKEN, "Made-up Street", "ada@example.com", "555-0100", "5550100"):
        assert secret not in logged


def test_two_shops_in_two_threads_never_share_a_token() -> None:
    first, second = Wire(), Wire()
    shops = {
        first: shop_at(first.url, shop="one.myshopify.com", token="shpat_one"),
        second: shop_at(second.url, shop="two.myshopify.com", token="shpat_two"),
    }
    together = threading.Barrier(8)

    def read(wire: Wire) -> None:
        together.wait()
        for number in range(10):
            assert shops[wire].get_order(f"gid://shopify/Order/{number}") is None

    try:
        for wire in shops:
            wire.answer_with(answer(200, {"data": {"order": None}}))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, [first, second] * 4))
        tokens = {wire: {asked.headers["x-shopify-access-token"] for asked in wire.asked} for wire in shops}
    finally:
        first.close()
        second.close()

    assert tokens == {first: {"shpat_one"}, second: {"shpat_two"}}
    assert len(first.asked) == len(second.asked) == 40


def test_what_we_send_is_utf_8(wire: Wire) -> None:
    wire.answer_with(created())

    shop_at(wire.url).create_order(draft(note="Grüße aus 東京"))

    assert json.loads(wire.asked[0].body.decode("utf-8"))["variables"]["order"]["note"] == "Grüße aus 東京"


def test_the_check_names_the_scopes_that_were_not_granted(wire: Wire) -> None:
    held, shop = [{"handle": "write_orders"}, {"handle": "write_products"}], {"name": "N", "currencyCode": "USD"}
    wire.answer_with(answer(200, {"data": {"shop": shop, "currentAppInstallation": {"accessScopes": held}}}))

    scopes, _clock = shop_at(wire.url).check()

    assert scopes.ok is False and scopes.fix
    assert "read_inventory" in scopes.sentence
    # The right to write includes the right to read.
    assert "read_orders" not in scopes.sentence
