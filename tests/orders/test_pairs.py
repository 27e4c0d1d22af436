"""Every marketplace into every store: the same pipeline, counted from the sandbox's record (issue 3)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts import connect, demo
from connectors.contract.types import Grant
from orders import pipeline, rates
from orders.models import Order
from orders.reasons import sentence
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World

pytestmark = pytest.mark.django_db(transaction=True)

MERCHANTS = {"shopify": "harbour", "bigcommerce": "lumen"}
PAIRS = [(marketplace, store) for store in MERCHANTS for marketplace in ("amazon", "ebay", "etsy")]
CREATE = {"shopify": "orderCreate", "bigcommerce": "createOrder"}
KEYED_LOOK = {"shopify": "orderByIdentifier", "bigcommerce": "getOrders"}
STOCK_WORDS = {
    "shopify": "Unable to reserve inventory",
    "bigcommerce": "Error during export order #{} in BigCommerce. Quantities of one or more products are out of stock or "
    "did not meet quantity requirements.",
}


@pytest.fixture(params=PAIRS, ids=["-".join(pair) for pair in PAIRS])
def pair(request: pytest.FixtureRequest, start: Start) -> World:
    """One marketplace's seller and one store: all six pairs in turn."""
    marketplace, store = request.param
    return start(MERCHANTS[store], platform=marketplace)


def goods(world: World, number: int) -> list[str]:
    """Return SKUs the seller offers and the store has, counted, once, without options to choose."""
    found = []
    for listing in world.listings():
        if listing.get("kind") != "plain" or not listing["sku"]:
            continue
        variant = world.variant(listing["sku"])
        if variant["tracked"] and not variant.get("modifiers") and variant["status"] == "active":
            found.append(listing["sku"])
        if len(found) == number:
            return found
    raise AssertionError(f"there are {len(found)} such SKUs, not {number}")


def sold(made: dict[str, Any]) -> dict[str, int]:
    """Return SKU → units of a store order; a price that does not divide to the cent may stand in two lines."""
    units: Counter[str] = Counter()
    for line in made["lines"]:
        units[line["sku"]] += line["quantity"]
    return dict(units)


def known(world: World, reference: str) -> Order:
    """Return our order of a marketplace id, which must be there."""
    order = world.order(reference)
    assert order is not None
    return order


def test_a_paid_order_is_one_store_order_of_what_the_buyer_paid_and_takes_its_units(pair: World) -> None:
    one, two = goods(pair, 2)
    pair.set_stock(one, 10)
    pair.set_stock(two, 10)
    (reference,) = pair.buy((one, 3), (two, 1), discount="2.37", shipping="6.95", tax="4.18")

    pair.work(reference, until=("created",))
    pair.work_for(0.5)

    (made,) = pair.store_orders(reference)
    paid = pair.at_marketplace(reference)
    order = known(pair, reference)
    assert (made["total"], made["currency"]) == (paid["total"], paid["currency"])
    assert made["reference"] == reference
    assert (order.store_order_name, order.store_order_id) == (made["name"], made["id"])
    assert sold(made) == {one: 3, two: 1}
    assert (pair.units(one), pair.units(two)) == (7, 9)
    assert (pair.reserved(one), pair.reserved(two)) == (0, 0)
    assert pair.writes("oversold") == []


def test_a_short_order_is_held_in_the_stores_words_and_flows_when_the_stock_is_raised(pair: World) -> None:
    (sku,) = goods(pair, 1)
    pair.set_stock(sku, 1)
    pair.read(sku)
    (reference,) = pair.buy((sku, 2))
    pair.work(reference)
    held = known(pair, reference)
    assert (held.export_state, held.reason_code) == ("held", "OUT_OF_STOCK")
    (short,) = held.reason_data["items"]
    assert (short["sku"], short["wanted"], short["available"]) == (sku, 2, 1)
    said = sentence("OUT_OF_STOCK", held.reason_data, part="store_text")
    assert said == STOCK_WORDS[pair.store_platform].format(reference)
    assert pair.store_orders(reference) == []

    pair.set_stock(sku, 5)
    pair.read(sku)
    pair.work(reference, until=("created",))

    assert len(pair.store_orders(reference)) == 1
    assert pair.units(sku) == 3


def test_an_answer_lost_after_the_store_did_the_work_is_found_and_adopted(pair: World) -> None:
    (sku,) = goods(pair, 1)
    pair.set_stock(sku, 5)
    pair.read(sku)
    pair.fault(platform=pair.store_platform, operation=CREATE[pair.store_platform], kind="drop_after", count=1)
    (reference,) = pair.buy((sku, 1))

    pair.work(reference, until=("created",))

    assert len(pair.store_orders(reference)) == 1
    assert pair.units(sku) == 4
    assert {"NO_ANSWER", "FOUND_AFTER_ALL"} <= set(pair.events(reference))
    assert [write["reference"] for write in pair.writes("order.create")] == [reference]
