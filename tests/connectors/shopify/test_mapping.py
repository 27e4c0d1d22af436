"""What we make of a draft, and what we read from Shopify's answers."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract.errors import Rejected, UnexpectedReply
from connectors.contract.types import CustomerMode, DraftLine, InventoryRule
from connectors.shopify import bulk, mapping
from tests.connectors.shopify.cast import VARIANT, address, draft


def test_an_order_carries_the_reference_the_key_and_one_payment_of_its_total() -> None:
    made = mapping.order_input(draft())

    assert made["sourceIdentifier"] == "111-1234567-1234567"
    assert made["metafields"] == [
        {
            "namespace": "salestio",
            "key": "order_key",
            "type": "id",
            "value": "amazon:A1NORTHPINEUS:111-1234567-1234567:1",
        }
    ]
    assert made["financialStatus"] == "PAID"
    assert [(paid["kind"], paid["status"], paid["gateway"]) for paid in made["transactions"]] == [
        ("SALE", "SUCCESS", "Amazon")
    ]
    assert made["transactions"][0]["amountSet"] == {"shopMoney": {"amount": "31.37", "currencyCode": "USD"}}
    assert made["processedAt"] == "2026-11-20T10:30:00Z"


@pytest.mark.parametrize(
    ("rule", "behavior"),
    [
        (InventoryRule.OBEY, "DECREMENT_OBEYING_POLICY"),
        (InventoryRule.IGNORE, "DECREMENT_IGNORING_POLICY"),
        (InventoryRule.NONE, "BYPASS"),
    ],
)
def test_what_to_do_with_stock_is_always_said(rule: InventoryRule, behavior: str) -> None:
    options = mapping.order_options(draft(inventory=rule))

    assert options == {"inventoryBehaviour": behavior, "sendReceipt": False, "sendFulfillmentReceipt": False}


def test_taxes_stand_on_lines_only_and_say_who_remits_them() -> None:
    made = mapping.order_input(draft())

    assert "taxLines" not in made
    [tax] = made["lineItems"][0]["taxLines"]
    assert tax["channelLiable"] is True
    assert tax["rate"] == "0.0992"
    assert tax["priceSet"]["shopMoney"]["amount"] == "2.38"


def test_a_line_of_a_variant_keeps_the_stores_own_title_and_needs_shipping() -> None:
    [line] = mapping.order_input(draft())["lineItems"]

    assert line["variantId"] == VARIANT
    assert line["requiresShipping"] is True
    assert "title" not in line


def test_a_custom_line_has_the_marketplaces_title_and_no_variant() -> None:
    lines = (*draft().lines, DraftLine(title="Gift wrap", quantity=1, unit_price=Decimal("1"), requires_shipping=False))

    made = mapping.order_input(draft(lines=lines, total=Decimal("32.37")))["lineItems"][1]

    assert made["title"] == "Gift wrap"
    assert made["requiresShipping"] is False
    assert "variantId" not in made


def test_an_order_that_cost_nothing_is_paid_without_a_payment() -> None:
    line = DraftLine(title="Enamel mug", quantity=1, unit_price=Decimal(0), variant_id=VARIANT)

    made = mapping.order_input(draft(lines=(line,), shipping=(), total=Decimal(0)))

    assert made["transactions"] == []
    assert made["financialStatus"] == "PAID"


def test_an_order_that_does_not_add_up_is_not_sent() -> None:
    with pytest.raises(Rejected) as caught:
        mapping.order_input(draft(total=Decimal("31.38")))

    assert caught.value.code == "TOTAL_MISMATCH"


def test_taxes_that_are_in_the_prices_are_not_added_again() -> None:
    made = mapping.order_input(draft(taxes_included=True, total=Decimal("28.99")))

    assert made["taxesIncluded"] is True


def test_the_one_discount_keeps_the_prices_as_they_were_sold() -> None:
    made = mapping.order_input(draft(discount=Decimal("1.37"), discount_title="Spring", total=Decimal("30.00")))

    assert made["discountCode"] == {
        "itemFixedDiscountCode": {
            "code": "Spring",
            "amountSet": {"shopMoney": {"amount": "1.37", "currencyCode": "USD"}},
        }
    }


def test_a_shipped_order_is_created_as_fulfilled_and_nobody_is_told() -> None:
    made = mapping.order_input(draft(fulfilled=True, location_id="gid://shopify/Location/1"))

    assert made["fulfillment"] == {"locationId": "gid://shopify/Location/1", "notifyCustomer": False}
    assert made["fulfillmentStatus"] == "FULFILLED"


def test_a_shipped_order_without_a_location_is_not_sent() -> None:
    with pytest.raises(Rejected) as caught:
        mapping.order_input(draft(fulfilled=True))

    assert caught.value.code == "LOCATION_MISSING"


def test_an_order_belongs_to_nobody_unless_the_merchant_wants_a_customer() -> None:
    made = mapping.order_input(draft())

    assert made["email"] == "ada@example.com"
    assert "customer" not in made


@pytest.mark.parametrize("customer_id", ["7012345", "gid://shopify/Customer/7012345"])
def test_all_orders_may_belong_to_one_customer_of_the_merchants_choice(customer_id: str) -> None:
    made = mapping.order_input(draft(customer=CustomerMode.FIXED, customer_id=customer_id))

    assert made["customer"] == {"toAssociate": {"id": "gid://shopify/Customer/7012345"}}


def test_what_the_buyer_had_written_on_a_line_stands_on_the_line_and_in_the_note() -> None:
    line = DraftLine("Ring", 1, Decimal("31.37"), properties=(("Engraving", "For Ada"),), requires_shipping=False)

    made = mapping.order_input(draft(lines=(line,), shipping=(), note="Etsy order 3001"))

    assert made["lineItems"][0]["properties"] == [{"name": "Engraving", "value": "For Ada"}]
    assert made["lineItems"][0]["requiresShipping"] is False
    assert made["note"] == "Etsy order 3001\nRing: Engraving = For Ada"


def test_the_customer_is_made_by_e_mail_and_never_by_phone() -> None:
    made = mapping.order_input(draft(phone="503 555 0100", customer=CustomerMode.BY_EMAIL))

    assert made["customer"] == {"toUpsert": {"email": "ada@example.com", "firstName": "Ada", "lastName": "Example"}}
    assert "phone" not in made


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a b@example.com", "a..b@example.com", "ada@example.com\nx", ".a@example.com"]
)
def test_an_e_mail_shopify_would_refuse_is_left_out_with_the_customer(email: str) -> None:
    made = mapping.order_input(draft(email=email, customer=CustomerMode.BY_EMAIL))

    assert "email" not in made
    assert "customer" not in made


def test_a_marketplaces_relay_address_is_a_good_e_mail() -> None:
    assert mapping.valid_email(" x9q2w+a.b@marketplace.amazon.co.uk ") == "x9q2w+a.b@marketplace.amazon.co.uk"


WRITTEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a phone with an extension": (
        {"phone": "+1 503-555-0100 ext. 77"},
        {"provinceCode": "OR", "phone": "+15035550100", "address2": "Phone ext. 77"},
    ),
    "two phones in one": (
        {"phone": "503-555-0100 / 503-555-0199"},
        {"provinceCode": "OR", "phone": None, "address2": "Phone 503-555-0100 / 503-555-0199"},
    ),
    "a phone nobody can call": ({"phone": "n/a"}, {"phone": None}),
    "the name of a state": ({"region": "Oregon"}, {"provinceCode": "OR", "address2": None}),
    "an unknown region": (
        {"region": "Cascadia", "line2": "Unit 4"},
        {"provinceCode": None, "address2": "Unit 4, Cascadia"},
    ),
    "three lines and a district": (
        {"line2": "Unit 4", "line3": "Rear", "district": "Pearl"},
        {"address2": "Unit 4, Rear, Pearl"},
    ),
    "a territory": ({"country": "PR", "region": ""}, {"countryCode": "US", "provinceCode": "PR"}),
    "a county": ({"country": "uk", "region": "Kent"}, {"countryCode": "GB", "address2": "Kent"}),
    "only a second line": ({"line1": "", "line2": "PO Box 7"}, {"address1": "PO Box 7", "address2": None}),
    "one name": ({"name": "Cher"}, {"firstName": None, "lastName": "Cher"}),
    "three names": ({"name": "Ada Maria Example"}, {"firstName": "Ada Maria", "lastName": "Example"}),
}


@pytest.mark.parametrize(("changes", "wanted"), WRITTEN.values(), ids=WRITTEN)
def test_nothing_the_buyer_wrote_is_lost(changes: dict[str, Any], wanted: dict[str, str]) -> None:
    made = mapping.address_input(address(**{"phone": "", **changes}), draft())

    assert {name: made.get(name) for name in wanted} == wanted
    assert "" not in made.values()


def test_tags_are_short_have_no_commas_and_come_once() -> None:
    assert mapping.tags(["Amazon", "amazon", "a, b", "", "x" * 60]) == ["Amazon", "a b", "x" * 39]


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

ORDER = {
    "id": "gid://shopify/Order/9",
    "name": "#1009",
    "sourceIdentifier": "111-1234567-1234567",
    "tags": ["Amazon"],
    "createdAt": "2026-11-20T10:31:00Z",
    "cancelledAt": None,
    "totalPriceSet": {"shopMoney": {"amount": "31.37", "currencyCode": "USD"}},
    "key": {"value": "the-key"},
}


def test_an_order_is_read_with_its_key_and_its_page() -> None:
    found = mapping.order_found(ORDER, admin_url="https://shop.example/admin")

    assert (found.id, found.name, found.key) == ("gid://shopify/Order/9", "#1009", "the-key")
    assert found.total == Decimal("31.37")
    assert found.url == "https://shop.example/admin/orders/9"
    assert found.canceled is False


@pytest.mark.parametrize(
    ("changes", "carried"),
    [
        ({}, True),
        ({"sourceIdentifier": None}, False),
        ({"sourceIdentifier": None, "name": "#111-1234567-1234567"}, True),
        ({"sourceIdentifier": None, "name": "111-1234567-1234567"}, True),
        ({"sourceIdentifier": None, "tags": ["111-1234567-1234567"]}, True),
        ({"sourceIdentifier": "111-1234567-12345678"}, False),
        ({"sourceIdentifier": None, "name": "#111-1234567-1234567-B"}, False),
    ],
)
def test_an_order_is_about_a_reference_only_when_it_says_exactly_that(changes: dict[str, Any], carried: bool) -> None:
    assert mapping.carries({**ORDER, **changes}, "111-1234567-1234567") is carried


def test_an_answer_without_an_id_is_not_an_order() -> None:
    with pytest.raises(UnexpectedReply):
        mapping.order_found({"name": "#1"}, admin_url="")


def test_units_of_canceled_parts_are_placed_nowhere() -> None:
    def part(status: str, location: str, units: int) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/FulfillmentOrder/{location}",
            "status": status,
            "assignedLocation": {"location": {"id": location}},
            "lineItems": {
                "nodes": [{"totalQuantity": units, "variant": {"id": VARIANT}}, {"totalQuantity": 1, "variant": None}]
            },
        }

    node = {
        **ORDER,
        "fulfillmentOrders": {"nodes": [part("OPEN", "L1", 2), part("CANCELLED", "L2", 2), part("CLOSED", "L3", 1)]},
    }

    assert [(place.location_id, place.quantity) for place in mapping.placements(node)] == [("L1", 2), ("L3", 1)]


def test_a_variant_is_read_with_its_figures_and_without_the_stand_in_option() -> None:
    node = {
        "id": VARIANT,
        "sku": "MUG-1",
        "barcode": None,
        "price": "12.00",
        "inventoryPolicy": "CONTINUE",
        "requiresComponents": False,
        "updatedAt": "2026-11-01T00:00:00Z",
        "selectedOptions": [{"name": "Title", "value": "Default Title"}],
        "inventoryItem": {
            "id": "gid://shopify/InventoryItem/7",
            "tracked": True,
            "requiresShipping": True,
            "inventoryLevels": {
                "nodes": [{"location": {"id": "L1"}, "quantities": [{"name": "available", "quantity": -2}]}]
            },
        },
    }
    product = {"id": "gid://shopify/Product/5", "title": "Mug", "status": "DRAFT", "updatedAt": "2026-11-02T00:00:00Z"}

    variant = mapping.variant(node, product)

    assert variant.options == ()
    assert variant.figures == (("L1", -2),)
    assert variant.oversell_allowed is True
    assert variant.active is False
    assert variant.updated_at is not None
    assert variant.updated_at.day == 2


def test_a_draft_is_not_changed_by_mapping_it() -> None:
    before = draft()
    copy = replace(before)

    mapping.order_input(before)

    assert before == copy


# ── in: the bulk result ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parent", ["gid://shopify/InventoryItem/7", VARIANT], ids=["the item", "the variant"])
@pytest.mark.parametrize("backwards", [False, True], ids=["parents first", "children first"])
def test_a_bulk_result_is_put_together_in_whatever_order_it_comes(parent: str, backwards: bool) -> None:
    lines = [
        {"id": "gid://shopify/Product/5", "title": "Mug", "status": "ACTIVE"},
        {
            "id": VARIANT,
            "sku": "MUG-1",
            "price": "12.00",
            "inventoryItem": {"id": "gid://shopify/InventoryItem/7", "tracked": True},
            "__parentId": "gid://shopify/Product/5",
        },
        {
            "id": "gid://shopify/InventoryLevel/1?inventory_item_id=7",
            "location": {"id": "L1"},
            "quantities": [{"name": "available", "quantity": 4}],
            "__parentId": parent,
        },
    ]
    text = "\n".join(json.dumps(line) for line in (reversed(lines) if backwards else lines))

    [variant] = bulk.variants_of(text)

    assert (variant.sku, variant.product_title, variant.figures) == ("MUG-1", "Mug", (("L1", 4),))


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 5}', '{"id": "x"}', '{"id": "gid://shopify/ProductVariant/1"}'])
def test_a_bulk_result_that_cannot_be_read_is_not_half_a_catalog(line: str) -> None:
    with pytest.raises(UnexpectedReply):
        list(bulk.variants_of(line))
