"""The app in BigCommerce's control panel: installed, opened, used and reloaded in its frame, by two people of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import connections
from accounts.models import Membership, Store, StorePerson, StoreRoute
from inventory.models import SkuMapping
from orders.models import Order
from salestio import tenancy
from tests.accounts.test_bigcommerce import uninstall_in_panel
from tests.orders.conftest import Start
from tests.orders.world import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def lumen(start: Start) -> World:
    """The demo's merchant with a BigCommerce store, selling on Etsy."""
    return start("lumen", platform="etsy")


@pytest.fixture
def panel(browser: Any, live_server: Any) -> Iterator[Any]:
    """A window on a control panel; whatever breaks in it or in the frame fails the test."""
    troubles: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console", lambda said: troubles.append(f"{said.text} {said.location['url']}") if said.type == "error" else None
    )
    yield page
    context.close()
    # A 401 is what a person the store took the app from gets; the page says so.
    assert [trouble for trouble in troubles if "401" not in trouble] == []


def open_app(panel: Any, store_hash: str, tail: str = "") -> Any:
    """Open the app in a store's control panel and return its frame."""
    panel.goto(connections.config("bigcommerce").admin_url(store_hash, "/app") + tail)
    return panel.frame_locator("iframe")


def address(panel: Any) -> str:
    """Return where the frame stands, without our host."""
    frame = next(frame for frame in panel.frames if frame != panel.main_frame)
    return re.sub(r"^http://[^/]+", "", str(frame.url))


def in_frame(panel: Any, script: str) -> None:
    """Let the frame do what the browser's own buttons do."""
    next(frame for frame in panel.frames if frame != panel.main_frame).evaluate(script)


def heading(frame: Any, name: str | re.Pattern[str]) -> Any:
    found = frame.get_by_role("heading", level=1, name=name)
    found.wait_for()
    return found


def test_a_store_is_installed_from_the_app_market_and_opens_in_its_control_panel(panel: Any, start: Start) -> None:
    start("lumen", platform="etsy")
    panel.goto(connections.app_market_page("bigcommerce"))
    panel.goto(f"{connections.app_market_page('bigcommerce')}/fldnote3x9/install")
    panel.get_by_role("button", name=re.compile("Install|Confirm|Agree")).click()
    frame = panel.frame_locator("iframe")

    heading(frame, "Four steps to your first order")

    route = StoreRoute.objects.get(key="fldnote3x9")
    with tenancy.scope(route.merchant_ref):
        assert Store.objects.get(pk=route.store_ref).state == "active"
    assert "shopify" not in frame.locator("body").inner_text().lower()
    uninstall_in_panel("fldnote3x9")


def test_links_forms_export_back_forward_and_reload_work_without_a_cookie(panel: Any, lumen: World) -> None:
    (sku,) = lumen.goods(1)
    lumen.set_stock(sku, 0)
    lumen.read(sku)
    (reference,) = lumen.buy((sku, 2))
    lumen.work(reference)
    frame = open_app(panel, lumen.shop)
    heading(frame, re.compile("^Today"))
    assert panel.context.cookies() == [] or all(c["name"] != "sessionid" for c in panel.context.cookies())

    frame.get_by_role("link", name="Orders").first.click()
    heading(frame, "Orders")
    frame.get_by_role("link", name=reference, exact=True).click()
    heading(frame, reference)
    lumen.set_stock(sku, 5)
    frame.get_by_role("button", name="Check stock and export").click()
    frame.get_by_role("status").filter(has_text=re.compile(r"Order .+ created\.")).wait_for()
    assert len(lumen.store_orders(reference)) == 1

    in_frame(panel, "history.back()")
    heading(frame, "Orders")
    in_frame(panel, "history.forward()")
    heading(frame, reference)
    here = address(panel)
    in_frame(panel, "location.reload()")
    panel.wait_for_timeout(500)
    heading(frame, reference)
    assert address(panel) == here
    panel.reload()
    heading(frame, re.compile("^Today"))


def test_a_setting_is_saved_in_the_frame(panel: Any, lumen: World) -> None:
    frame = open_app(panel, lumen.shop)
    heading(frame, re.compile("^Four steps|^Today"))
    frame.get_by_role("link", name="Settings").first.click()
    heading(frame, "Settings")

    frame.get_by_role("switch", name="Tag with the account's name").uncheck()
    frame.get_by_role("button", name="Save", exact=True).click()
    frame.get_by_text("Saved: Tag with the account's name").first.wait_for()

    with tenancy.scope(lumen.merchant_id):
        store = Store.objects.select_related("merchant").get()
        assert store.merchant.settings == {"tag_account": False}


def test_a_file_is_downloaded_in_the_frame_and_the_page_stays(panel: Any, lumen: World) -> None:
    (sku,) = lumen.goods(1)
    with tenancy.scope(lumen.merchant_id):
        SkuMapping.objects.create(
            merchant_id=lumen.merchant_id, store=lumen.store(), seller_sku="THEIR-LAMP", sku=sku, quantity=2
        )
    frame = open_app(panel, lumen.shop, "?path=/settings/sku-mapping/")
    heading(frame, "SKU mapping")

    with panel.expect_download() as waiting:
        frame.get_by_role("button", name="Download CSV").click()

    assert waiting.value.suggested_filename.endswith(".csv")
    assert f"{sku},THEIR-LAMP,2" in Path(waiting.value.path()).read_text("utf-8-sig")
    heading(frame, "SKU mapping")
    assert address(panel) == "/settings/sku-mapping/"


