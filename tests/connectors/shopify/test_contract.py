"""Shopify passes the storefront suite, over HTTP against the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.contract.errors import AccessDenied, OutOfStock, Rejected
from connectors.contract.storefront import MovesOrders
from connectors.contract.types import InventoryRule, StoreOrderDraft, StoreVariant
from connectors.ratelimit import NoLimiter
from connectors.shopify import webhooks
from connectors.shopify.auth import ShopifyAuth
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.connector import Shopify
from tests.connectors.contract import StorefrontContract, Tokens, World
from tests.connectors.shopify.cast import SHOP, whole_catalog

NOBODY = "http://127.0.0.1:25003/nobody"


class TestShopify(StorefrontContract):
    create_operation = "orderCreate"
    read_operation = "nodes"

    @pytest.fixture
    def world(self, world: World) -> World:
        return world

    @pytest.fixture
    def store(self, shop: Shopify) -> Shopify:
        shop.set_up(webhook_url=NOBODY)
        return shop

    @pytest.fixture
    def variant(self, variant: StoreVariant) -> StoreVariant:
        return variant

    @pytest.fixture
    def draft(self, draft: Callable[..., StoreOrderDraft]) -> Callable[..., StoreOrderDraft]:
        return draft

    # ── beyond the common suite ──────────────────────────────────────────────────────────────────────────────────────

    def test_it_can_move_orders(self, store: Shopify) -> None:
        assert isinstance(store, MovesOrders)

    def test_an_order_for_more_than_there_is_is_out_of_stock_and_takes_nothing(
        self, store: Shopify, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)
        line = replace(draft().lines[0], quantity=before + 1, unit_price=Decimal(1), taxes=())
        wanted = draft(lines=(line,), shipping=(), total=Decimal(before + 1))

        with pytest.raises(OutOfStock) as caught:
            store.create_order(wanted)

        assert "Unable to reserve inventory" in caught.value.texts[0]
        assert self.available(store, variant) == before
        assert list(store.find_by_key(wanted.key, wanted.reference)) == []

    def test_create_anyway_takes_units_below_zero(
        self, store: Shopify, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)
        line = replace(draft().lines[0], quantity=before + 1, unit_price=Decimal(1), taxes=())

        store.create_order(draft(lines=(line,), shipping=(), total=Decimal(before + 1), inventory=InventoryRule.IGNORE))

        assert self.available(store, variant) == -1

    def test_a_second_order_with_the_same_key_is_never_taken_for_the_first(
        self, store: Shopify, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        wanted = draft(inventory=InventoryRule.NONE)
        first = store.create_order(wanted)
        second = store.create_order(wanted)

        by_key = store.find_by_key(wanted.key, wanted.reference)
        by_search = store.search_orders([wanted.reference])[wanted.reference]

        assert first.id != second.id
        assert [order.id for order in by_key] == [first.id]
        assert {order.id for order in by_search} == {first.id, second.id}

    def test_the_control_api_sees_what_we_sent(
        self, store: Shopify, world: World, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        wanted = draft()

        created = store.create_order(wanted)

        [seen] = world.sandbox.control("GET", f"/stores/{SHOP}/orders", reference=wanted.reference)["results"]
        assert seen["id"] == created.id
        assert seen["name"] == wanted.reference == created.name
        assert Decimal(seen["total"]) == wanted.total
        assert seen["email"] == wanted.email
        assert set(wanted.tags) <= set(seen["tags"])

    def test_a_part_moves_to_another_location_and_the_next_read_says_so(
        self, store: Shopify, draft: Callable[..., StoreOrderDraft], variant: StoreVariant
    ) -> None:
        created = store.create_order(draft())
        [placed] = store.read_stock([], order_ids=[created.id]).placements
        other = next(place for place, _ in variant.figures if place != placed.location_id)

        store.move_part(placed.part_id, other)

        moved = store.read_stock([], order_ids=[created.id]).placements
        assert {(place.location_id, place.quantity) for place in moved} == {(other, 1)}

    def test_a_part_cannot_move_to_a_place_that_is_not_there(
        self, store: Shopify, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        created = store.create_order(draft())
        [placed] = store.read_stock([], order_ids=[created.id]).placements

        with pytest.raises(Rejected) as caught:
            store.move_part(placed.part_id, "gid://shopify/Location/999999999999")

        assert caught.value.texts[0]

    def test_an_order_that_was_shipped_already_leaves_stock_alone(
        self, store: Shopify, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)

        created = store.create_order(
            draft(fulfilled=True, location_id=variant.figures[0][0], inventory=InventoryRule.NONE)
        )

        assert created.id
        assert self.available(store, variant) == before

    def test_an_order_without_anybodys_data_is_made(
        self, store: Shopify, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        created = store.create_order(draft(email="", shipping_address=None, customer_name="", name=""))

        assert created.name

    def test_products_read_one_by_one_are_those_of_the_list(self, store: Shopify) -> None:
        listed = whole_catalog(store)
        products = list(dict.fromkeys(variant.product_id for variant in listed.values()))

        read = store.get_products(products)

        assert {one.id: one for found in read.values() for one in found} == listed

    def test_a_catalog_read_shows_what_changed_since(self, store: Shopify, world: World, variant: StoreVariant) -> None:
        assert variant.updated_at is not None
        page = store.list_variants()
        newest = max(one.updated_at for one in page.items if one.updated_at)
        time.sleep(1.1)
        world.sandbox.control("PUT", f"/stores/{SHOP}/variants?sku={variant.sku}", {"price": "77.00"})

        changed = store.list_variants(updated_after=newest)

        assert variant.id in {one.id for one in changed.items}
        assert len(changed.items) < len(page.items) or page.next_token
        assert changed.bound is not None
        assert changed.bound > newest

    @pytest.mark.parametrize("part", ["sku", "sku in small letters", "barcode", "title", "beginning of the title"])
    def test_a_variant_is_found_by_any_of_its_names(self, store: Shopify, part: str) -> None:
        page = store.list_variants()
        wanted = next(one for one in page.items if one.sku and one.barcode and len(one.product_title) > 6)
        typed = {
            "sku": wanted.sku,
            "sku in small letters": wanted.sku.lower(),
            "barcode": wanted.barcode,
            "title": wanted.product_title,
            "beginning of the title": wanted.product_title[:6],
        }[part]

        found = store.find_variants(typed, limit=50)

        assert wanted.id in {one.id for one in found}

    @pytest.mark.parametrize("text", ["", "   ", "'", "\\", "sku:'", "a' OR sku:'", "(", "*", 'O\'Neill "x"'])
    def test_whatever_a_person_types_the_search_stands(self, store: Shopify, text: str) -> None:
        assert len(store.find_variants(text, limit=5)) <= 5

    def test_setting_up_makes_every_webhook_once_and_corrects_it_when_we_move(
        self, store: Shopify, world: World
    ) -> None:
        first = store.set_up(webhook_url=NOBODY)
        moved = store.set_up(webhook_url=f"{world.sandbox.url}/_elsewhere")
        again = store.set_up(webhook_url=f"{world.sandbox.url}/_elsewhere")

        assert (first.done, first.missing) == ((), ())
        assert moved.done == (f"{len(webhooks.SUBSCRIPTIONS)} webhooks corrected.",)
        assert again.done == ()

    def test_a_store_that_is_well_has_nothing_to_mend(self, store: Shopify) -> None:
        assert [(one.code, one.ok, one.fix) for one in store.check()] == [("scopes", True, ""), ("clock", True, "")]

    def test_the_stores_own_facts(self, store: Shopify) -> None:
        info = store.info()

        assert (info.key, info.currency) == (SHOP, "USD")
        assert {"Portland Warehouse", "Reno Outlet"} <= {place.name for place in store.locations()}

    def test_a_token_is_refreshed_and_the_new_one_works(self, world: World, config: ShopifyConfig) -> None:
        grant = ShopifyAuth(config).refresh(world.secrets[1], key=SHOP)

        assert grant.key == SHOP
        assert grant.refresh_token
        assert grant.access_expires_at is not None
        assert Shopify(SHOP, Tokens(grant.access_token), NoLimiter(), config).info().name

    def test_what_was_not_granted_is_denied_and_says_so(self, store: Shopify, world: World) -> None:
        world.fault("status", operation="locations", code=403)

        with pytest.raises(AccessDenied):
            store.locations()
