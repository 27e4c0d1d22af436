"""Every marketplace into every store: the same pipeline, counted from the sandbox's record (issue 3)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.timezone import now

from accounts import demo
from connectors import registry
from connectors.sandbox.platforms import PLATFORMS
from orders import rates
from orders.models import StoreOrder
from orders.reasons import MARKETPLACES, own_word, sentence
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World, sold

pytestmark = pytest.mark.django_db(transaction=True)


def _sold_on(merchant: demo.DemoMerchant) -> set[str]:
    return {account.platform for account in merchant.accounts}


MERCHANTS = {
    store.name: max((one for one in demo.WORLD if one.platform == store.name), key=lambda one: len(_sold_on(one))).slug
    for store in registry.storefronts()
}
"""Store platform → the demo's merchant there who sells on the most marketplaces."""
PAIRS = [(marketplace.name, store) for store in MERCHANTS for marketplace in registry.marketplaces()]
STOCK_WORDS = {
    "bigcommerce": "Error during export order #{} in BigCommerce. Quantities of one or more products are out of stock or "
    "did not meet quantity requirements.",
}
"""Where a store says it in words of its own."""


@pytest.fixture(params=PAIRS, ids=["-".join(pair) for pair in PAIRS])
def pair(request: pytest.FixtureRequest, start: Start) -> World:
    """One marketplace's seller and one store: every pair there is, in turn."""
    marketplace, store = request.param
    return start(MERCHANTS[store], platform=marketplace)


def test_a_paid_order_is_one_store_order_of_what_the_buyer_paid_and_takes_its_units(pair: World) -> None:
    one, two = pair.goods(2)
    pair.set_stock(one, 10)
    pair.set_stock(two, 10)
    (reference,) = pair.buy((one, 3), (two, 1), discount="2.37", shipping="6.95", tax="4.18")

    pair.work(reference, until=("created",))
    pair.work_for(0.5)

    (made,) = pair.store_orders(reference)
    paid = pair.at_marketplace(reference)
    order = pair.known(reference)
    assert (made["total"], made["currency"]) == (paid["total"], paid["currency"])
    assert made["reference"] == reference
    assert (order.store_order_name, order.store_order_id) == (made["name"], made["id"])
    if made.get("tags"):
        words = {pair.account().name, MARKETPLACES[pair.platform], own_word(pair.platform, theirs=False)}
        assert set(made["tags"]) == words - {""}
    assert sold(made) == {one: 3, two: 1}
    assert (pair.units(one), pair.units(two)) == (7, 9)
    assert (pair.reserved(one), pair.reserved(two)) == (0, 0)
    assert pair.writes("oversold") == []


def test_a_short_order_is_held_in_the_stores_words_and_flows_when_the_stock_is_raised(pair: World) -> None:
    (sku,) = pair.goods(1)
    pair.set_stock(sku, 1)
    pair.read(sku)
    (reference,) = pair.buy((sku, 2))
    pair.work(reference)
    held = pair.known(reference)
    assert (held.export_state, held.reason_code) == ("held", "OUT_OF_STOCK")
    (short,) = held.reason_data["items"]
    assert (short["sku"], short["wanted"], short["available"]) == (sku, 2, 1)
    said = sentence("OUT_OF_STOCK", held.reason_data, part="store_text")
    assert said == STOCK_WORDS.get(pair.store_platform, "Unable to reserve inventory").format(reference)
    assert pair.store_orders(reference) == []

    pair.set_stock(sku, 5)
    pair.read(sku)
    pair.work(reference, until=("created",))

    assert len(pair.store_orders(reference)) == 1
    assert pair.units(sku) == 3


def test_an_answer_lost_after_the_store_did_the_work_is_found_and_adopted(pair: World) -> None:
    (sku,) = pair.goods(1)
    pair.set_stock(sku, 5)
    pair.read(sku)
    pair.fault(
        platform=pair.store_platform, operation=PLATFORMS[pair.store_platform].operation, kind="drop_after", count=1
    )
    (reference,) = pair.buy((sku, 1))

    pair.work(reference, until=("created",))

    assert len(pair.store_orders(reference)) == 1
    assert pair.units(sku) == 4
    assert {"NO_ANSWER", "FOUND_AFTER_ALL"} <= set(pair.events(reference))
    assert [write["reference"] for write in pair.writes("order.create")] == [reference]


