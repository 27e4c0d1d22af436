"""The sandbox's own pages, used without script as a browser would."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.conftest import SKU, Seller
from tests.sandbox.visitor import Browser

PAGES = ("/", "/buyer", "/break", "/written", "/mail")


@pytest.fixture
def browser(world: Any) -> Browser:
    return Browser(world.url)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_this_is_the_sandbox_and_needs_no_script(browser: Browser, path: str) -> None:
    page = browser.get(path)

    assert "This is the sandbox." in page and "Nothing here reaches a real buyer" in page
    assert "<script" not in page and "style=" not in page
    for sheet in re.findall(r'href="(/_static/[^"]+)"', page):
        assert browser.http.get(browser.url + sheet, timeout=10).status_code == 200, sheet


@pytest.mark.parametrize("path", ["/", "/bigcommerce/apps", "/shopify/app-store"])
def test_no_page_makes_a_browser_look_for_an_icon_that_is_not_there(browser: Browser, path: str) -> None:
    named = re.findall(r'<link rel="icon"[^>]* href="(/[^"]+)"', browser.get(path))

    assert named
    for icon in (*named, "/favicon.ico"):
        reply = browser.http.get(browser.url + icon, timeout=10)
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/svg+xml"), icon


def test_the_buyer_places_pays_and_ships(browser: Browser, seller: Seller) -> None:
    browser.get("/buyer?seller=A1NORTHPINEUS")
    page = browser.post(
        "/buyer/place",
        seller="A1NORTHPINEUS",
        count="3",
        status="pending",
        fulfilled_by="merchant",
        **{f"sku:{SKU}": "2"},
    )
    assert "3 orders were placed." in page and "your last 3" in page

    orders = seller.search().json()["orders"]
    assert [item["quantityOrdered"] for order in orders for item in order["orderItems"]] == [2, 2, 2]
    order_id = orders[0]["orderId"]
    for status, words in (("paid", "is paid now"), ("shipped", "is shipped now")):
        assert words in browser.post("/buyer/change", seller="A1NORTHPINEUS", id=order_id, status=status)
    assert seller.order(order_id)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


@pytest.mark.parametrize(("choice", "part"), [("unknown_country", "countryCode"), ("phone_extension", "phone")])
def test_the_buyer_chooses_an_address_that_stores_refuse(
    browser: Browser, seller: Seller, choice: str, part: str
) -> None:
    page = browser.get("/buyer?seller=A1NORTHPINEUS")
    assert f'<option value="{choice}">' in page

    browser.post("/buyer/place", seller="A1NORTHPINEUS", count="1", address=choice, **{f"sku:{SKU}": "1"})

    (order,) = seller.search().json()["orders"]
    told = seller.order(order["orderId"])["recipient"]["deliveryAddress"]
    assert told[part] == {"countryCode": "XX", "phone": "+1 541-555-0142 ext. 40217"}[part]


def test_the_buyer_is_told_what_is_wrong(browser: Browser) -> None:
    browser.get("/buyer")
    sku = {f"sku:{SKU}": "1"}

    assert "Say how many units" in browser.post("/buyer/place", seller="A1NORTHPINEUS", count="1")
    assert "whole number from 1 to 500" in browser.post("/buyer/place", seller="A1NORTHPINEUS", count="0", **sku)
    assert "whole number" in browser.post("/buyer/place", seller="A1NORTHPINEUS", count="1", **{f"sku:{SKU}": "two"})
    assert "Choose a seller" in browser.post("/buyer/place", seller="NOBODY", count="1", **sku)
    assert "no such order" in browser.post("/buyer/change", seller="A1NORTHPINEUS", id="1", status="paid")


def test_things_are_broken_and_mended_in_plain_words(browser: Browser, seller: Seller) -> None:
    browser.get("/break")
    page = browser.post(
        "/break", kind="status", platform="amazon", operation="searchOrders", often="1", code="503", seconds="1"
    )
    assert "Answers with an error status before doing the work" in page and "Break things<" in page

    assert [seller.search().status_code for _ in range(2)] == [503, 200]
    assert "1 of 1" in re.sub(r"\s+", " ", browser.get("/break"))
    assert "It works again." in browser.post("/break/end")
    assert seller.sandbox.control("GET", "/faults") == []


def test_a_form_from_another_site_is_refused(browser: Browser) -> None:
    browser.get("/")
    form = {"csrf": browser.csrf}
    own, other = browser.url, "https://evil.example"

    without = browser.http.post(f"{own}/start-over", data={}, timeout=10)
    foreign = browser.http.post(f"{own}/start-over", data=form, headers={"Origin": other}, timeout=10)
    rebound = browser.http.post(f"{own}/start-over", data=form, headers={"Host": "evil.example"}, timeout=10)

    assert [without.status_code, foreign.status_code, rebound.status_code] == [403, 403, 403]


def test_starting_over_and_the_limit_profile(browser: Browser, seller: Seller) -> None:
    seller.place()
    browser.get("/")
    assert "as it was at the first start" in browser.post("/start-over")
    assert seller.sandbox.control("GET", f"/accounts/amazon/{seller.key}/orders")["results"] == []

    assert "real is in force" in browser.post("/limits", profile="real")
    assert seller.sandbox.control("GET", "/limits")["amazon"]["profile"] == "real"


def test_what_buyers_and_mails_say_is_never_markup(browser: Browser, seller: Seller) -> None:
    seller.place(lines=[{"sku": "<script>alert(1)</script>", "quantity": 1}])
    folder = seller.sandbox.data / "mail"
    folder.mkdir(exist_ok=True)
    path = folder / "x.eml"
    path.write_text("Subject: <b>bold</b>\nTo: a@x.example\n\n<script>alert(2)</script>\n")
    pages = browser.get("/buyer?seller=A1NORTHPINEUS"), browser.get("/mail"), browser.get("/buyer?said=<script>")
    path.unlink()

    assert all("<script" not in page for page in pages)
    assert "&lt;script&gt;" in pages[0] and "&lt;b&gt;bold" in pages[1]
