"""Making, finding and canceling orders over HTTP, against a store of the test's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.bigcommerce.connector import BigCommerce
from connectors.contract.errors import (
    AddressRejected,
    NotFound,
    OptionsMissing,
    OutOfStock,
    RateLimited,
    Rejected,
    TransientError,
)
from connectors.contract.types import Address, CustomerMode, InventoryRule, StoreOrderDraft
from tests.connectors.bigcommerce.cast import (
    KEY,
    REFERENCE,
    calls,
    draft,
    line,
    order,
    page,
    sent,
    serve,
    settings,
    store_facts,
)
from tests.connectors.wire import Step, Wire, answer

MODIFIER = {
    "id": 206,
    "product_id": 111,
    "display_name": "Engraving",
    "type": "text",
    "required": True,
    "config": {},
    "option_values": [],
}


def missing(*names: str) -> Step:
    options = [{"id": 1, "display_name": name} for name in names]
    error = {"type": "MandatoryProductOptions", "product": {"id": 111, "required_product_options": options}}
    words = "The options of one or more products are invalid."
    return answer(400, [{"status": 400, "message": words, "details": {"errors": [error]}}])


def refusal(status: int, words: str) -> Step:
    return answer(status, [{"status": status, "message": words}])


MADE = answer(201, order())
FACTS: dict[str, Any] = {"GET /v2/store": answer(200, store_facts())}


def test_a_created_order_comes_back_as_the_store_shows_it(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    made = store.create_order(draft())

    assert (made.id, made.key, made.total, made.currency) == ("118", KEY, Decimal("31.37"), "USD")
    assert made.url.endswith("/manage/orders/118")
    assert sent(wire, "POST /v2/orders")[0]["status_id"] == 9


def test_facts_of_the_store_are_asked_for_once(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(draft())
    store.create_order(draft())

    assert calls(wire) == ["GET /v2/store", "POST /v2/orders", "POST /v2/orders"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 9), ({"status_id": "11"}, 11), ({"fulfilled": True}, 2), ({"status_id": "10", "fulfilled": True}, 10)],
)
def test_the_status_is_the_merchants_choice(
    wire: Wire, store: BigCommerce, changes: dict[str, Any], status: int
) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(draft(**changes))

    assert sent(wire, "POST /v2/orders")[0]["status_id"] == status


@pytest.mark.parametrize("status", ["0", "4", "5", "6", "13", "14"])
def test_a_new_order_is_never_born_ended(wire: Wire, store: BigCommerce, status: str) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    with pytest.raises(Rejected) as caught:
        store.create_order(draft(status_id=status))

    assert caught.value.code == "STATUS"
    assert "POST /v2/orders" not in calls(wire)


# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_must_leave_stock_alone_is_not_sent_to_a_store_that_takes_it_at_once(
    wire: Wire, store: BigCommerce
) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE, "GET /v3/settings/inventory": answer(200, settings())})

    with pytest.raises(Rejected) as caught:
        store.create_order(draft(inventory=InventoryRule.NONE))

    assert caught.value.code == "STOCK_WOULD_MOVE"
    assert "POST /v2/orders" not in calls(wire)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 9), ({"status_id": "11"}, 11), ({"fulfilled": True}, 9), ({"status_id": "2", "fulfilled": True}, 9)],
)
def test_where_stock_moves_on_shipping_such_an_order_gets_a_status_that_moves_none(
    wire: Wire, store: BigCommerce, changes: dict[str, Any], status: int
) -> None:
    later = answer(200, settings("order_completed_or_shipped"))
    serve(wire, {**FACTS, "POST /v2/orders": MADE, "GET /v3/settings/inventory": later})

    store.create_order(draft(inventory=InventoryRule.NONE, **changes))

    assert sent(wire, "POST /v2/orders")[0]["status_id"] == status


def test_a_channel_without_a_setting_of_its_own_follows_the_store(wire: Wire, store: BigCommerce) -> None:
    whole = answer(200, settings("order_completed_or_shipped"))
    serve(
        wire,
        {**FACTS, "POST /v2/orders": MADE, "GET /v3/settings/inventory": [answer(200, settings(None, None)), whole]},
    )

    store.create_order(draft(inventory=InventoryRule.NONE))

    asked = [one.query for one in wire.asked if one.path.endswith("/settings/inventory")]
    assert asked == [{"channel_id": "1"}, {}]


def test_out_of_stock_is_told_with_the_stores_words(wire: Wire, store: BigCommerce) -> None:
    words = "Quantities of one or more products are out of stock or did not meet quantity requirements."
    error = {"type": "OutOfStock", "product": {"id": 111, "name": "Candle", "inventory_level": 0}}
    refused = answer(409, [{"status": 409, "message": words, "details": {"errors": [error]}}])
    serve(wire, {**FACTS, "POST /v2/orders": refused})

    with pytest.raises(OutOfStock) as caught:
        store.create_order(draft())

    assert caught.value.texts[0] == words
    assert calls(wire).count("POST /v2/orders") == 1


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mandatory_options_are_named_and_nothing_is_filled_unasked(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": missing("Engraving", "Wrapping")})

    with pytest.raises(OptionsMissing) as caught:
        store.create_order(draft())

    assert caught.value.fields == ("Engraving", "Wrapping")
    assert calls(wire).count("POST /v2/orders") == 1


def test_mandatory_options_are_filled_once_the_merchant_wants_it(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": [missing("Engraving"), MADE],
            "GET /v3/catalog/products/{id}/modifiers": answer(200, page(MODIFIER)),
        },
    )

    made = store.create_order(draft(fill_options=True, option_text="None wanted"))

    first, second = sent(wire, "POST /v2/orders")
    assert made.id == "118"
    assert "product_options" not in first["products"][0]
    assert second["products"][0]["product_options"] == [{"id": 206, "value": "None wanted"}]
    assert second["products"][0]["variant_id"] == 127


def test_an_option_that_cannot_be_filled_is_named(wire: Wire, store: BigCommerce) -> None:
    upload = {**MODIFIER, "type": "file", "display_name": "Your picture"}
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": missing("Engraving"),
            "GET /v3/catalog/products/{id}/modifiers": answer(200, page(MODIFIER, upload)),
        },
    )

    with pytest.raises(OptionsMissing) as caught:
        store.create_order(draft(fill_options=True, option_text="None wanted"))

    assert caught.value.fields == ("Your picture",)
    assert calls(wire).count("POST /v2/orders") == 1


def test_options_are_filled_once_and_never_in_a_circle(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": missing("Engraving"),
            "GET /v3/catalog/products/{id}/modifiers": answer(200, page(MODIFIER)),
        },
    )

    with pytest.raises(OptionsMissing):
        store.create_order(draft(fill_options=True, option_text="None wanted"))

    assert calls(wire).count("POST /v2/orders") == 2


# ── customers ────────────────────────────────────────────────────────────────────────────────────────────────────────

ADA = {"id": 17, "email": "ada@example.com", "first_name": "Ada", "last_name": "Example"}


def by_email(**changes: Any) -> StoreOrderDraft:
    return draft(customer=CustomerMode.BY_EMAIL, **changes)


def test_a_guests_order_touches_no_customer(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(draft())

    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 0
    assert not any("customers" in call for call in calls(wire))


def test_the_customer_with_this_address_is_used(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE, "GET /v3/customers": answer(200, page(ADA))})

    store.create_order(by_email())

    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 17
    assert "POST /v3/customers" not in calls(wire)


def test_a_customer_who_is_new_is_made_and_never_written_to(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": MADE,
            "GET /v3/customers": answer(200, page()),
            "POST /v3/customers": answer(200, {"data": [ADA], "meta": {}}),
        },
    )

    store.create_order(by_email())

    ((made,),) = sent(wire, "POST /v3/customers")
    assert (made["email"], made["first_name"], made["last_name"]) == ("ada@example.com", "Ada", "Example")
    assert made["accepts_product_review_abandoned_cart_emails"] is False
    assert made["trigger_account_created_notification"] is False
    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 17


def test_without_a_usable_address_the_order_is_a_guests(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(by_email(email="nobody"))

    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 0


@pytest.mark.parametrize("status", [403, 422])
def test_a_customer_the_store_refuses_does_not_cost_the_order(wire: Wire, store: BigCommerce, status: int) -> None:
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": MADE,
            "GET /v3/customers": answer(200, page()),
            "POST /v3/customers": answer(status, {"status": status, "title": "No.", "errors": {}}),
        },
    )

    store.create_order(by_email())

    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 0


def test_a_customer_whose_making_is_unclear_is_no_unknown_order(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            **FACTS,
            "POST /v2/orders": MADE,
            "GET /v3/customers": answer(200, page()),
            "POST /v3/customers": answer(500, {}),
        },
    )

    with pytest.raises(TransientError):
        store.create_order(by_email())

    assert "POST /v2/orders" not in calls(wire)


def test_the_one_customer_of_the_merchants_choice_owns_the_order(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(draft(customer=CustomerMode.FIXED, customer_id="42"))

    assert sent(wire, "POST /v2/orders")[0]["customer_id"] == 42


def test_when_only_the_customer_is_refused_the_order_becomes_a_guests(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": [refusal(400, "The field 'customer_id' is invalid."), MADE]})

    store.create_order(draft(customer=CustomerMode.FIXED, customer_id="42"))

    assert [one["customer_id"] for one in sent(wire, "POST /v2/orders")] == [42, 0]


def test_a_guest_who_is_refused_is_not_tried_for_ever(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": refusal(400, "The field 'customer_id' is invalid.")})

    with pytest.raises(Rejected):
        store.create_order(draft())

    assert calls(wire).count("POST /v2/orders") == 1


# ── money and addresses ──────────────────────────────────────────────────────────────────────────────────────────────


EURO = {
    "id": 2,
    "currency_code": "EUR",
    "is_default": False,
    "is_transactional": True,
    "enabled": True,
    "country_iso2": "EU",
    "name": "Euro",
}


def test_an_order_in_a_currency_the_store_takes_names_it(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE, "GET /v2/currencies": answer(200, [EURO])})

    store.create_order(draft(currency="EUR"))

    assert sent(wire, "POST /v2/orders")[0]["default_currency_code"] == "EUR"


@pytest.mark.parametrize("changes", [{"is_transactional": False}, {"enabled": False}, {"currency_code": "GBP"}])
def test_an_order_in_a_currency_for_show_is_not_sent(wire: Wire, store: BigCommerce, changes: dict[str, Any]) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE, "GET /v2/currencies": answer(200, [{**EURO, **changes}])})

    with pytest.raises(Rejected) as caught:
        store.create_order(draft(currency="EUR"))

    assert caught.value.code == "CURRENCY"
    assert "POST /v2/orders" not in calls(wire)


def test_what_of_an_order_was_not_sent_is_said_with_it(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    made = store.create_order(draft(email="ü@example.de", customer=CustomerMode.BY_EMAIL))

    body = sent(wire, "POST /v2/orders")[0]
    assert made.left_out == ("customer", "email")
    assert "email" not in body["billing_address"]
    assert "E-mail: ü@example.de" in body["staff_notes"].splitlines()


def test_a_refused_address_is_told_as_one(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": refusal(400, "The field 'billing_address' is invalid.")})

    with pytest.raises(AddressRejected) as caught:
        store.create_order(draft())

    assert caught.value.fields == ("billing_address",)


def test_an_address_in_no_country_is_told_with_the_part_that_is_wrong(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": refusal(400, "The field 'billing_address' is invalid.")})
    nowhere = Address(name="Ada Example", line1="1 Made-up Street", city="Bend", postal_code="97702", country="XX")

    with pytest.raises(AddressRejected) as caught:
        store.create_order(draft(shipping_address=nowhere, billing_address=nowhere))

    assert caught.value.fields == ("billing_address", "country_iso2")
    assert caught.value.texts[0] == "The field 'billing_address' is invalid."
    assert "country" in caught.value.texts[1]


def test_a_throttled_create_made_nothing(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": answer(429, {}, headers={"X-Rate-Limit-Time-Reset-Ms": "900"})})

    with pytest.raises(RateLimited) as caught:
        store.create_order(draft())

    assert caught.value.retry_after == 0.9


def test_an_unmatched_line_reaches_the_store_as_a_custom_product(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {**FACTS, "POST /v2/orders": MADE})

    store.create_order(draft(lines=(line(), line(variant_id=None, taxes=())), total=Decimal("55.37")))

    linked, custom = sent(wire, "POST /v2/orders")[0]["products"]
    assert linked["variant_id"] == 127
    assert set(custom) == {"name", "quantity", "price_ex_tax", "price_inc_tax"}


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_orders_with_exactly_our_key_are_ours(wire: Wire, store: BigCommerce) -> None:
    others = [
        order(id=119, staff_notes=f"key={KEY}1"),
        order(id=120, staff_notes=""),
        order(id=121, external_order_id=f"{REFERENCE}-2"),
        order(id=122, is_deleted=True),
    ]
    serve(wire, {"GET /v2/orders": answer(200, [order(), *others])})

    found = store.find_by_key(KEY, REFERENCE)

    assert [one.id for one in found] == ["118", "122"]
    assert wire.asked[0].query["external_order_id"] == REFERENCE


def test_a_search_shows_every_order_of_a_reference_whoever_made_it(wire: Wire, store: BigCommerce) -> None:
    theirs = order(id=119, staff_notes="", external_source="99")
    serve(wire, {"GET /v2/orders": [answer(200, [order(), theirs]), answer(204)]})

    found = store.search_orders([REFERENCE, "other"])

    assert [one.id for one in found[REFERENCE]] == ["118", "119"]
    assert [one.key for one in found[REFERENCE]] == [KEY, ""]
    assert found["other"] == ()


def test_a_search_goes_on_behind_a_full_page(wire: Wire, store: BigCommerce) -> None:
    full = [order(id=number) for number in range(1, 251)]
    serve(wire, {"GET /v2/orders": [answer(200, full), answer(200, [order(id=251)])]})

    found = store.search_orders([REFERENCE])

    assert len(found[REFERENCE]) == 251
    assert [asked.query["page"] for asked in wire.asked] == ["1", "2"]


def test_an_archived_order_is_gone(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(200, order(is_deleted=True))})

    assert store.get_order("118") is None


def test_an_order_that_does_not_exist_is_none(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {})

    assert store.get_order("118") is None


# ── canceling ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_canceling_sets_the_status_and_keeps_our_key(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            "GET /v2/orders/{id}": answer(200, order()),
            "PUT /v2/orders/{id}": answer(200, order(status_id=5)),
        },
    )

    store.cancel_order("118", restock=True, note="Canceled at eBay")

    (changes,) = sent(wire, "PUT /v2/orders/118")
    assert changes["status_id"] == 5
    assert changes["staff_notes"].splitlines() == ["Canceled at eBay", f"eBay order {REFERENCE}", f"key={KEY}"]
    assert set(changes) == {"status_id", "staff_notes"}


def test_canceling_a_canceled_order_changes_nothing(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/orders/{id}": answer(200, order(status_id=5))})

    store.cancel_order("118", restock=True, note="again")

    assert calls(wire) == ["GET /v2/orders/118"]


def test_canceling_an_order_that_is_gone_says_so(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {})

    with pytest.raises(NotFound):
        store.cancel_order("118", restock=True, note="")


def test_canceling_that_gets_no_answer_may_be_said_again(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            "GET /v2/orders/{id}": [answer(200, order()), answer(200, order(status_id=5))],
            "PUT /v2/orders/{id}": answer(500, {}),
        },
    )

    with pytest.raises(Exception, match="500"):
        store.cancel_order("118", restock=True, note="")
    store.cancel_order("118", restock=True, note="")

    assert calls(wire).count("PUT /v2/orders/118") == 1
