"""What a newcomer tries: place an order the store refuses, read why it is held, mend the address, and export it (F28)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from orders.models import Order
from salestio import tenancy
from tests.browser.test_a_merchants_day import owner_of
from tests.orders.conftest import Start

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOOK = os.environ.get("SALESTIO_LOOK", "")
"""A folder for pictures of the way, for whoever wants to see it."""


def look(page: Any, name: str) -> None:
    """Keep a picture of the page where they are wanted."""
    if LOOK:
        page.screenshot(path=str(Path(LOOK) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("slug", "platform", "words"),
    [
        ("northpine", "amazon", "Shopify does not take the country of this address"),
        ("lumen", "etsy", "Its country is none that BigCommerce can know"),
    ],
)
@pytest.mark.parametrize("width", [1440, 390])
def test_an_address_the_store_refuses_is_mended_and_exported(
    start: Start, browser: Any, open_page: Any, slug: str, platform: str, words: str, width: int
) -> None:
    world = start(slug, platform=platform)
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.read(sku)
    buyer = browser.new_page(viewport={"width": width, "height": 900})
    buyer.set_default_timeout(15_000)
    buyer.goto(f"{world.sandbox.url}/buyer?platform={platform}&seller={world.seller}&sku={sku}")
    buyer.get_by_label("Delivery address").select_option("unknown_country")
    look(buyer, f"{slug}-{width}-1-buyer")
    buyer.get_by_role("button", name="Place orders").click()
    buyer.get_by_text("1 order was placed.").wait_for()
    placed = world.sandbox.control("GET", f"/accounts/{platform}/{world.seller}/orders")["results"]
    (reference,) = [row["id"] for row in placed]
    world.work(reference)
    with tenancy.scope(world.merchant_id):
        pk = Order.objects.get(marketplace_order_id=reference).pk

    page = open_page(owner_of(world), f"/orders/{pk}/", width=width)
    page.get_by_text(words).first.wait_for()
    look(page, f"{slug}-{width}-2-held")
    page.get_by_role("link", name=re.compile("(Edit|Change the) address")).first.click()
    page.get_by_label("Country").fill("United States")
    look(page, f"{slug}-{width}-3-edit")
    page.get_by_role("button", name="Save address").click()
    page.get_by_text("Address changed.").first.wait_for()
    page.get_by_role("button", name="Export", exact=True).first.click()
    page.get_by_role("status").filter(has_text=re.compile(r"Order .+ created\.")).wait_for()
    look(page, f"{slug}-{width}-4-in-store")

    assert len(world.store_orders(reference)) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
