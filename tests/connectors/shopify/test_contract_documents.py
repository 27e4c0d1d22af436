"""Everything we send, held to Shopify's official schema: every document, and the variables of every kind of order."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract.types import Address, DraftLine, DraftShipping, DraftTax, InventoryRule, StoreOrderDraft
from connectors.shopify import documents, mapping, setup, webhooks
from connectors.shopify.provinces import COUNTRIES_OF_STATES
from tests.connectors.shopify import judge
from tests.connectors.shopify.cast import VARIANT, address, config, draft

pytestmark = pytest.mark.contract

CALLS: list[tuple[documents.Document, dict[str, Any]]] = [
    (documents.ORDER_BY_KEY, {"key": "amazon:A1:1:1"}),
    (documents.ORDER_SEARCH, {"query": "name:'1'", "first": 50, "after": None}),
    (documents.ORDER_GET, {"id": "gid://shopify/Order/1"}),
    (documents.ORDER_CANCEL, {"id": "gid://shopify/Order/1", "restock": True, "note": "why"}),
    (documents.PART_MOVE, {"id": "gid://shopify/FulfillmentOrder/1", "location": "gid://shopify/Location/1"}),
    (
        documents.STOCK_READ,
        {"items": ["gid://shopify/InventoryItem/1"], "levels": 2, "orders": [], "parts": 1, "lines": 1},
    ),
    (
        documents.PRODUCT_LIST,
        {"first": 5, "after": None, "query": None, "sort": "ID", "variants": 5, "levels": 2},
    ),
    (documents.PRODUCT_VARIANTS, {"id": "gid://shopify/Product/1", "first": 5, "after": "x", "levels": 2}),
    (documents.PRODUCT_GET, {"ids": ["gid://shopify/Product/1"], "variants": 5, "levels": 2}),
    (documents.VARIANT_SEARCH, {"first": 5, "query": "sku:'1'", "levels": 2}),
    (documents.LOCATION_LIST, {"after": None}),
    (documents.SHOP_INFO, {}),
    (documents.KEY_DEFINITION, {}),
    (documents.KEY_DEFINE, {"definition": setup.key_definition(config())}),
    (documents.HOOK_LIST, {"after": None}),
    (documents.HOOK_DELETE, {"id": "gid://shopify/WebhookSubscription/1"}),
]


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda document: document.text.split("(")[0].split()[1])
def test_every_document_is_valid(specs: Path, document: documents.Document) -> None:
    assert validate(judge.schema(specs), parse(document.text)) == []


def test_the_bulk_query_is_valid(specs: Path) -> None:
    assert validate(judge.schema(specs), parse(documents.BULK_CATALOG)) == []


@pytest.mark.parametrize(
    ("document", "variables"), CALLS, ids=[call[0].text.split("(")[0].split()[1] for call in CALLS]
)
def test_the_variables_of_every_call_fit(specs: Path, document: documents.Document, variables: dict[str, Any]) -> None:
    judge.check(specs, document.text, variables)


@pytest.mark.parametrize("topic", webhooks.SUBSCRIPTIONS, ids=lambda topic: topic.header)
def test_every_webhook_we_ask_for_exists(specs: Path, topic: webhooks.Topic) -> None:
    subscription = setup.wanted(topic, "https://app.example.com/hooks")

    judge.check(specs, documents.HOOK_CREATE.text, {"topic": topic.enum, "subscription": subscription})
    judge.check(
        specs, documents.HOOK_UPDATE.text, {"id": "gid://shopify/WebhookSubscription/1", "subscription": subscription}
    )


def test_no_document_asks_for_deprecated_things(specs: Path) -> None:
    from graphql import NoDeprecatedCustomRule

    found = {
        document.name: [
            problem.message for problem in validate(judge.schema(specs), parse(document.text), [NoDeprecatedCustomRule])
        ]
        for document in documents.DOCUMENTS
    }

    assert {name: messages for name, messages in found.items() if messages} == {}


def test_the_judge_refuses_what_shopify_would(specs: Path) -> None:
    order = mapping.order_input(draft())
    good = {"order": order, "options": mapping.order_options(draft())}
    judge.check(specs, documents.ORDER_CREATE.text, good)

    for bad in (
        {**order, "currency": "XXQ"},
        {**order, "unknownField": 1},
        {**order, "lineItems": [{"title": "no quantity"}]},
        {**order, "customer": {"toUpsert": {}, "toAssociate": {"id": "gid://shopify/Customer/1"}}},
        {**order, "processedAt": "yesterday"},
    ):
        with pytest.raises(AssertionError):
            judge.check(specs, documents.ORDER_CREATE.text, {**good, "order": bad})


# ── whatever the draft, the input is one Shopify takes ───────────────────────────────────────────────────────────────

CURRENCIES = {"USD": 2, "GBP": 2, "EUR": 2, "CAD": 2, "JPY": 0, "KWD": 3}
COUNTRIES = ("US", "CA", "GB", "UK", "DE", "JP", "MX", "BR", "IN", "AU", "IE", "AE", *COUNTRIES_OF_STATES)
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)


def money(currency: str, most: int = 500_00) -> st.SearchStrategy[Decimal]:
    places = CURRENCIES[currency]
    return st.integers(0, most).map(lambda units: Decimal(units).scaleb(-places))


@st.composite
def drafts(make: st.DrawFn) -> StoreOrderDraft:
    currency = make(st.sampled_from(sorted(CURRENCIES)))
    taxes = st.lists(
        st.builds(
            DraftTax,
            title=TEXT,
            amount=money(currency, 2000),
            rate=st.decimals(0, 1, places=6),
            collected_by_marketplace=st.booleans(),
        ),
        max_size=2,
    ).map(tuple)
    line = st.builds(
        DraftLine,
        title=TEXT,
        quantity=st.integers(1, 9),
        unit_price=money(currency),
        variant_id=st.sampled_from([VARIANT, None]),
        sku=TEXT,
        requires_shipping=st.booleans(),
        taxes=taxes,
        properties=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    )
    where = st.builds(
        Address,
        name=TEXT,
        line1=TEXT,
        line2=TEXT,
        city=TEXT,
        region=TEXT,
        postal_code=TEXT,
        country=st.sampled_from(COUNTRIES),
        phone=TEXT,
    )
    made = draft(
        currency=currency,
        lines=tuple(make(st.lists(line, min_size=1, max_size=4))),
        shipping=tuple(
            make(
                st.lists(
                    st.builds(DraftShipping, title=TEXT, price=money(currency), code=TEXT, taxes=taxes), max_size=2
                )
            )
        ),
        taxes_included=make(st.booleans()),
        email=make(st.one_of(TEXT, st.emails())),
        shipping_address=make(st.none() | where),
        billing_address=make(st.none() | where),
        customer_name=make(TEXT),
        phone=make(TEXT),
        note=make(TEXT),
        tags=tuple(make(st.lists(TEXT, max_size=4))),
        attributes=tuple(make(st.lists(st.tuples(TEXT, TEXT), max_size=3))),
        inventory=make(st.sampled_from(InventoryRule)),
        source_url=make(st.sampled_from(["", "https://example.com/orders/1", "javascript:1"])),
        fulfilled=make(st.booleans()),
        location_id="gid://shopify/Location/1",
    )
    from dataclasses import replace

    gross = mapping.draft_total(replace(made, discount=Decimal(0)))
    discount = make(st.sampled_from([Decimal(0), min(gross, Decimal(1))]))
    return replace(made, discount=discount, total=gross - discount)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=drafts())
def test_every_draft_becomes_an_order_shopify_takes_and_that_adds_up(specs: Path, wanted: StoreOrderDraft) -> None:
    order = mapping.order_input(wanted)

    judge.check(specs, documents.ORDER_CREATE.text, {"order": order, "options": mapping.order_options(wanted)})
    assert _sum(order) == wanted.total
    assert sum((_amount(paid["amountSet"]) for paid in order["transactions"]), Decimal(0)) == wanted.total
    assert all(len(tag) < 40 and "," not in tag for tag in order["tags"])
    assert {entry["currencyCode"] for entry in _monies(order)} <= {wanted.currency}


def _amount(money_set: dict[str, Any]) -> Decimal:
    return Decimal(money_set["shopMoney"]["amount"])


def _sum(order: dict[str, Any]) -> Decimal:
    """Add an order up as Shopify does, from the input alone."""
    total = Decimal(0)
    for line in order["lineItems"]:
        total += _amount(line["priceSet"]) * line["quantity"]
    for line in order["shippingLines"]:
        total += _amount(line["priceSet"])
    if not order["taxesIncluded"]:
        for line in (*order["lineItems"], *order["shippingLines"]):
            total += sum((_amount(tax["priceSet"]) for tax in line["taxLines"]), Decimal(0))
    if discount := order.get("discountCode"):
        total -= _amount(discount["itemFixedDiscountCode"]["amountSet"])
    return total


def _monies(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value["shopMoney"]] if "shopMoney" in value else []
        return own + [found for part in value.values() for found in _monies(part)]
    if isinstance(value, list):
        return [found for part in value for found in _monies(part)]
    return []


def test_the_countries_we_turn_into_states_are_those_shopify_does_not_have(specs: Path) -> None:
    known = judge.schema(specs).type_map["CountryCode"].values  # type: ignore[attr-defined]

    assert [country for country in COUNTRIES_OF_STATES if country in known] == []
    assert mapping.address_input(address(country="VI"), draft())["provinceCode"] == "VI"


def test_webhook_fields_we_ask_for_are_in_shopifys_own_examples(specs: Path) -> None:
    import json

    missing: dict[str, set[str]] = {}
    for topic in webhooks.SUBSCRIPTIONS:
        path = specs / "shopify" / "webhooks" / "examples" / f"{topic.header.replace('/', '_')}.json"
        example = json.loads(path.read_text())["response"]
        lacking = set(topic.include) - set(example)
        if lacking:
            missing[topic.header] = lacking
        assert [gid for gid in topic.objects(example) if gid] or not re.match(
            "inventory|product|order|ful|refund|loc", topic.header
        )

    assert missing == {}
