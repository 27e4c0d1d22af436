"""The app in Shopify's admin: session tokens from the bridge instead of a cookie, links, forms, Export and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Store
from inventory.models import SkuMapping
from salestio import tenancy
from tests.browser.test_bigcommerces_frame import heading, panel
from tests.orders.world import World

__all__ = ["panel"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def open_app(panel: Any, world: World) -> Any:
    """Open the app in the shop's admin and return its frame."""
    panel.goto(f"{world.sandbox.url}/shopify/{world.shop}/admin/apps/salestio")
    frame = panel.frame_locator("iframe")
    heading(frame, re.compile("^Four steps|^Today"))
    return frame


def test_an_order_is_opened_and_exported_in_the_frame_without_a_cookie(panel: Any, world: World) -> None:
    (sku,) = world.goods(1)
    world.set_stock(sku, 0)
    world.read(sku)
    (reference,) = world.buy((sku, 2))
    world.work(reference)
    frame = open_app(panel, world)
    assert all(cookie["name"] != "sessionid" for cookie in panel.context.cookies())

    frame.get_by_role("link", name="Orders").first.click()
    heading(frame, "Orders")
    frame.get_by_role("link", name=reference, exact=True).click()
    heading(frame, reference)
    world.set_stock(sku, 5)
    frame.get_by_role("button", name="Check stock and export").click()
    frame.get_by_role("status").filter(has_text=re.compile(r"Order .+ created\.")).wait_for()

    assert len(world.store_orders(reference)) == 1


def test_a_setting_is_saved_in_the_frame(panel: Any, world: World) -> None:
    frame = open_app(panel, world)
    frame.get_by_role("link", name="Settings").first.click()
    heading(frame, "Settings")

    frame.get_by_role("switch", name="Tag with the account's name").uncheck()
    frame.get_by_role("button", name="Save", exact=True).click()
    frame.get_by_text("Saved: Tag with the account's name").first.wait_for()

    with tenancy.scope(world.merchant_id):
        assert Store.objects.select_related("merchant").get().merchant.settings == {"tag_account": False}


def test_a_file_is_downloaded_in_the_frame_and_the_page_stays(panel: Any, world: World) -> None:
    (sku,) = world.goods(1)
    with tenancy.scope(world.merchant_id):
        SkuMapping.objects.create(
            merchant_id=world.merchant_id, store=world.store(), seller_sku="THEIR-MUG", sku=sku, quantity=2
        )
    frame = open_app(panel, world)
    frame.get_by_role("link", name="Settings").first.click()
    heading(frame, "Settings")
    frame.get_by_role("link", name="SKU mapping").first.click()
    heading(frame, "SKU mapping")

    with panel.expect_download() as waiting:
        frame.get_by_role("button", name="Download CSV").click()

    assert f"{sku},THEIR-MUG,2" in Path(waiting.value.path()).read_text("utf-8-sig")
    heading(frame, "SKU mapping")
