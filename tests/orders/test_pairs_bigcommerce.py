"""What is particular to a BigCommerce store: its lines, options, statuses, limits and its own way with stock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from django.utils.timezone import now

from accounts import connections
from inventory.models import Location, Reservation, Variant
from orders import inbox, jobs, pipeline
from orders.reasons import sentence
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World, sold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(start: Start) -> World:
    """A BigCommerce store with one eBay seller, whose answers are quick."""
    return start("lumen", platform="ebay")


def created(world: World, reference: str) -> dict[str, Any]:
    """Return what the sandbox wrote down of the one store order of a marketplace id."""
    (write,) = [one for one in world.writes("order.create") if one["reference"] == reference]
    return dict(write["body"])


def test_an_order_carries_its_marketplace_its_id_and_our_key_and_awaits_shipment(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    (reference,) = world.buy((sku, 1))

    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    key = f"ebay:{world.seller}:{reference}:1"
    assert made["status"] == "Awaiting Shipment"
    assert made["note"].splitlines()[-1] == f"key={key}"
    assert created(world, reference)["external_order_id"] == reference
    assert created(world, reference)["external_source"]


def test_an_unknown_product_is_a_custom_line_without_sku_or_stock(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    unknown = "LL-BUNDLE-TAPER"
    (reference,) = world.buy((unknown, 2), (sku, 1))

    world.work(reference, until=("created",))

    custom, linked = world.lines(reference)
    by_name = {line["sku"]: line for line in created(world, reference)["lines"]}
    assert (custom.matched_by, linked.matched_by) == ("custom", "sku")
    assert sold(world.store_orders(reference)[0]) == {"": 2, sku: 1}
    assert (by_name[""]["product_id"], by_name[""]["taken"]) == (0, 0)
    assert world.units(sku) == 4
    assert world.store_orders(reference)[0]["total"] == world.at_marketplace(reference)["total"]


def test_unknown_products_are_held_where_the_merchant_wants_that(world: World) -> None:
    world.settings(world.store(), create_unmatched=False)
    (reference,) = world.buy(("LL-BUNDLE-TAPER", 1))

    world.work(reference)

    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "NO_MATCH")
    said = sentence("NO_MATCH", order.reason_data)
    assert said == "Missing products in BigCommerce: SKU: LL-BUNDLE-TAPER"


def test_a_product_whose_stock_is_not_counted_is_never_short(world: World) -> None:
    (reference,) = world.buy(("LL-OFC", 400))

    world.work(reference, until=("created",))

    assert sold(world.store_orders(reference)[0]) == {"LL-OFC": 400}
    assert world.lines(reference)[0].matched_by == "sku"


def test_mandatory_options_hold_the_order_until_the_setting_fills_them(world: World) -> None:
    for sku in ("LL-ENG", "LL-GFT-3"):
        world.set_stock(sku, 5)
    (reference,) = world.buy(("LL-ENG", 1), ("LL-GFT-3", 1))
    world.work(reference)
    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "OPTIONS_MISSING")
    assert sentence("OPTIONS_MISSING", order.reason_data, part="store_text") == (
        "Missing MandatoryProductOptions. Please reach support to activate product mandatory options for order creation."
    )
    assert {"Engraving", "Gift box"} <= set(order.reason_data["names"])
    assert world.store_orders(reference) == []

    world.settings(world.store(), fill_options=True, option_text="See the order's note")
    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    options = {line["sku"]: line["options"] for line in made["lines"]}
    assert options == {"LL-ENG": {"Engraving": "See the order's note"}, "LL-GFT-3": {"Gift box": "Kraft box"}}
    assert (world.units("LL-ENG"), world.units("LL-GFT-3")) == (4, 4)


def test_a_hidden_product_is_left_out_until_the_merchant_includes_it(world: World) -> None:
    world.settings(world.store(), create_unmatched=False)
    world.set_stock("LL-SEC", 5)
    (reference,) = world.buy(("LL-SEC", 1))
    world.work(reference)
    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "NO_MATCH")
    assert "hidden" in sentence("NO_MATCH", order.reason_data)

    world.settings(world.store(), include_hidden=True)
    world.work(reference, until=("created",))

    assert sold(world.store_orders(reference)[0]) == {"LL-SEC": 1}
    assert world.units("LL-SEC") == 4


def test_orders_get_the_status_the_merchant_chose(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.settings(world.store(), order_status="11")
    (reference,) = world.buy((sku, 1))

    world.work(reference, until=("created",))

    assert world.store_orders(reference)[0]["status"] == "Awaiting Fulfillment"


def test_a_store_that_has_less_than_it_last_said_refuses_and_the_fresh_figure_is_told(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.read(sku)
    # The figure we know is stale: nobody told us.
    world.set_stock(sku, 1)
    (reference,) = world.buy((sku, 3))

    world.work(reference)

    order = world.known(reference)
    (short,) = order.reason_data["items"]
    assert (order.export_state, order.reason_code) == ("held", "OUT_OF_STOCK")
    assert (short["sku"], short["wanted"], short["available"]) == (sku, 3, 1)
    assert sentence("OUT_OF_STOCK", order.reason_data, part="store_text") == (
        f"Error during export order #{reference} in BigCommerce. Quantities of one or more products are out of stock or "
        "did not meet quantity requirements."
    )
    assert world.reserved(sku) == 0


def test_a_products_least_quantity_is_the_stores_refusal_and_not_a_question_of_stock(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 9)
    world.change_variant(sku, minimum=4)
    (reference,) = world.buy((sku, 1))

    world.work(reference)

    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "STORE_REFUSED")
    assert "did not meet quantity requirements" in sentence("STORE_REFUSED", order.reason_data)
    world.change_variant(sku, minimum=0)
    assert pipeline.advance(world.merchant_id, order.pk, actor="Ines").state == "created"


def test_stock_lowered_only_when_shipped_is_kept_by_our_reservation_until_then(start: Start, sandbox: Any) -> None:
    sandbox.control("POST", "/stores/lmnloom7k2/settings", {"update_stock_behavior": "order_completed_or_shipped"})
    world = start("lumen", platform="ebay")
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.read(sku)
    (first,) = world.buy((sku, 3))
    world.work(first, until=("created",))
    world.work_for(0.5)
    assert world.store().claims_stock == "at_shipping"
    assert (world.units(sku), world.reserved(sku), world.free(sku)) == (5, 3, 2)

    (second,) = world.buy((sku, 3))
    world.work(second)
    assert world.known(second).reason_code == "OUT_OF_STOCK"

    (made,) = world.store_orders(first)
    sandbox.control("POST", f"/stores/{world.shop}/orders/{made['id']}/ship", {})
    world.work_for(0.5)
    assert world.units(sku) == 2
    assert world.writes("oversold") == []
    # No web server runs here: what the store's webhook leads to is called.
    inbox.on_order_changed(world.merchant_id, world.store().pk, [made["id"]], [])
    world.work_until(lambda: (world.reserved(sku), world.free(sku)) == (0, 2))
    world.set_stock(sku, 3)
    world.read(sku)
    world.work(second, until=("created",))


def test_what_left_is_asked_for_when_the_stores_message_about_it_is_lost(start: Start, sandbox: Any) -> None:
    sandbox.control("POST", "/stores/lmnloom7k2/settings", {"update_stock_behavior": "order_completed_or_shipped"})
    world = start("lumen", platform="ebay")
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.read(sku)
    (first,) = world.buy((sku, 3))
    (waiting,) = world.buy((sku, 1))
    world.work(first, waiting, until=("created",))
    world.work_for(0.5)
    (made,) = world.store_orders(first)
    sandbox.control("POST", f"/stores/{world.shop}/orders/{made['id']}/ship", {})
    world.read(sku)
    assert world.reserved(sku) == 4

    assert jobs.shipped(world.merchant_id, now()) == {"left": 1}
    world.work_until(lambda: world.reserved(sku) == 1)

    assert (world.units(sku), world.reserved(sku), world.free(sku)) == (2, 1, 1)


def test_an_order_of_another_connector_is_shown_and_not_doubled(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 9)
    world.read(sku)
    with tenancy.scope(world.merchant_id):
        account = world.account()
        type(account).objects.update(guard_clean=0)
    (reference,) = world.buy((sku, 1))
    post_order(world, reference)

    world.work(reference)

    order = world.known(reference)
    assert order.reason_code == "CONFLICT"
    assert len(world.store_orders(reference)) == 1


def test_an_unanswered_order_is_not_mistaken_for_one_of_another_connector(world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 9)
    world.read(sku)
    (reference,) = world.buy((sku, 1))
    post_order(world, reference, staff_notes=f"key=etsy:4711:{reference}:1")
    world.fault(platform="bigcommerce", operation="createOrder", kind="status", count=1, params={"code": 500})

    world.work(reference, until=("created",))

    notes = sorted(order["note"].splitlines()[-1] for order in world.store_orders(reference))
    assert notes == sorted([f"key=etsy:4711:{reference}:1", f"key=ebay:{world.seller}:{reference}:1"])
    assert world.known(reference).store_order_id != min(order["id"] for order in world.store_orders(reference))


def post_order(world: World, reference: str, **more: Any) -> None:
    """Let somebody else's program make an order of this marketplace id in the store."""
    address = {
        "first_name": "Ada", "last_name": "Byron", "street_1": "1 Long Lane", "city": "Asheville",
        "state": "North Carolina", "zip": "28801", "country": "United States", "country_iso2": "US",
    }  # fmt: skip
    body = {
        "status_id": 11, "external_order_id": reference, "billing_address": address,
        "products": [{"name": "Something", "quantity": 1, "price_inc_tax": "5", "price_ex_tax": "5"}], **more,
    }  # fmt: skip
    token = connections.tokens_for(world.store()).current()
    answer = requests.post(
        f"{world.sandbox.url}/bigcommerce/stores/{world.shop}/v2/orders", json=body, timeout=10,
        headers={"X-Auth-Token": token, "Accept": "application/json"},
    )  # fmt: skip
    assert answer.ok, answer.text


