"""The pages: what a newcomer sees and can do in the pretend control panel and app market."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.sandbox.bigcommerce.conftest import CANDLE, HASH, NEWCOMER, Store


class Panel:
    """A browser without script in a store's control panel."""

    def __init__(self, store: Store) -> None:
        self.base = store.sandbox.url
        self.http = requests.Session()

    def get(self, path: str) -> str:
        answer = self.http.get(self.base + path, timeout=10)
        assert answer.status_code == 200, answer.text[:300]
        return answer.text

    def post(self, path: str, **form: Any) -> requests.Response:
        token = re.search(r'name="csrf" value="([^"]+)"', self.get(path))
        assert token is not None
        return self.http.post(self.base + path, data={"csrf": token[1], **form}, timeout=10)


@pytest.fixture
def panel(store: Store) -> Panel:
    return Panel(store)


def test_an_orders_page_tells_source_external_id_and_staff_notes(store: Store, panel: Panel) -> None:
    made = store.created(external_order_id="AMZ-77", external_source="Amazon", staff_notes="Gift: <b>yes</b>")
    listed = panel.get(f"/bigcommerce/store-{HASH}/manage/orders?q=AMZ-77")
    assert f"/manage/orders/{made['id']}" in listed
    page = panel.get(f"/bigcommerce/store-{HASH}/manage/orders/{made['id']}")
    for words in ("AMZ-77", "Amazon", "Gift: &lt;b&gt;yes&lt;/b&gt;", CANDLE, "Awaiting Fulfillment", "Ines Marlow"):
        assert words in page


def test_the_merchant_ships_cancels_and_refunds_by_hand(store: Store, panel: Panel) -> None:
    path = f"/bigcommerce/store-{HASH}/manage/orders/{store.created()['id']}"
    assert "Shipped. The app is told." in panel.post(path, act="ship", carrier="UPS", tracking="1Z9").text
    assert "has nothing left to ship" in panel.post(path, act="ship", carrier="UPS").text
    assert "Refunded. The app is told." in panel.post(path, act="refund").text
    other = f"/bigcommerce/store-{HASH}/manage/orders/{store.created()['id']}"
    assert "The order is Cancelled" in panel.post(other, act="status", status="5").text
    assert "The order is archived" in panel.post(other, act="archive").text
    assert store.writes("order.cancel") == []  # by hand, not by an app


def test_stock_price_and_visibility_are_edited_in_the_list(store: Store, panel: Panel) -> None:
    path = f"/bigcommerce/store-{HASH}/manage/products?q={CANDLE}"
    found = store.variant(CANDLE)
    answer = panel.post(path, id=found["id"], **{"at:1": "3", "at:2": "4", "price": "27.50", "status": "hidden"})
    assert f"{CANDLE} is saved." in answer.text
    now = store.variant(CANDLE)
    assert ([row["available"] for row in now["locations"]], now["price"], now["status"]) == ([3, 4], "27.50", "hidden")
    assert "must be a whole number" in panel.post(path, id=found["id"], **{"at:1": "many"}).text


def test_settings_are_saved(store: Store, panel: Panel) -> None:
    path = f"/bigcommerce/store-{HASH}/manage/settings"
    panel.post(path, plan="pro", update_stock_behavior="order_completed_or_shipped")
    found = store.get("/v3/settings/inventory")["data"]
    assert found["update_stock_behavior"] == "order_completed_or_shipped"
    assert found["refund_order_stock_adjustment"] is False
    assert store.get("/v2/store")["plan_name"] == "Pro"


def test_installing_from_the_market_opens_the_apps_callback_in_the_frame(store: Store, panel: Panel) -> None:
    # Tests of the connector share this sandbox, and may have installed the app in this very store.
    store.sandbox.control("POST", f"/stores/{NEWCOMER}/uninstall", {})
    assert f"/bigcommerce/apps/{NEWCOMER}/install" in panel.get("/bigcommerce/apps")
    page = panel.post(f"/bigcommerce/apps/{NEWCOMER}/install", answer="install").text
    source = re.search(r'<iframe[^>]* src="([^"]+)"', page)
    assert source is not None
    parts = urlsplit(source[1].replace("&amp;", "&"))
    query = dict(parse_qsl(parts.query))
    assert (parts.path, query["context"]) == ("/bigcommerce/auth", f"stores/{NEWCOMER}")
    assert query["code"]


def test_the_frame_opens_the_app_for_the_user_chosen(store: Store, panel: Panel) -> None:
    answer = panel.http.get(f"{panel.base}/bigcommerce/store-{HASH}/manage/app?path=/orders", timeout=10)
    assert "/bigcommerce/load?signed_payload_jwt=" in answer.text
    assert "frame-src http://127.0.0.1" in answer.headers["Content-Security-Policy"]
    assert "Robin Staff, staff" in answer.text


def test_a_form_of_another_site_is_refused(store: Store, panel: Panel) -> None:
    path = f"{panel.base}/bigcommerce/store-{HASH}/manage/settings"
    assert panel.http.post(path, data={"plan": "pro"}, timeout=10).status_code == 403


def test_what_is_not_there_is_404(store: Store, panel: Panel) -> None:
    for path in ("/bigcommerce/store-nosuch/manage/orders", f"/bigcommerce/store-{HASH}/manage/orders/99999"):
        assert panel.http.get(panel.base + path, timeout=10).status_code == 404
