"""A merchant's day: read why an order is held, raise the stock, press Export, match a product, by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import Membership
from orders.models import Order
from salestio import tenancy
from tests.orders.world import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def owner_of(world: World) -> Any:
    """Return the demo merchant's owner."""
    return Membership.objects.select_related("user").get(merchant_ref=world.merchant_id, role="owner").user


def a_sku(world: World) -> str:
    """Return the store's first tracked SKU that does not sell below zero."""
    found = world.sandbox.control("GET", "/stores/northpine-supply.myshopify.com/variants")["results"]
    return str(next(v["sku"] for v in found if v["tracked"] and v["policy"] == "deny" and v["sku"]))


def test_an_order_held_for_stock_is_exported_once_the_stock_is_raised(world: World, open_page: Any) -> None:
    sku = a_sku(world)
    world.set_stock(sku, 0)
    world.work_for(0.5)
    (reference,) = world.buy((sku, 2))
    world.work(reference)
    page = open_page(owner_of(world), "/orders/?view=needs")

    row = page.get_by_role("row").filter(has_text=reference)
    assert "On hold" in row.inner_text()
    row.get_by_role("link", name=f"Review order {reference}").click()
    page.get_by_role("heading", name="Not in your store yet: 2 units are missing").wait_for()
    world.set_stock(sku, 5)
    page.get_by_role("button", name="Check stock and export").click()
    page.get_by_role("status").filter(has_text=re.compile(r"Order .+ created\.")).wait_for()

    assert page.get_by_role("button", name="Export", exact=True).is_disabled()
    assert page.get_by_text("In store").first.is_visible()
    assert len(world.store_orders(reference)) == 1


def test_create_anyway_needs_the_tick_and_can_be_left(world: World, open_page: Any) -> None:
    sku = a_sku(world)
    world.set_stock(sku, 0)
    world.work_for(0.5)
    (reference,) = world.buy((sku, 1))
    world.work(reference)
    with tenancy.scope(world.merchant_id):
        pk = Order.objects.get(marketplace_order_id=reference).pk
    page = open_page(owner_of(world), f"/orders/{pk}/")

    page.get_by_role("link", name="Create anyway…").click()
    dialog = page.get_by_role("dialog", name="Create the order with 1 unit missing?")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert world.store_orders(reference) == []

    page.get_by_role("link", name="Create anyway…").click()
    dialog.wait_for()
    dialog.get_by_label("I have the missing units or will get them").check()
    dialog.get_by_role("button", name="Create anyway").click()
    page.get_by_role("status").filter(has_text=re.compile(r"Order .+ created\.")).wait_for()

    assert len(world.store_orders(reference)) == 1
    assert world.units(sku) == -1


def test_a_missing_product_is_chosen_in_the_dialog_and_the_order_goes(world: World, open_page: Any) -> None:
    sku = a_sku(world)
    (reference,) = world.buy(("NOT-IN-THE-STORE", 1))
    world.work(reference)
    with tenancy.scope(world.merchant_id):
        pk = Order.objects.get(marketplace_order_id=reference).pk
    page = open_page(owner_of(world), f"/orders/{pk}/")

    page.get_by_role("link", name="Choose the product").click()
    search = page.get_by_label("Search products in Shopify")
    search.fill(sku)
    page.locator("label").filter(has_text=sku).first.wait_for()
    page.locator("label").filter(has_text=sku).first.click()
    page.get_by_label("Also add to SKU mapping").select_option("account")
    page.get_by_role("button", name="Match line").click()
    page.get_by_text("Chosen by hand").wait_for()
    world.work(reference, until=("created",))

    assert [line["sku"] for line in world.store_orders(reference)[0]["lines"]] == [sku]


def test_a_scanner_that_types_the_moment_the_dialog_opens_is_heard(world: World, open_page: Any) -> None:
    sku = a_sku(world)
    (reference,) = world.buy(("NOT-IN-THE-STORE", 1))
    world.work(reference)
    with tenancy.scope(world.merchant_id):
        pk = Order.objects.get(marketplace_order_id=reference).pk
    page = open_page(owner_of(world), f"/orders/{pk}/")

    # A barcode scanner or a quick paste comes before any timer: the field must search from its first moment.
    page.evaluate(
        """text => new MutationObserver((_, watching) => {
            const field = document.getElementById("product-text");
            if (!field) return;
            watching.disconnect();
            field.value = text;
            field.dispatchEvent(new Event("input", {bubbles: true}));
        }).observe(document.body, {childList: true, subtree: true})""",
        sku,
    )
    page.get_by_role("link", name="Choose the product").click()

    page.locator("label").filter(has_text=sku).first.wait_for()


def test_an_open_list_shows_new_orders_without_a_reload_and_keys_move(world: World, open_page: Any) -> None:
    sku = a_sku(world)
    world.set_stock(sku, 50)
    world.work_for(0.5)
    first = world.buy((sku, 1), count=3)
    world.work(*first)
    page = open_page(owner_of(world), "/orders/")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.get_by_text("1 selected").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "list-search"
    page.keyboard.press("Tab")
    (late,) = world.buy((sku, 1))
    world.work(late)
    page.get_by_role("link", name=re.compile("new order")).click()

    page.get_by_role("row").filter(has_text=late).wait_for()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True), (320, False)])
def test_no_page_scrolls_sideways(world: World, open_page: Any, width: int, dark: bool) -> None:
    sku = a_sku(world)
    (missing,) = world.buy(("NOT-IN-THE-STORE", 1))
    (reference,) = world.buy((sku, 1))
    world.work(missing, reference)
    with tenancy.scope(world.merchant_id):
        pk = Order.objects.get(marketplace_order_id=missing).pk
    user = owner_of(world)

    for path in ("/", "/orders/", f"/orders/{pk}/", "/settings/sku-mapping/", "/orders/fetch/"):
        page = open_page(user, path, width=width, dark=dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.context.close()