def test_digital_and_custom_lines_reserve_nothing(world: World) -> None:
    (reference,) = world.buy(("LL-BUNDLE-TAPER", 1))

    world.work(reference, until=("created",))

    with tenancy.scope(world.merchant_id):
        assert not Reservation.objects.filter(order_ref=world.known(reference).pk).exists()


def test_reads_of_stock_that_lag_behind_settle_nothing_too_early_and_mistrust_no_store(
    start: Start, settings: Any
) -> None:
    # A hundredth of the waits is shorter than what a test can tell apart: a tenth, then.
    settings.TIMES = replace(settings.TIMES, retry_unit=0.1, settle_after=0.15, settle_again=1.0, claim_check=60.0)
    world = start("lumen", platform="ebay")
    (sku,) = world.goods(1)
    world.set_stock(sku, 20)
    world.read(sku)
    world.fault(platform="bigcommerce", operation="get-inventory-items", kind="search_lag", params={"seconds": 0.25})
    references = []
    for _ in range(5):
        references += world.buy((sku, 1))
        world.work(references[-1], until=("created",))
        # Never more than there is, whatever the reads show.
        assert world.free(sku) <= world.units(sku)
        world.work_for(0.3)
        assert world.free(sku) <= world.units(sku)

    world.work_until(lambda: world.reserved(sku) == 0)

    assert (world.units(sku), world.free(sku)) == (15, 15)
    assert world.store().claims_stock == "at_creation"
    assert len(references) == 5