def test_a_search_that_lags_behind_makes_no_second_order(pair: World) -> None:
    (sku,) = pair.goods(1)
    pair.set_stock(sku, 9)
    pair.read(sku)
    pair.fault(platform=pair.store_platform, kind="search_lag", params={"seconds": 0.5, "identifier": True})
    create = PLATFORMS[pair.store_platform].operation
    pair.fault(platform=pair.store_platform, operation=create, kind="status_after", count=2, params={"code": 502})
    references = pair.buy((sku, 1), count=2)

    pair.work(*references, until=("created",))

    assert [len(pair.store_orders(reference)) for reference in references] == [1, 1]
    assert pair.units(sku) == 7


def test_a_create_that_never_arrived_is_sent_again_once(pair: World) -> None:
    (sku,) = pair.goods(1)
    pair.set_stock(sku, 9)
    pair.read(sku)
    create = PLATFORMS[pair.store_platform].operation
    pair.fault(platform=pair.store_platform, operation=create, kind="status", count=1, params={"code": 500})
    (reference,) = pair.buy((sku, 1))

    pair.work(reference, until=("created",))

    assert len(pair.store_orders(reference)) == 1
    assert pair.events(reference).count("SENDING_AGAIN") == 1
    assert pair.units(sku) == 8


# ── currencies ───────────────────────────────────────────────────────────────────────────────────────────────────────

ABROAD = [
    ("amazon", {"region": "fe", "sites": ["JP"]}, "JPY", "1280"),
    ("amazon", {"region": "eu", "sites": ["DE"]}, "EUR", "19.90"),
    ("ebay", {"sites": ["UK"]}, "GBP", "17.35"),
    ("etsy", {"sites": ["ETSY"], "currency": "JPY"}, "JPY", "2950"),
]
"""Sellers abroad: marketplace, how the sandbox makes them, their currency, a price in it."""


@pytest.mark.parametrize("slug", ["harbour", "lumen"])
@pytest.mark.parametrize(
    ("platform", "more", "currency", "price"), ABROAD, ids=[f"{row[0]}-{row[2]}" for row in ABROAD]
)
def test_an_order_in_a_currency_keeps_it_and_is_converted_when_the_merchant_says_so(
    start: Start, slug: str, platform: str, more: dict[str, object], currency: str, price: str
) -> None:
    world = start(slug, platform="amazon")
    (sku,) = world.goods(1)
    world.set_stock(sku, 9)
    world.read(sku)
    world.add_seller(platform, **more)
    rates.store(rates.sample(now().date()), rates.SAMPLE)
    lines = [{"sku": sku, "quantity": 2, "unit_price": price}]
    (kept,) = world.place(lines)
    world.work(kept)
    order = world.known(kept)
    paid = world.at_marketplace(kept)
    assert (order.currency, paid["currency"]) == (currency, currency)
    if (slug, currency) == ("lumen", "JPY"):
        # A BigCommerce store takes its own currencies only: anything else would become the same number of dollars.
        assert (order.export_state, order.reason_code) == ("held", "CURRENCY_NOT_IN_STORE")
        assert world.store_orders(kept) == []
    else:
        (made,) = world.store_orders(kept)
        assert (Decimal(made["total"]), made["currency"]) == (Decimal(paid["total"]), currency)

    world.settings(world.account(), convert_currency=True)
    (converted,) = world.place(lines)
    world.work(converted, until=("created",))

    (made,) = world.store_orders(converted)
    with tenancy.scope(world.merchant_id):
        money = StoreOrder.objects.get(order__marketplace_order_id=converted).money
    assert made["currency"] == "USD"
    assert Decimal(made["total"]) == (Decimal(paid["total"]) * Decimal(money["rate"])).quantize(Decimal("0.01"))
    assert (money["paid_currency"], Decimal(money["paid"])) == (currency, Decimal(paid["total"]))
    if (slug, currency) == ("lumen", "JPY"):
        world.work(kept, until=("created",))
        assert world.store_orders(kept)[0]["currency"] == "USD"


def test_an_order_without_a_rate_is_held_and_never_taken_one_to_one(start: Start) -> None:
    world = start("lumen", platform="etsy")
    (sku,) = world.goods(1)
    world.set_stock(sku, 9)
    world.read(sku)
    world.settings(world.account(), convert_currency=True)
    (reference,) = world.buy((sku, 1))

    world.work(reference)

    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "NO_RATE")
    assert world.store_orders(reference) == []
