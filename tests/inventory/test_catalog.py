"""The catalog mirror, read from the sandbox over HTTP."""

from __future__ import annotations

import time

import pytest

from accounts.models import Store
from inventory import catalog, inbox, ledger, tasks
from inventory.models import Location, Stock, Variant
from tests.conftest import Sandbox
from tests.inventory.shop import SHOP, Shop
from tests.inventory.world import told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(sandbox: Sandbox, broker: None) -> Shop:
    sandbox.reset()
    return Shop.connect(sandbox)


def in_store(shop: Shop) -> dict[str, dict]:  # type: ignore[type-arg]
    """Return the store's variants by id, as its admin shows them."""
    found, cursor = {}, ""
    while True:
        page = shop.sandbox.control("GET", f"/stores/{SHOP}/variants", cursor=cursor)
        found |= {row["id"]: row for row in page["results"]}
        cursor = page.get("next") or ""
        if not cursor:
            return found


def test_the_first_sync_mirrors_every_variant_with_its_figures(shop: Shop) -> None:
    theirs = in_store(shop)

    assert shop.sync() == len(theirs)

    with shop.scope():
        ours = {variant.remote_id: variant for variant in Variant.objects.all()}
        figures = {
            (stock.variant.remote_id, stock.location.name): stock.figure
            for stock in Stock.objects.select_related("variant", "location")
        }
        store = Store.objects.get()
        assert {place.name for place in Location.objects.filter(active=True)} >= {"Portland Warehouse", "Reno Outlet"}
    assert ours.keys() == theirs.keys()
    for remote_id, row in theirs.items():
        assert (ours[remote_id].sku, ours[remote_id].tracked) == (row["sku"], row["tracked"])
        for place in row["locations"]:
            assert figures[remote_id, place["name"]] == place["available"]
    assert store.catalog_synced_at is not None
    assert store.catalog_lease_until is None
    assert ledger.check(shop.merchant.id) == []


def test_a_second_sync_of_an_unchanged_catalog_changes_nothing_and_tells_nobody(shop: Shop) -> None:
    shop.sync()
    told_before = len(told("catalog.changed")), len(told("stock.changed"))

    shop.sync()

    assert (len(told("catalog.changed")), len(told("stock.changed"))) == told_before


def test_a_changed_sku_is_told_with_its_old_and_its_new_name(shop: Shop) -> None:
    shop.sync()
    with shop.scope():
        variant = Variant.objects.filter(active=True).exclude(sku="").order_by("id").first()
    assert variant is not None
    shop.admin(variant.sku, new_sku="NEW-SKU-1")

    inbox.on_product(shop.merchant.id, shop.store.id, [variant.product_id], [])

    assert shop.of_sku("NEW-SKU-1").pk == variant.pk
    assert told("catalog.changed")[-1]["skus"] == sorted(["NEW-SKU-1", variant.sku])


def test_a_new_barcode_is_told_in_every_form_a_seller_sku_may_have(shop: Shop) -> None:
    shop.sync()
    with shop.scope():
        variant = Variant.objects.filter(active=True).exclude(sku="").order_by("id").first()
    assert variant is not None
    shop.admin(variant.sku, barcode="036000291452")

    inbox.on_product(shop.merchant.id, shop.store.id, [variant.product_id], [])

    assert {"036000291452", "00036000291452"} <= set(told("catalog.changed")[-1]["skus"])


def test_a_poll_reads_only_what_changed_since(shop: Shop) -> None:
    everything = shop.sync()
    with shop.scope():
        variant = Variant.objects.filter(active=True).exclude(sku="").order_by("id").first()
        assert variant is not None
    shop.sandbox.control("POST", "/clock", {"advance_seconds": 3600})
    shop.admin(variant.sku, price="77.70")
    shop.sync_changes()  # the newest change is an hour after all others from here on

    seen = shop.sync_changes()

    assert 0 < seen < everything
    with shop.scope():
        variant.refresh_from_db()
    assert str(variant.price) == "77.700"


def test_a_deleted_product_is_removed_and_its_rows_stay(shop: Shop) -> None:
    shop.sync()
    with shop.scope():
        variant = Variant.objects.filter(active=True).exclude(sku="").order_by("id").first()
    assert variant is not None
    shop.admin(variant.sku, deleted=True)

    shop.sync()

    with shop.scope():
        variant.refresh_from_db()
    assert variant.deleted_at is not None
    assert variant.sku in told("catalog.changed")[-1]["skus"]


def test_a_sync_that_fails_goes_on_where_it_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = len(in_store(shop))
    monkeypatch.setattr("connectors.shopify.catalog.PAGE_PRODUCTS", 5)
    with shop.scope():
        catalog.sync_soon(shop.store.id, whole=True)
    # The second and later pages fail, more often than the connector repeats a read.
    shop.sandbox.control("POST", "/faults", {"platform": "shopify", "operation": "products", "kind": "status",
                                            "rate": 0.5, "params": {"code": 503}})  # fmt: skip
    seen = catalog.sync(shop.merchant.id, shop.store.id)
    for _again in range(200):
        with shop.scope():
            store = Store.objects.get()
            if store.catalog_synced_at is not None:
                break
            Store.objects.update(catalog_next_at="2026-01-01T00:00Z")
        seen += catalog.sync(shop.merchant.id, shop.store.id)
    shop.sandbox.control("DELETE", "/faults")

    with shop.scope():
        assert Variant.objects.filter(deleted_at=None).count() == everything
    assert seen == everything  # no page was read twice


def test_a_location_that_ceases_to_count_wakes_who_waits(shop: Shop) -> None:
    shop.sync()
    with shop.scope():
        place = Location.objects.get(name="Reno Outlet")
        Location.objects.filter(pk=place.pk).update(active=False)
    before = len(told("stock.changed"))

    inbox.on_location(shop.merchant.id, shop.store.id, [place.remote_id], [])

    with shop.scope():
        place.refresh_from_db()
    assert place.active
    assert len(told("stock.changed")) == before + 1


def test_the_door_for_workers_reads_the_catalog(shop: Shop) -> None:
    shop.sync_changes(whole=True)
    with shop.scope():
        before = Store.objects.get().catalog_synced_at
        catalog.sync_soon(shop.store.id)

    for _turn in range(20):
        tasks.sync_catalog(shop.merchant.id, shop.store.id)
        with shop.scope():
            after = Store.objects.get().catalog_synced_at
        if after != before:
            break
        time.sleep(0.2)

    assert after != before


def test_two_syncs_at_once_are_one(shop: Shop) -> None:
    with shop.scope():
        catalog.sync_soon(shop.store.id, whole=True)
        Store.objects.update(catalog_lease_until="2100-01-01T00:00Z")

    assert catalog.sync(shop.merchant.id, shop.store.id) == 0
