"""What eBay's orders become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ebay_apiroute.sell.fulfillment.order.models.schemas.order import Order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract.types import FulfilledBy, OrderStatus, Withheld
from connectors.ebay import mapping, sites
from tests.connectors.ebay import judge
from tests.connectors.ebay.orders import READ_AT, address, generated, instruction, line, order, read, ship_to


@pytest.mark.contract
def test_the_ordinary_order_of_these_tests_is_one_of_ebays_contract(specs: Any) -> None:
    judge.named(specs, "getOrder").check_answer(order())


@pytest.mark.contract
def test_every_personal_field_is_a_field_of_ebays_orders(specs: Any) -> None:
    schemas = judge.named(specs, "getOrder").schemas
    known = {name for schema in schemas.values() for name in schema.get("properties", {})}

    assert known >= mapping.PERSONAL_FIELDS


def test_an_independent_reader_reads_the_same_order() -> None:
    raw = order(line(quantity=2), buyerCheckoutNotes="Please wrap it")

    other: Any = Order.model_validate(raw)
    ours = read(raw)

    assert (ours.order_id, ours.personal.buyer_notes) == (other.order_id, other.buyer_checkout_notes)
    assert str(ours.total) == other.pricing_summary.total.value
    assert [(one.line_id, one.seller_sku, one.quantity) for one in ours.lines] == [
        (item.line_item_id, item.sku, item.quantity) for item in other.line_items
    ]


def test_a_paid_order_reads_whole() -> None:
    found = read(order(line(quantity=2), buyerCheckoutNotes="Please wrap it"))

    assert found.problem == ""
    assert (found.order_id, found.status, found.raw_status) == ("14-12345-67890", OrderStatus.PAID, "PAID NOT_STARTED")
    assert (found.site, found.currency, found.fulfilled_by) == ("US", "USD", FulfilledBy.MERCHANT)
    assert found.purchased_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
    assert found.ship_by == datetime(2026, 11, 23, 7, 59, 59, tzinfo=UTC)
    assert found.deliver_by == datetime(2026, 11, 28, 8, tzinfo=UTC)
    assert found.service_level == "USPSGroundAdvantage"
    assert found.lines_identify is True
    person = found.personal
    assert (person.buyer_name, person.buyer_email) == ("Robin A. Vale", "robin.vale@members.example")
    assert person.buyer_notes == "Please wrap it"
    assert person.shipping is not None
    assert (person.shipping.name, person.shipping.line1, person.shipping.line2) == (
        "Robin Vale", "12 Mill Lane", "Unit 3",
    )  # fmt: skip
    assert (person.shipping.region, person.shipping.country, person.shipping.phone) == ("OR", "US", "5035550142")
    assert person.shipping.complete


@pytest.mark.parametrize(
    ("payment", "fulfillment", "status"),
    [
        ("PENDING", "NOT_STARTED", OrderStatus.INCOMPLETE),
        ("FAILED", "NOT_STARTED", OrderStatus.INCOMPLETE),
        ("PAID", "NOT_STARTED", OrderStatus.PAID),
        ("PAID", "IN_PROGRESS", OrderStatus.PARTIALLY_SHIPPED),
        ("PAID", "FULFILLED", OrderStatus.SHIPPED),
        ("PARTIALLY_REFUNDED", "FULFILLED", OrderStatus.SHIPPED),
        ("FULLY_REFUNDED", "FULFILLED", OrderStatus.REFUNDED),
        ("FULLY_REFUNDED", "NOT_STARTED", OrderStatus.REFUNDED),
    ],
)
def test_payment_and_fulfillment_make_the_status(payment: str, fulfillment: str, status: OrderStatus) -> None:
    found = read(order(orderPaymentStatus=payment, orderFulfillmentStatus=fulfillment))

    assert (found.status, found.problem) == (status, "")


@pytest.mark.parametrize("field", ["orderPaymentStatus", "orderFulfillmentStatus"])
def test_a_status_we_do_not_know_holds_the_order(field: str) -> None:
    found = read(order(**{field: "LAYAWAY"}))

    assert found.status is OrderStatus.INCOMPLETE
    assert "LAYAWAY" in found.problem


@pytest.mark.parametrize(
    ("state", "canceled", "requested"),
    [
        ("NONE_REQUESTED", False, False),
        ("CANCELED", True, False),
        ("CANCELLED", True, False),
        ("IN_PROGRESS", False, True),
        ("SOMETHING_NEW", False, True),
    ],
)
def test_a_cancellation_is_done_or_in_play(state: str, canceled: bool, requested: bool) -> None:
    found = read(order(cancelStatus={"cancelState": state, "cancelRequests": []}))

    assert (found.status is OrderStatus.CANCELED, found.cancel_requested) == (canceled, requested)
    assert found.problem == ""


@pytest.mark.parametrize(
    ("changes", "item_id"),
    [
        ({}, "256000000001"),
        ({"legacyVariationId": "9001"}, "256000000001:9001"),
        ({"legacyVariationId": "0"}, "256000000001"),
    ],
)
def test_the_item_is_the_listing_and_its_variation(changes: dict[str, Any], item_id: str) -> None:
    assert read(order(line(**changes))).lines[0].item_id == item_id


def test_a_line_without_sku_keeps_what_it_can_be_matched_by() -> None:
    aspects = [{"name": "Color", "value": "Amber"}, {"name": "Size", "value": "Large"}]
    bare = line(variationAspects=aspects)
    del bare["sku"]

    (one,) = read(order(bare)).lines

    assert (one.seller_sku, one.title) == ("", "Beeswax Candle")
    assert one.variation == (("Color", "Amber"), ("Size", "Large"))


def test_a_listing_on_hold_has_no_title_but_its_number() -> None:
    (one,) = read(order(line(title="256000000001"))).lines

    assert one.title == "eBay item 256000000001"


def test_other_sellers_lines_are_not_ours() -> None:
    linked = {"lineItemId": "77", "orderId": "99-00000-00000", "sellerId": "tyre-fitter", "title": "Fitting"}

    found = read(order(line(linkedOrderLineItems=[linked])))

    assert [one.line_id for one in found.lines] == ["100000000001"]


@pytest.mark.parametrize(("status", "shipped"), [("FULFILLED", 3), ("NOT_STARTED", 0), ("IN_PROGRESS", 0)])
def test_shipped_units_are_counted_only_when_ebay_tells_them(status: str, shipped: int) -> None:
    (one,) = read(order(line(quantity=3, lineItemFulfillmentStatus=status))).lines

    assert one.quantity_shipped == shipped


def test_a_hub_is_shipped_to_and_never_the_buyers_home() -> None:
    hub = instruction(
        ebaySupportedFulfillment=True,
        finalDestinationAddress=address(addressLine1="Hauptstrasse 1", city="Bonn", countryCode="DE"),
        shippingStep={
            "shipTo": ship_to(contactAddress=address(addressLine1="1850 Airport Exchange", addressLine2="")),
            "shipToReferenceId": "1234567890123456",
        },
    )

    found = read(order(fulfillmentStartInstructions=[hub]))

    assert found.personal.shipping is not None
    assert found.personal.shipping.line1 == "1850 Airport Exchange"
    assert found.personal.shipping.line2 == "1234567890123456"
    assert found.personal.shipping.country == "US"
    assert "1234567890123456" in found.personal.delivery_notes
    assert found.programs == ("GLOBAL_SHIPPING",)


def test_a_reference_stands_before_what_the_second_line_held() -> None:
    step = {"shipTo": ship_to(), "shipToReferenceId": "Reference #123"}

    found = read(order(fulfillmentStartInstructions=[instruction(shippingStep=step)]))

    assert found.personal.shipping is not None
    assert found.personal.shipping.line2 == "Reference #123, Unit 3"
    assert found.personal.delivery_notes == "Reference #123 must be on the label"


@pytest.mark.parametrize(
    ("program", "fulfilled_by", "names"),
    [
        ({"fulfillmentProgram": {"fulfilledBy": "EBAY"}}, FulfilledBy.MARKETPLACE, ("FULFILLED_BY_EBAY",)),
        ({"authenticityVerification": {"status": "PENDING"}}, FulfilledBy.MERCHANT, ("AUTHENTICITY_GUARANTEE",)),
        ({"ebayInternationalShipping": {}}, FulfilledBy.MERCHANT, ("EBAY_INTERNATIONAL_SHIPPING",)),
        ({"ebayShipping": {"shippingLabelProvidedBy": "EBAY"}}, FulfilledBy.MERCHANT, ("EBAY_LABEL",)),
        ({"ebayVault": {"fulfillmentType": "SELLER_TO_VAULT"}}, FulfilledBy.MERCHANT, ("EBAY_VAULT SELLER_TO_VAULT",)),
        ({"ebayVault": {"fulfillmentType": "Vault to Buyer"}}, FulfilledBy.MARKETPLACE, ("EBAY_VAULT VAULT_TO_BUYER",)),
        ({}, FulfilledBy.MERCHANT, ()),
    ],
)
def test_programs_say_who_ships(program: dict[str, Any], fulfilled_by: FulfilledBy, names: tuple[str, ...]) -> None:
    found = read(order(program=program))

    assert (found.fulfilled_by, found.programs) == (fulfilled_by, names)


def test_what_ebay_ships_needs_no_address() -> None:
    found = read(
        order(
            program={"fulfillmentProgram": {"fulfilledBy": "EBAY"}},
            fulfillmentStartInstructions=[{"fulfillmentInstructionsType": "FULFILLED_BY_EBAY", "shippingStep": {}}],
        )
    )

    assert (found.fulfilled_by, found.personal.shipping) == (FulfilledBy.MARKETPLACE, None)
    assert found.problem == ""


def test_an_order_the_buyer_collects_has_no_address_for_good() -> None:
    step = {"fulfillmentInstructionsType": "PREPARE_FOR_PICKUP", "pickupStep": {"merchantLocationKey": "durham"}}

    found = read(order(fulfillmentStartInstructions=[step]))

    assert found.withheld == (Withheld.ADDRESS,)
    assert found.programs == ("PICKUP",)
    assert found.personal.delivery_notes == "The buyer collects this order at durham"
    assert [one.digital for one in found.lines] == [False]


def test_digital_goods_are_not_shipped() -> None:
    gift = {"message": "Happy birthday", "recipientEmail": "kim@members.example", "senderName": "Robin"}

    found = read(
        order(line(giftDetails=gift), fulfillmentStartInstructions=[{"fulfillmentInstructionsType": "DIGITAL"}])
    )

    assert [one.digital for one in found.lines] == [True]
    assert found.personal.gift_messages == {"100000000001": "Happy birthday"}


def test_an_old_orders_email_address_is_gone_for_good_and_a_new_ones_may_come() -> None:
    silent = ship_to()
    del silent["email"]
    parts: dict[str, Any] = {
        "buyer": {"username": "robin_v"},
        "fulfillmentStartInstructions": [instruction(shippingStep={"shipTo": silent})],
    }

    assert read(order(**parts)).withheld == ()
    assert read(order(creationDate="2026-11-01T09:00:00.000Z", **parts)).withheld == (Withheld.EMAIL,)


def test_parcels_are_named_by_their_tracking_number() -> None:
    base = "https://api.ebay.com/sell/fulfillment/v1/order/14-12345-67890/shipping_fulfillment"

    found = read(order(fulfillmentHrefs=[f"{base}/9405509699937003457459", f"{base}/999"]))

    assert [(parcel.reference, parcel.tracking_number) for parcel in found.parcels] == [
        ("9405509699937003457459", "9405509699937003457459"),
        ("999", ""),
    ]


def test_parcels_that_were_read_tell_what_is_in_them() -> None:
    parcel = {
        "fulfillmentId": "9405509699937003457459",
        "shipmentTrackingNumber": "9405509699937003457459",
        "shippingCarrierCode": "USPS",
        "shippedDate": "2026-11-20T15:00:00.000Z",
        "lineItems": [{"lineItemId": "100000000001", "quantity": 2}],
    }
    base = "https://api.ebay.com/sell/fulfillment/v1/order/14-12345-67890/shipping_fulfillment"
    raw = order(
        line(quantity=3, lineItemFulfillmentStatus="IN_PROGRESS"),
        orderFulfillmentStatus="IN_PROGRESS",
        fulfillmentHrefs=[f"{base}/9405509699937003457459"],
    )

    found = read({**raw, mapping.PARCELS: [parcel]})

    (known,) = found.parcels
    assert (known.carrier, known.tracking_number) == ("USPS", "9405509699937003457459")
    assert known.lines == (("100000000001", 2),)
    assert known.shipped_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert (found.lines[0].quantity, found.lines[0].quantity_shipped) == (3, 2)
    assert mapping.wants_parcels(raw)


def test_an_order_of_another_site_has_that_sites_code_and_currency() -> None:
    uk = line("20.00", currency="GBP", listingMarketplaceId="EBAY_GB", purchaseMarketplaceId="EBAY_GB")

    found = read(order(uk, currency="GBP"))

    assert (found.site, found.currency, found.problem) == ("UK", "GBP", "")


@pytest.mark.parametrize(
    ("listed", "bought", "codes", "belongs"),
    [
        ("EBAY_US", "EBAY_US", ("US",), True),
        ("EBAY_US", "EBAY_GB", ("UK",), True),
        ("EBAY_US", "EBAY_GB", ("US",), True),
        ("EBAY_US", "EBAY_US", ("UK",), False),
        ("EBAY_MOTORS_US", "EBAY_MOTORS_US", ("US",), True),
        ("", "", ("US",), True),
        ("EBAY_DE", "EBAY_DE", (), True),
    ],
)
def test_an_order_belongs_to_the_sites_it_was_listed_or_bought_on(
    listed: str, bought: str, codes: tuple[str, ...], belongs: bool
) -> None:
    raw = order(line(listingMarketplaceId=listed, purchaseMarketplaceId=bought))

    assert mapping.belongs(raw, codes) is belongs


@pytest.mark.parametrize("raw", [None, [], "order", 7, {}, {"orderId": ""}, {"lineItems": "none"}])
def test_nonsense_is_an_order_with_a_problem_and_a_name_of_its_own(raw: Any) -> None:
    found = read(raw)

    assert found.problem
    assert found.order_id.startswith("unreadable-")
    assert found.updated_at == READ_AT


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def spoiled(draw: Any, value: Any) -> Any:
    """The value with one part, anywhere in it, replaced by something else."""
    if not value or not isinstance(value, dict | list) or draw(st.integers(0, 4)) == 0:
        return draw(JSON)
    if isinstance(value, list):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoiled(draw, value[place]), *value[place + 1 :]]
    name = draw(st.sampled_from(sorted(value)))
    return {**value, name: spoiled(draw, value[name])}


@given(st.data(), generated())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_order_with_a_spoiled_part_is_read_all_the_same(data: Any, raw: dict[str, Any]) -> None:
    broken = spoiled(data.draw, {**raw, "program": {"ebayVault": {"fulfillmentType": "SELLER_TO_VAULT"}}})

    found = read(broken)
    belongs = mapping.belongs(broken, ["US"])

    assert found.order_id
    assert isinstance(belongs, bool)
    if isinstance(broken, dict):
        assert isinstance(mapping.wants_whole(broken), bool)
        assert isinstance(mapping.wants_parcels(broken), bool)


def test_a_line_that_cannot_be_read_holds_the_order_and_leaves_the_others() -> None:
    found = read(order(line(number=1), line(number=2, quantity="many"), total="40.00"))

    assert [one.line_id for one in found.lines] == ["100000000001"]
    assert "100000000002" in found.problem


def test_orders_of_a_page_come_oldest_change_first() -> None:
    late, early = order(orderId="B"), order(orderId="A", lastModifiedDate="2026-11-20T08:00:00.000Z")

    assert [one.order_id for one in mapping.read_orders([late, early], read_at=READ_AT)] == ["A", "B"]


@pytest.mark.parametrize(
    ("changes", "wants"),
    [
        ({}, False),
        ({"cancelStatus": {"cancelState": "IN_PROGRESS"}}, True),
        ({"cancelStatus": {"cancelState": "CANCELED"}}, True),
        ({"lineItems": [line(listingMarketplaceId="EBAY_IT")]}, True),
    ],
)
def test_only_orders_the_list_leaves_something_out_of_are_read_one_by_one(changes: dict[str, Any], wants: bool) -> None:
    assert mapping.wants_whole(order(**changes)) is wants


def test_times_go_out_in_utc_with_milliseconds() -> None:
    assert mapping.iso(datetime(2026, 11, 20, 9, 0, 0, 123456, UTC)) == "2026-11-20T09:00:00.123Z"
    with pytest.raises(ValueError, match="timezone"):
        mapping.iso(datetime(2026, 11, 20, 9))  # noqa: DTZ001 - the point of this test


def test_every_site_has_a_code_of_its_own_and_motors_is_the_us() -> None:
    assert len(sites.BY_CODE) == len(sites.SITES) == len(sites.choices()[""])
    assert sites.code_of("EBAY_MOTORS_US") == "US"
    assert sites.code_of("EBAY_SE") == "SE"
