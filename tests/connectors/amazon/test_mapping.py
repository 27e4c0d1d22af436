"""Amazon's JSON becomes our plain data: every status, every amount, whatever is missing or new."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon import mapping
from connectors.contract.types import FulfilledBy, OrderStatus
from tests.connectors.amazon import swagger
from tests.connectors.amazon.orders import PAYLOADS, READ_AT, item, order, payload, read

# ── a whole order ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_of_two_lines_reads_whole() -> None:
    read_order = read(payload("order_fbm_two_lines"))

    assert read_order.problem == ""
    assert (read_order.order_id, read_order.site, read_order.currency) == ("111-2223334-5556667", "US", "USD")
    assert (read_order.status, read_order.raw_status) == (OrderStatus.PARTIALLY_SHIPPED, "PARTIALLY_SHIPPED")
    assert read_order.fulfilled_by is FulfilledBy.MERCHANT
    assert read_order.purchased_at == datetime(2026, 11, 20, 9, 12, 33, 512000, UTC)
    assert read_order.updated_at == datetime(2026, 11, 20, 9, 40, 1, tzinfo=UTC)
    assert read_order.total == Decimal("72.31")
    assert read_order.service_level == "EXPEDITED"
    assert read_order.ship_by == datetime(2026, 11, 22, 7, 59, 59, tzinfo=UTC)
    assert read_order.deliver_by == datetime(2026, 11, 26, 7, 59, 59, tzinfo=UTC)
    assert read_order.programs == ("PRIME",)


def test_a_line_keeps_every_amount_where_it_belongs() -> None:
    mug, lantern = read(payload("order_fbm_two_lines")).lines

    assert (mug.line_id, mug.seller_sku, mug.item_id) == ("10000000001", "MUG-MOSS", "B0FICTIVE1")
    assert (mug.quantity, mug.quantity_shipped) == (3, 1)
    assert mug.item_total == Decimal("30.00")
    assert (mug.discount, mug.shipping, mug.shipping_discount) == (Decimal("3.00"), Decimal("5.99"), Decimal("2.00"))
    assert (mug.gift_wrap, mug.tax, mug.shipping_tax) == (Decimal("3.50"), Decimal("2.82"), Decimal("0.39"))
    assert mug.total == Decimal("37.31")
    assert mug.tax_collected_by_marketplace
    assert not mug.cancel_requested
    assert not lantern.tax_collected_by_marketplace
    assert lantern.cancel_requested


def test_lines_without_units_are_left_out() -> None:
    lines = read(payload("order_fbm_two_lines")).lines

    assert [line.seller_sku for line in lines] == ["MUG-MOSS", "LANTERN"]


def test_what_identifies_the_buyer_is_kept_apart() -> None:
    personal = read(payload("order_fbm_two_lines")).personal

    assert (personal.buyer_name, personal.buyer_email) == ("Alma Fictive", "abc123@marketplace.example")
    assert personal.purchase_order_number == "PO-77"
    assert personal.delivery_notes == "Front door; Ring twice"
    assert personal.gift_messages == {"10000000001": "Happy trails!"}
    assert personal.customization_urls == {"10000000001": "https://zme-caps.example/t/abc"}
    assert personal.shipping is not None
    assert (personal.shipping.line1, personal.shipping.line2, personal.shipping.line3) == (
        "12 Invented Street",
        "Unit 4",
        "",
    )
    assert (personal.shipping.region, personal.shipping.country) == ("OR", "US")
    assert personal.shipping.complete


def test_parcels_amazon_knows_are_kept() -> None:
    (parcel,) = read(payload("order_fbm_two_lines")).parcels

    assert (parcel.reference, parcel.carrier, parcel.tracking_number) == ("1", "UPS", "1ZFICTIVE")
    assert parcel.shipped_at == datetime(2026, 11, 20, 18, tzinfo=UTC)
    assert parcel.lines == (("10000000001", 1),)


def test_a_brazilian_address_is_put_together_from_its_parts() -> None:
    address = read(payload("order_brazil_extended_address")).personal.shipping

    assert address is not None
    assert (address.line1, address.line2) == ("Rua Inventada, 100", "Sala 3")
    assert (address.city, address.district) == ("São Paulo", "Bela Vista")


def test_an_order_without_personal_data_is_normal() -> None:
    read_order = read(payload("order_pending_without_prices"))

    assert read_order.problem == ""
    assert read_order.personal.shipping is None
    assert read_order.personal.buyer_email == ""


def test_an_address_without_street_is_not_complete() -> None:
    read_order = read(payload("order_fba_japan"))

    assert read_order.personal.shipping is not None
    assert not read_order.personal.shipping.complete
    assert read_order.fulfilled_by is FulfilledBy.MARKETPLACE


def test_a_currency_without_cents_stays_whole() -> None:
    read_order = read(payload("order_fba_japan"))

    assert (read_order.total, read_order.currency) == (Decimal("5980"), "JPY")
    assert str(read_order.lines[0].total) == "5980"


def test_an_order_amazon_ships_for_another_shop_says_so() -> None:
    read_order = read(order(salesChannel={"channelName": "NON_AMAZON"}, programs=["PRIME"]))

    assert read_order.programs == ("PRIME", "NON_AMAZON")


# ── states ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("raw_status", "status"),
    [
        ("PENDING_AVAILABILITY", OrderStatus.INCOMPLETE),
        ("PENDING", OrderStatus.INCOMPLETE),
        ("UNSHIPPED", OrderStatus.PAID),
        ("PARTIALLY_SHIPPED", OrderStatus.PARTIALLY_SHIPPED),
        ("SHIPPED", OrderStatus.SHIPPED),
        ("CANCELLED", OrderStatus.CANCELED),
        ("UNFULFILLABLE", OrderStatus.INCOMPLETE),
    ],
)
def test_each_status_has_our_word(raw_status: str, status: OrderStatus) -> None:
    read_order = read(order(fulfillment={"fulfillmentStatus": raw_status, "fulfilledBy": "MERCHANT"}))

    assert (read_order.status, read_order.raw_status, read_order.problem) == (status, raw_status, "")


def test_every_status_of_the_contract_is_known(specs: Path) -> None:
    (operation, *_) = swagger.operations(specs, "orders_2026-01-01.json")

    assert set(operation.definitions["FulfillmentStatus"]["enum"]) == set(mapping.STATUSES)


def test_a_new_status_is_kept_as_it_came_and_the_order_is_held() -> None:
    read_order = read(order(fulfillment={"fulfillmentStatus": "ON_THE_MOON", "fulfilledBy": "MERCHANT"}))

    assert read_order.status is OrderStatus.INCOMPLETE
    assert read_order.raw_status == "ON_THE_MOON"
    assert "ON_THE_MOON" in read_order.problem


@pytest.mark.parametrize("told", [{}, {"fulfilledBy": "A_DRONE"}, {"fulfilledBy": None}])
def test_nothing_is_ours_to_ship_unless_amazon_says_so(told: dict[str, Any]) -> None:
    read_order = read(order(fulfillment={"fulfillmentStatus": "UNSHIPPED", **told}))

    assert read_order.fulfilled_by is FulfilledBy.MARKETPLACE
    assert "who ships" in read_order.problem


def test_a_new_program_or_service_level_is_no_problem() -> None:
    fulfillment = {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT", "fulfillmentServiceLevel": "TELEPORT"}

    read_order = read(order(fulfillment=fulfillment, programs=["BRAND_NEW"]))

    assert read_order.problem == ""
    assert (read_order.service_level, read_order.programs) == ("TELEPORT", ("BRAND_NEW",))


# ── poison ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_poison_order_is_held_and_its_page_goes_on() -> None:
    poison = order()
    poison["orderItems"] = "surprise"

    orders = mapping.read_orders([order(), poison], read_at=READ_AT)

    assert [bool(one.problem) for one in sorted(orders, key=lambda one: one.problem)] == [False, True]


def test_a_line_that_cannot_be_read_names_itself() -> None:
    read_order = read(order(item(quantity="many")))

    assert "Line 11" in read_order.problem
    assert "quantity" in read_order.problem


@pytest.mark.parametrize("raw", [{}, None, "order", 7, [], {"orderId": None}, {"orderId": {}}])
def test_an_order_without_id_is_seen_under_a_name_of_its_own(raw: Any) -> None:
    first, second = read(raw), read(raw)

    assert first.order_id.startswith("unreadable-")
    assert first.order_id == second.order_id
    assert "without an id" in first.problem


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before] * bool(before) + [path for key, child in inner for path in paths(child, (*before, key))]


@given(st.data())
def test_no_change_of_shape_ever_raises(data: st.DataObject) -> None:
    raw = copy.deepcopy(data.draw(st.sampled_from([payload("order_fbm_two_lines"), payload("order_fba_japan")])))
    junk = st.sampled_from([None, "", "junk", 0, -1, 2.5, True, [], {}, [None], {"new": 1}])
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(paths(raw)))
        target: Any = raw
        for key in path[:-1]:
            target = target[key]
        if data.draw(st.booleans()) and isinstance(target, dict):
            del target[path[-1]]
        else:
            target[path[-1]] = copy.deepcopy(data.draw(junk))
        if not paths(raw):
            break

    read_order = read(raw)

    assert read_order.order_id
    assert read_order.updated_at.tzinfo is not None
    assert all(line.quantity > 0 for line in read_order.lines)


# ── times, pages, sites ──────────────────────────────────────────────────────────────────────────────────────────────


def test_times_go_out_in_utc_with_milliseconds_and_z() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert mapping.iso(datetime(2026, 11, 20, 9, 0, 0, 5999, tzinfo=tokyo)) == "2026-11-20T00:00:00.005Z"


def test_a_time_without_zone_is_never_sent() -> None:
    with pytest.raises(ValueError, match="timezone"):
        mapping.iso(datetime(2026, 11, 20, 9))  # noqa: DTZ001 - the very thing that is refused


def test_orders_of_a_page_come_oldest_change_first() -> None:
    raws = [order(lastUpdatedTime=f"2026-11-20T0{hour}:00:00Z") for hour in (5, 3, 4)]

    hours = [one.updated_at.hour for one in mapping.read_orders(raws, read_at=READ_AT)]

    assert hours == [3, 4, 5]


def test_sites_are_amazons_own_with_our_codes() -> None:
    def line(marketplace_id: str, country: str, domain: str, active: bool = True) -> dict[str, Any]:
        return {
            "marketplace": {
                "id": marketplace_id,
                "name": domain,
                "countryCode": country,
                "defaultCurrencyCode": "GBP",
                "domainName": domain,
            },
            "participation": {"isParticipating": active, "hasSuspendedListings": False},
        }

    sites = mapping.read_sites(
        [
            line("A1F83G8C2ARO7P", "GB", "www.amazon.co.uk"),
            line("ATHOUGHTUP0001", "PT", "www.amazon.pt", active=False),
            line("A2ZV50J4W1RKNI", "US", "sim1.stores.amazon.com"),
        ]
    )

    assert [(site.code, site.country, site.active) for site in sites] == [("UK", "GB", True), ("PT", "PT", False)]


# ── Amazon's own examples ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.contract
def test_amazons_examples_of_a_list_read_without_surprise(specs: Path) -> None:
    pages = list(swagger.examples(specs, "orders_2026-01-01.json", "searchOrders"))

    assert pages
    for page in pages:
        orders = mapping.read_orders(page["orders"], read_at=READ_AT)
        assert orders
        assert [one.problem for one in orders] == [""] * len(orders)
        assert mapping.bound(page, "created") is not None


@pytest.mark.contract
def test_amazons_examples_of_one_order_read_without_surprise(specs: Path) -> None:
    answers = list(swagger.examples(specs, "orders_2026-01-01.json", "getOrder"))

    assert answers
    for answer in answers:
        one = read(answer["order"])
        assert one.problem == ""
        assert one.lines


@pytest.mark.contract
def test_amazons_example_of_sites_reads(specs: Path) -> None:
    (answer,) = swagger.examples(specs, "sellers.json", "getMarketplaceParticipations")

    (site,) = mapping.read_sites(answer["payload"])

    assert (site.code, site.currency, site.active) == ("US", "USD", True)


@pytest.mark.contract
@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("order_*.json")), ids=lambda path: path.stem)
def test_our_own_payloads_are_of_amazons_shape(specs: Path, path: Path) -> None:
    import jsonschema

    (operation, *_) = swagger.operations(specs, "orders_2026-01-01.json")
    schema = {"$ref": "#/definitions/Order", "definitions": operation.definitions}

    jsonschema.Draft4Validator(schema).validate(json.loads(path.read_text()))
