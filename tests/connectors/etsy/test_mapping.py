"""How a receipt of Etsy's becomes our order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.types import Address, FulfilledBy, OrderStatus, Withheld
from connectors.etsy import mapping
from tests.connectors.etsy.judge import check_answer
from tests.connectors.etsy.receipts import CREATED, READ_AT, SHOP, UPDATED, WITHHELD, bought, money, read, receipt, shop

PAYLOADS = sorted((Path(__file__).parent / "payloads").glob("*.json"))


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text())
    return loaded


@pytest.mark.contract
@pytest.mark.parametrize("file", PAYLOADS, ids=lambda file: file.stem)
def test_the_receipts_of_these_tests_are_ones_etsy_could_send(specs: Path, file: Path) -> None:
    check_answer(specs, "GET", f"/v3/application/shops/{SHOP}/receipts/1", json.loads(file.read_text()))


@pytest.mark.contract
def test_the_receipts_made_for_these_tests_are_ones_etsy_could_send(specs: Path) -> None:
    check_answer(specs, "GET", f"/v3/application/shops/{SHOP}/receipts/1", receipt())


# ── the order ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_paid_receipt_is_an_order_to_ship() -> None:
    order = read(receipt())

    assert (order.order_id, order.problem) == ("3000000001", "")
    assert (order.status, order.raw_status, order.fulfilled_by) == (OrderStatus.PAID, "paid", FulfilledBy.MERCHANT)
    assert (order.purchased_at, order.updated_at) == (
        datetime.fromtimestamp(CREATED, UTC),
        datetime.fromtimestamp(UPDATED, UTC),
    )
    assert (order.site, order.currency) == ("ETSY", "USD")
    assert order.personal.shipping == Address(
        name="Greta Example",
        line1="12 Mill Lane",
        line2="Unit 3",
        city="Portland",
        region="OR",
        postal_code="97209",
        country="US",
    )


@pytest.mark.parametrize(
    ("status", "paid", "shipped", "ours"),
    [
        ("paid", True, False, OrderStatus.PAID),
        ("Paid", True, False, OrderStatus.PAID),
        ("paid", False, False, OrderStatus.INCOMPLETE),
        ("paid", True, True, OrderStatus.SHIPPED),
        ("open", False, False, OrderStatus.INCOMPLETE),
        ("payment processing", False, False, OrderStatus.INCOMPLETE),
        ("completed", True, True, OrderStatus.SHIPPED),
        ("completed", False, True, OrderStatus.INCOMPLETE),
        ("canceled", False, False, OrderStatus.CANCELED),
        ("canceled", True, False, OrderStatus.CANCELED),
        ("Cancelled", True, False, OrderStatus.CANCELED),
        ("fully_refunded", True, False, OrderStatus.REFUNDED),
        ("fully refunded", True, True, OrderStatus.REFUNDED),
        ("partially refunded", True, False, OrderStatus.PAID),
        ("partially refunded", True, True, OrderStatus.SHIPPED),
    ],
)
def test_every_status_is_ours(status: str, paid: bool, shipped: bool, ours: OrderStatus) -> None:
    assert read(receipt(status=status, is_paid=paid, is_shipped=shipped)).status is ours


@pytest.mark.parametrize(
    ("paid", "shipped", "ours"),
    [(True, False, OrderStatus.PAID), (True, True, OrderStatus.SHIPPED), (False, False, OrderStatus.INCOMPLETE)],
)
def test_a_status_nobody_told_us_of_is_kept_and_no_problem(paid: bool, shipped: bool, ours: OrderStatus) -> None:
    order = read(receipt(status="in review", is_paid=paid, is_shipped=shipped))

    assert (order.status, order.raw_status, order.problem) == (ours, "in review", "")


def test_an_unpaid_receipt_has_no_total_and_no_problem_with_it() -> None:
    order = read(receipt(status="open", is_paid=False, grandtotal=None))

    assert (order.total, order.problem) == (None, "")


def test_a_canceled_receipt_is_canceled_whatever_its_amounts_say() -> None:
    order = read(receipt(status="canceled", grandtotal=money(0)))

    assert (order.status, order.problem) == (OrderStatus.CANCELED, "")


def test_what_is_to_be_shipped_first_decides_the_deadline() -> None:
    late, early = CREATED + 9 * 86400, CREATED + 2 * 86400

    order = read(receipt(bought(expected_ship_date=late), bought(number=2, expected_ship_date=early)))

    assert order.ship_by == datetime.fromtimestamp(early, UTC)


def test_no_deadline_told_is_none() -> None:
    assert read(receipt(bought(expected_ship_date=None))).ship_by is None


def test_the_upgrade_the_buyer_chose_goes_before_the_method() -> None:
    order = read(receipt(bought(shipping_upgrade="Express"), bought(number=2), bought(number=3)))

    assert order.service_level == "Express, Standard"


def test_an_order_of_the_sellers_own_site_says_so() -> None:
    assert read(receipt(receipt_type=1)).programs == (mapping.PATTERN,)
    assert read(receipt(receipt_type=5)).programs == ()


def test_older_names_of_the_times_are_read_too() -> None:
    raw = {key: value for key, value in receipt().items() if key not in ("created_timestamp", "updated_timestamp")}

    assert read(raw).updated_at == datetime.fromtimestamp(UPDATED, UTC)


def test_parcels_are_those_etsy_knows() -> None:
    parcels = [
        {
            "receipt_shipping_id": 9001,
            "shipment_notification_timestamp": UPDATED,
            "carrier_name": "usps",
            "tracking_code": "9400100000000000000001",
        },
        {
            "receipt_shipping_id": None,
            "shipment_notification_timestamp": UPDATED,
            "carrier_name": "dhl",
            "tracking_code": "JJ1",
        },
    ]

    first, second = read(receipt(shipments=parcels, status="completed", is_shipped=True)).parcels

    assert (first.reference, first.carrier, first.tracking_number) == ("9001", "usps", "9400100000000000000001")
    assert first.shipped_at == datetime.fromtimestamp(UPDATED, UTC)
    assert second.reference == "JJ1"


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_is_a_transaction() -> None:
    (line,) = read(receipt(bought(quantity=2))).lines

    assert (line.line_id, line.seller_sku, line.title) == ("4000000001", "CANDLE-1", "Beeswax Candle")
    assert (line.quantity, line.item_id, line.digital, line.quantity_shipped) == (2, "1101:2201", False, 0)


def test_a_line_without_sku_keeps_the_listing() -> None:
    (line,) = read(receipt(bought(sku=None, product_id=None))).lines

    assert (line.seller_sku, line.item_id) == ("", "1101")


def test_a_shipped_receipt_is_shipped_as_a_whole() -> None:
    order = read(receipt(bought(quantity=3), status="completed", is_shipped=True))

    assert order.lines[0].quantity_shipped == 3


def test_a_digital_line_ships_nothing() -> None:
    assert read(receipt(bought(is_digital=True))).lines[0].digital is True


SIZE = {"property_id": 100, "value_id": 1, "formatted_name": "Size", "formatted_value": "Large"}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"property_id": 54, "value_id": None, "question_id": None}, id="as before 2026"),
        pytest.param({"property_id": 0, "value_id": None, "question_id": 731}, id="a question"),
    ],
)
def test_what_the_buyer_wrote_is_never_a_variation(asked: dict[str, Any]) -> None:
    wrote = {**asked, "formatted_name": "Engraving", "formatted_value": "For Ada &amp; Bo"}

    order = read(receipt(bought(variations=[SIZE, wrote])))

    assert order.lines[0].variation == (("Size", "Large"),)
    assert order.personal.line_notes == {"4000000001": (("Engraving", "For Ada & Bo"),)}


def test_a_question_not_answered_is_no_note() -> None:
    empty = {"property_id": 0, "question_id": 7, "formatted_name": "Initials", "formatted_value": ""}

    assert read(receipt(bought(variations=[empty]))).personal.line_notes == {}


def test_html_entities_are_undone() -> None:
    order = read(receipt(bought(title="Mug &quot;Ada&quot;"), first_line="13 O&#39;Connell Street"))

    assert order.lines[0].title == 'Mug "Ada"'
    assert order.personal.shipping is not None
    assert order.personal.shipping.line1 == "13 O'Connell Street"


def test_a_line_of_no_units_is_left_out() -> None:
    assert [line.line_id for line in read(receipt(bought(), bought(0, 2, quantity=0))).lines] == ["4000000001"]


@pytest.mark.parametrize(
    "change", [{"quantity": None}, {"quantity": -1}, {"quantity": "two"}, {"transaction_id": None}]
)
def test_a_line_we_cannot_read_is_a_problem_and_the_others_stay(change: dict[str, Any]) -> None:
    raw = receipt(bought(), bought(number=2))
    raw["transactions"][1].update(change)

    order = read(raw)

    assert len(order.lines) == 1
    assert order.problem.startswith("Line ")


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_etsy_does_not_give_is_withheld_for_good() -> None:
    order = read(receipt(**WITHHELD))

    assert order.withheld == (Withheld.ADDRESS, Withheld.EMAIL)
    assert order.personal.shipping == Address(name="Greta Example", country="US")
    assert order.problem == ""


def test_nothing_at_all_of_the_buyer_is_no_address() -> None:
    order = read(receipt(**WITHHELD, name=None, country_iso=None))

    assert order.personal.shipping is None
    assert Withheld.ADDRESS in order.withheld


def test_an_unpaid_receipt_may_still_get_its_address() -> None:
    assert Withheld.ADDRESS not in read(receipt(**WITHHELD, status="open", is_paid=False)).withheld


def test_an_address_with_a_part_missing_is_not_withheld() -> None:
    assert read(receipt(second_line=None, zip=None)).withheld == (Withheld.EMAIL,)


def test_an_e_mail_address_etsy_gives_is_taken() -> None:
    order = read(receipt(buyer_email="buyer@example.com"))

    assert (order.personal.buyer_email, order.withheld) == ("buyer@example.com", ())


def test_what_the_buyer_said_and_the_gift_card_are_kept() -> None:
    raw = receipt(
        bought(is_digital=True),
        bought(number=2),
        message_from_buyer="Ring twice",
        is_gift=True,
        gift_message="Happy birthday",
        gift_sender="Bo",
    )

    personal = read(raw).personal

    assert personal.buyer_notes == "Ring twice"
    assert personal.gift_messages == {"4000000002": "Happy birthday (Bo)"}


def test_every_personal_field_of_the_payload_is_named_for_masking() -> None:
    raw = receipt(
        name="Personal", first_line="Personal", second_line="Personal", city="Personal", state="Personal", zip="Personal",
        formatted_address="Personal", buyer_email="Personal", payment_email="Personal", message_from_buyer="Personal",
        gift_message="Personal", gift_sender="Personal",
    )  # fmt: skip
    raw["transactions"][0]["variations"] = [
        {"property_id": 54, "formatted_name": "Text", "formatted_value": "Personal"}
    ]

    def left(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: left(inner) for key, inner in value.items() if key not in mapping.PERSONAL_FIELDS}
        return [left(inner) for inner in value] if isinstance(value, list) else value

    assert "Personal" not in json.dumps(left(raw))


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────────────────────────


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*receipt(), "odd"]), JSON, max_size=6), JSON)
def test_a_receipt_of_any_form_is_an_order_with_a_problem_and_never_a_crash(
    changes: dict[str, Any], other: Any
) -> None:
    read(receipt() | changes)
    read(receipt() | {"transactions": [bought() | {key: other} for key in bought()]})

    assert read(other).problem or isinstance(other, dict)


def test_a_receipt_without_id_is_seen_once() -> None:
    raw = receipt(receipt_id=None)

    first, second = read(raw), read(raw)

    assert first.order_id == second.order_id
    assert first.order_id.startswith("unreadable-")
    assert "without an id" in first.problem


def test_times_that_cannot_be_read_are_the_time_of_reading() -> None:
    names = ("created_timestamp", "create_timestamp", "updated_timestamp", "update_timestamp")

    order = read(receipt(**dict.fromkeys(names, 10**17)))

    assert (order.purchased_at, order.updated_at) == (READ_AT, READ_AT)
    assert "no readable time" in order.problem


def test_a_page_is_sorted_oldest_change_first() -> None:
    newer = receipt(receipt_id=2, updated_timestamp=UPDATED + 60)

    orders = mapping.read_orders([newer, receipt(receipt_id=1)], read_at=READ_AT)

    assert [order.order_id for order in orders] == ["1", "2"]
    assert orders[1].updated_at - orders[0].updated_at == timedelta(seconds=60)


@pytest.mark.parametrize("file", PAYLOADS, ids=lambda file: file.stem)
def test_every_payload_reads_without_a_problem(file: Path) -> None:
    order = read(json.loads(file.read_text()))

    assert order.problem == ""
    assert order.lines


def test_a_whole_receipt_of_everything_reads_as_it_should() -> None:
    order = read(payload("receipt_personalized_gift_with_coupon"))

    assert [(line.seller_sku, line.variation) for line in order.lines] == [
        ("LL-LAMP-OAK", (("Wood", "Oak"),)),
        ("", ()),
    ]
    assert str(order.total) == "97.31"
    assert order.personal.line_notes == {"4512345601": (("Text to engrave, up to 24 characters", "Ada & Bo, 2026"),)}
    assert order.lines[1].digital


def test_a_shop_is_its_own_site_in_its_own_currency() -> None:
    site = mapping.read_site(shop())

    assert (site.code, site.name, site.marketplace_id, site.currency, site.country) == (
        "ETSY",
        "LumenAndLoom",
        str(SHOP),
        "EUR",
        "DE",
    )