def test_a_file_is_uploaded_checked_applied_and_its_report_downloaded_in_the_frame(panel: Any, lumen: World) -> None:
    (sku,) = lumen.goods(1)
    frame = open_app(panel, lumen.shop, "?path=/settings/sku-mapping/")
    heading(frame, "SKU mapping")

    def upload(name: str) -> None:
        table = f"Store SKU,Marketplace SKU\n{sku},THEIR-LAMP\nNOT-IN-STORE,THEIR-RUG\n".encode()
        frame.get_by_label("CSV file").set_input_files([{"name": name, "mimeType": "text/csv", "buffer": table}])
        frame.get_by_role("button", name="Upload CSV").click()
        heading(frame, name)
        lumen.work_for(0.5)
        frame.get_by_role("button", name="Apply 2 changes").wait_for()
        assert address(panel).startswith("/settings/sku-mapping/uploads/")

    upload("dropped.csv")
    frame.get_by_role("button", name="Discard").click()
    heading(frame, "SKU mapping")
    upload("ours.csv")
    with tenancy.scope(lumen.merchant_id):
        assert not SkuMapping.objects.filter(seller_sku="THEIR-LAMP").exists()
    frame.get_by_role("button", name="Apply 2 changes").click()
    lumen.work_for(0.5)
    frame.get_by_role("heading", level=2, name="Applied").wait_for()

    with panel.expect_download() as waiting:
        frame.get_by_role("link", name=re.compile("report", re.IGNORECASE)).first.click()

    assert "NOT-IN-STORE" in Path(waiting.value.path()).read_text("utf-8-sig")
    heading(frame, "ours.csv")
    with tenancy.scope(lumen.merchant_id):
        assert SkuMapping.objects.filter(seller_sku="THEIR-LAMP").exists()


def test_another_person_of_the_store_opens_it_as_themselves_and_leaves_when_removed(panel: Any, lumen: World) -> None:
    open_app(panel, lumen.shop)
    heading(panel.frame_locator("iframe"), re.compile("^Four steps|^Today"))
    panel.get_by_label("You are").select_option(index=1)
    panel.get_by_role("button", name="Switch").click()
    frame = panel.frame_locator("iframe")
    heading(frame, re.compile("^Four steps|^Today"))

    with tenancy.scope(lumen.merchant_id):
        first, second = StorePerson.objects.order_by("pk")
        assert (first.owner, second.owner) == (True, False)
        assert Order.objects.count() == 0
    connections.forget_all()
    from accounts import staff

    staff.remove("bigcommerce", lumen.shop, second.remote_id)
    in_frame(panel, "document.querySelector('nav a[href=\"/orders/\"]').click()")
    frame.get_by_text("Open the app again from your store's control panel").first.wait_for()


def test_a_marketplace_is_connected_from_the_frame_and_the_way_leads_back_into_it(panel: Any, lumen: World) -> None:
    frame = open_app(panel, lumen.shop, "?path=/accounts/add/")
    heading(frame, "Add Account")
    frame.locator("input[name=platform][value=etsy]").check()
    frame.get_by_label("Account name").fill("Second shop")
    frame.get_by_label("I may connect this seller account").check()
    frame.get_by_role("button", name="Add account").click()
    frame.get_by_role("link", name="Go on").click()

    panel.get_by_role("button", name="Grant access").click()
    panel.wait_for_url(re.compile(r"/manage/app/"))
    frame = panel.frame_locator("iframe")
    heading(frame, re.compile("^Four steps|^Today"))
    frame.get_by_role("link", name="Accounts").first.click()

    frame.get_by_role("heading", name="Second shop").wait_for()


@pytest.fixture
def panel_of_another_site(settings: Any) -> Iterator[str]:
    """The control panels under a name that is another site to a browser, as real ones are: our cookie stays out."""
    elsewhere = settings.SANDBOX_URL.replace("127.0.0.1", "localhost")
    urls = settings.PLATFORM_URLS["bigcommerce"]
    settings.PLATFORM_URLS = settings.PLATFORM_URLS | {
        "bigcommerce": urls
        | {name: urls[name].replace(settings.SANDBOX_URL, elsewhere) for name in ("admin", "app_store")}
    }
    connections.forget_all()
    yield elsewhere
    uninstall_in_panel("fldnote3x9")
    connections.forget_all()


def test_add_store_is_finished_in_the_owners_own_window_where_the_frame_gets_no_cookie(
    panel_of_another_site: str, open_page: Any, start: Start
) -> None:
    lumen = start("lumen", platform="etsy")
    owner = Membership.objects.select_related("user").get(merchant_ref=lumen.merchant_id).user
    owner.email = "owner@fieldnotes-press.example"
    owner.save()
    page = open_page(owner, "/stores/add/", width=390)
    page.get_by_role("button", name=re.compile("BigCommerce")).click()
    page.wait_for_url(f"{panel_of_another_site}/**")

    page.goto(f"{connections.app_market_page('bigcommerce')}/fldnote3x9/install")
    page.get_by_role("button", name=re.compile("Install|Confirm|Agree")).click()
    frame = page.frame_locator("iframe")
    heading(frame, "One step left")
    assert not StoreRoute.objects.filter(key="fldnote3x9").exists()
    frame.get_by_role("link", name="Add it there").click()
    heading(page, re.compile("^Add Fieldnotes Press to .+\\?$"))
    page.get_by_role("button", name="Add store").click()

    heading(page, "Accounts")
    assert StoreRoute.objects.get(key="fldnote3x9").merchant_ref == lumen.merchant_id