def test_stock_changed_in_the_store_is_known_within_the_lag_of_its_reads_not_at_the_next_poll(
    start: Start, settings: Any
) -> None:
    settings.TIMES = replace(settings.TIMES, retry_unit=0.1, settle_after=0.15)
    world = start("lumen", platform="ebay")
    (sku,) = world.goods(1)
    world.set_stock(sku, 20)
    world.read(sku)
    world.work_until(lambda: world.free(sku) == 20)
    world.fault(platform="bigcommerce", operation="get-inventory-items", kind="search_lag", params={"seconds": 0.25})

    # The read at the webhook still shows twenty; nothing else asks for a read of this variant for a quarter of an hour.
    world.set_stock(sku, 3)

    world.work_until(lambda: world.free(sku) == 3)
    with tenancy.scope(world.merchant_id):
        assert Variant.objects.filter(sku=sku, hinted_at=None, reread_at=None).exists()


def test_orders_bigcommerce_serves_from_its_own_place_follow_it_each_and_are_told_once(world: World) -> None:
    """The merchant's default warehouse is not the location BigCommerce draws on, and it moves nothing."""
    (sku,) = world.goods(1)
    places = world.variant(sku)["locations"]
    for place in places:
        world.sandbox.control(
            "PUT", f"/stores/{world.shop}/variants", {"available": 9, "location": place["id"]}, sku=sku
        )
    world.read(sku)
    with tenancy.scope(world.merchant_id):
        other = Location.objects.get(store__key=world.shop, name=places[1]["name"])
    world.settings(world.store(), default_location=other.pk)

    references = [*world.buy((sku, 1), count=2), *world.buy((sku, 1), (sku, 2))]
    world.work(*references, until=("created",))

    world.work_until(lambda: world.reserved(sku) == 0)
    assert [place["available"] for place in world.variant(sku)["locations"]] == [4, 9]
    assert world.free(sku) == 13
    (told,) = [alert for alert in world.alerts() if "instead of" in alert]
    assert places[1]["name"] in told
