"""Every pretend platform is asked the same questions over the control API, whatever its own wire format is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import catalog
from connectors.sandbox.odd_addresses import ODD_ADDRESSES
from connectors.sandbox.platforms import FOLDERS, PLATFORMS
from connectors.sandbox.traffic import STARTING_SET
from salestio.launch.environment import make_credentials
from tests.sandbox.process import Process
from tests.sandbox.visitor import Browser

MARKETS = [name for name in FOLDERS if catalog.sellers(name)]
STORES = [name for name in FOLDERS if catalog.stores(name)]
LISTING = {
    "sku", "title", "quantity", "price", "fulfilled_by", "version", "updated_at", "kind", "store_sku", "variation",
    "item_id",
}  # fmt: skip
ORDER = {
    "id", "status", "site", "fulfilled_by", "created_at", "updated_at", "lines", "total", "currency", "shipments",
    "canceled", "refunds",
}  # fmt: skip
VARIANT = {"id", "sku", "product_title", "options", "tracked", "policy", "price", "barcode", "status", "locations"}


def _credentials(directory: Path) -> Path:
    """Write credentials of every platform there is, as each one's settings make them."""
    path = directory / "credentials.json"
    made = make_credentials()
    words = {name: made[name] for name in FOLDERS}
    path.write_text(json.dumps(words))
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One sandbox with every platform and without the order stream."""
    directory = tmp_path_factory.mktemp("platforms")
    process = Process(directory / "data", "--no-traffic", credentials=_credentials(directory))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def five(running: Process) -> Process:
    """That sandbox as at its first start, without limits and delays."""
    running.control("POST", "/reset", {})
    running.control("POST", "/limits", {"profile": "off"})
    return running


def ask(process: Process, method: str, path: str, body: Any = None) -> requests.Response:
    """Call the control API and return the answer, whatever it is."""
    return requests.request(method, f"{process.url}/_control{path}", json=body, timeout=30)


def demo(platform: str) -> dict[str, Any]:
    """Return a demo seller who has merchant and access."""
    return next(row for row in catalog.sellers(platform) if row["merchant"])


def plain(seller: dict[str, Any]) -> dict[str, Any]:
    """Return a listing with a SKU that is sold without questions."""
    return next(
        row
        for row in seller["listings"]
        if row["kind"] == "plain" and row["sku"] and row["quantity"] > 5 and not row["needs_options"]
    )


def orders_of(platform: str) -> str:
    """Return the address of a demo seller's orders."""
    return f"/accounts/{platform}/{demo(platform)['key']}/orders"


# ── marketplaces ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("platform", MARKETS)
def test_every_demo_seller_lists_what_the_catalog_says(five: Process, platform: str) -> None:
    for seller in catalog.sellers(platform):
        rows = five.control("GET", f"/accounts/{platform}/{seller['key']}/listings")
        assert sorted((r["sku"], r["kind"], r["store_sku"]) for r in rows) == sorted(
            (r["sku"], r["kind"], r["store_sku"]) for r in seller["listings"]
        )
        assert set(rows[0]) >= LISTING
        sku = plain(seller)["sku"] if seller["merchant"] else rows[0]["sku"]
        assert [r["sku"] for r in five.control("GET", f"/accounts/{platform}/{seller['key']}/listings?sku={sku}")] == [
            sku
        ]


@pytest.mark.parametrize("platform", MARKETS)
def test_buyers_order_by_sku_and_the_order_is_read_back(five: Process, platform: str) -> None:
    seller = demo(platform)
    row = plain(seller)
    body = {"lines": [{"sku": row["sku"], "quantity": 2, "unit_price": "10.00"}], "count": 3}

    ids = five.control("POST", orders_of(platform), body)["ids"]

    assert len(set(ids)) == 3
    listed = five.control("GET", orders_of(platform) + "?limit=2")
    assert len(listed["results"]) == 2 and listed["next"]
    rest = five.control("GET", f"{orders_of(platform)}?limit=2&cursor={listed['next']}")
    assert rest["next"] is None
    assert {o["id"] for o in listed["results"] + rest["results"]} == set(ids)
    order = five.control("GET", f"{orders_of(platform)}/{ids[0]}")
    assert set(order) >= ORDER
    assert (order["status"], order["currency"], order["site"]) == ("paid", seller["currency"], seller["sites"][0])
    (line,) = order["lines"]
    assert (line["sku"], line["quantity"], line["shipped"], line["unit_price"]) == (row["sku"], 2, 0, "10.00")
    assert line["total"] == "20.00" and re.fullmatch(r"\d+\.\d\d", order["total"])
    assert (order["shipments"], order["refunds"]) == ([], []) and not order["canceled"]


@pytest.mark.parametrize("platform", MARKETS)
def test_an_address_that_stores_refuse_is_ordered_by_its_name(five: Process, platform: str) -> None:
    line = {"sku": plain(demo(platform))["sku"], "quantity": 1}

    for name in ODD_ADDRESSES:
        body = {"lines": [line], "buyer": {"address": name, "name": "Ada Example"}}
        (order_id,) = five.control("POST", orders_of(platform), body)["ids"]
        assert five.control("GET", f"{orders_of(platform)}/{order_id}")["status"] == "paid"
    refused = ask(five, "POST", orders_of(platform), {"lines": [line], "buyer": {"address": "the moon"}})

    assert (refused.status_code, refused.json()["field"]) == (400, "buyer.address")


@pytest.mark.parametrize("platform", [name for name in MARKETS if name != "amazon"])
def test_a_listing_without_a_sku_is_bought_by_its_numbers(five: Process, platform: str) -> None:
    key = demo(platform)["key"]
    row = next(r for r in five.control("GET", f"/accounts/{platform}/{key}/listings") if not r["sku"])
    line = {"sku": "", "quantity": 1, "item_id": row["item_id"]}
    if row.get("variation_id"):
        line["variation_id"] = row["variation_id"]

    (order_id,) = five.control("POST", orders_of(platform), {"lines": [line]})["ids"]

    (bought,) = five.control("GET", f"{orders_of(platform)}/{order_id}")["lines"]
    assert not bought["sku"] and row["title"] in bought["title"]


@pytest.mark.parametrize("platform", MARKETS)
def test_a_visitor_buys_pays_and_is_told_the_sum(five: Process, platform: str) -> None:
    seller, visitor = demo(platform), Browser(five.url)
    named = {"platform": platform, "seller": seller["key"]}
    row = next((r for r in seller["listings"] if not r["sku"]), plain(seller))
    page = visitor.get(f"/buyer?platform={platform}&seller={seller['key']}&q={row['title'].rpartition(' ')[2]}")
    (field,) = {name for name in re.findall(r'name="((?:sku|item):[^"]+)"', page) if _names(name, row)}

    page = visitor.post("/buyer/place", **named, **{field: "1"}, count="2", status="pending")

    assert "2 orders were placed." in page and "your last 2" in page
    orders = five.control("GET", orders_of(platform))["results"]
    assert [[line["quantity"] for line in order["lines"]] for order in orders] == [[1], [1]]
    said = visitor.post("/buyer/change", **named, id=orders[0]["id"], status="paid")
    assert "is paid now." in said and "your last 2" in said
    assert "There is no such order." in visitor.post("/buyer/change", **named, id="1-2-3", status="paid")


def _names(field: str, row: dict[str, Any]) -> bool:
    """Say whether an input's name stands for a listing."""
    return field == (f"sku:{row['sku']}" if row["sku"] else f"item:{row['item_id']}:{row['variation_id']}")


@pytest.mark.parametrize("platform", MARKETS)
def test_an_order_lowers_what_the_listing_shows(five: Process, platform: str) -> None:
    sku = plain(demo(platform))["sku"]
    path = f"/accounts/{platform}/{demo(platform)['key']}/listings?sku={sku}"
    (before,) = five.control("GET", path)

    five.control("POST", orders_of(platform), {"lines": [{"sku": sku, "quantity": 2}]})

    (after,) = five.control("GET", path)
    assert after["quantity"] == before["quantity"] - 2 and after["version"] > before["version"]


@pytest.mark.parametrize("platform", MARKETS)
def test_an_order_is_paid_shipped_and_refunded(five: Process, platform: str) -> None:
    body = {"lines": [{"sku": plain(demo(platform))["sku"], "quantity": 1}], "status": "pending"}
    (order_id,) = five.control("POST", orders_of(platform), body)["ids"]
    assert five.control("GET", f"{orders_of(platform)}/{order_id}")["status"] == "pending"

    paid = five.control("PATCH", f"{orders_of(platform)}/{order_id}", {"status": "paid"})
    shipped = five.control(
        "PATCH", f"{orders_of(platform)}/{paid['id']}", {"status": "shipped", "carrier": "UPS", "tracking": "1Z999"}
    )
    refunded = five.control("PATCH", f"{orders_of(platform)}/{paid['id']}", {"refund": {"amount": "1.00"}})

    assert (paid["status"], shipped["status"]) == ("paid", "shipped")
    assert [parcel["tracking"] for parcel in shipped["shipments"]] == ["1Z999"]
    assert [refund["amount"] for refund in refunded["refunds"]] == ["1.00"]
    # The id the buyer was given at first is known still, whatever the payment did to it.
    assert five.control("GET", f"{orders_of(platform)}/{order_id}")["id"] == paid["id"]
    back = ask(five, "PATCH", f"{orders_of(platform)}/{paid['id']}", {"status": "pending"})
    assert back.status_code == 409 and back.json()["field"] == "status"


@pytest.mark.parametrize("platform", MARKETS)
def test_a_buyer_cancels(five: Process, platform: str) -> None:
    body = {"lines": [{"sku": plain(demo(platform))["sku"], "quantity": 1}]}
    (order_id,) = five.control("POST", orders_of(platform), body)["ids"]

    canceled = five.control("PATCH", f"{orders_of(platform)}/{order_id}", {"status": "canceled"})

    assert canceled["status"] == "canceled" and canceled["canceled"]


@pytest.mark.parametrize("platform", MARKETS)
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"quantity": 1}]}, "lines[0].sku"),
        ({"count": 0}, "count"),
        ({"status": "lost"}, "status"),
        ({"mode": "loud"}, "mode"),
        ({"site": "XX"}, "site"),
        ({"currency": "XXX"}, "currency"),
        ({"discount": "-1"}, "discount"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_order_is_refused_by_the_fields_name(
    five: Process, platform: str, wrong: dict[str, Any], field: str
) -> None:
    body = {"lines": [{"sku": plain(demo(platform))["sku"], "quantity": 1}], **wrong}

    answer = ask(five, "POST", orders_of(platform), body)

    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert five.control("GET", orders_of(platform))["results"] == []


@pytest.mark.parametrize("platform", MARKETS)
def test_what_a_marketplace_does_not_know_is_a_404(five: Process, platform: str) -> None:
    for method, path in (
        ("GET", f"{orders_of(platform)}/1-2-3"),
        ("PATCH", f"{orders_of(platform)}/1-2-3"),
        ("GET", f"/accounts/{platform}/NOBODY/listings"),
        ("POST", f"/accounts/{platform}/{demo(platform)['key']}/dance"),
    ):
        assert ask(five, method, path, None if method == "GET" else {}).status_code == 404, path


@pytest.mark.parametrize("platform", MARKETS)
def test_a_seller_withdraws_and_a_further_one_agrees(five: Process, platform: str) -> None:
    like = demo(platform)
    key = PLATFORMS[platform].key(1)
    known = five.control("GET", "/endpoints")["clients"][platform]["refresh_tokens"]
    assert set(known) >= {row["key"] for row in catalog.sellers(platform) if row["merchant"]}
    assert not set(known) & {row["key"] for row in catalog.sellers(platform) if not row["merchant"]}

    body = {"name": "Further", "like": like["key"]}
    made = five.control("PUT", f"/accounts/{platform}/{key}", body)

    assert made["key"] == key and made["refresh_token"]
    assert ask(five, "PUT", f"/accounts/{platform}/{key}", body).status_code == 409
    tokens = five.control("GET", "/endpoints")["clients"][platform]["refresh_tokens"]
    assert tokens[key] == made["refresh_token"]
    rows = five.control("GET", f"/accounts/{platform}/{key}/listings")
    assert len(rows) == len(like["listings"])
    five.control("POST", f"/accounts/{platform}/{key}/revoke", {})
    assert key not in five.control("GET", "/endpoints")["clients"][platform]["refresh_tokens"]


@pytest.mark.parametrize("platform", MARKETS)
def test_a_reset_forgets_orders_and_keeps_who_agreed(five: Process, platform: str) -> None:
    sku = plain(demo(platform))["sku"]
    path = f"/accounts/{platform}/{demo(platform)['key']}/listings?sku={sku}"
    before = five.control("GET", "/endpoints")["clients"][platform]["refresh_tokens"]
    shown = five.control("GET", path)[0]["quantity"]
    five.control("POST", orders_of(platform), {"lines": [{"sku": sku, "quantity": 3}]})

    five.control("POST", "/reset", {})

    assert five.control("GET", orders_of(platform))["results"] == []
    assert five.control("GET", path)[0]["quantity"] == shown
    assert five.control("GET", "/endpoints")["clients"][platform]["refresh_tokens"] == before


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("platform", STORES)
def test_every_demo_store_has_what_the_catalog_says(five: Process, platform: str) -> None:
    for store in catalog.stores(platform):
        rows: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = five.control("GET", f"/stores/{store['key']}/variants?cursor={cursor}")
            rows, cursor = rows + page["results"], page["next"]
        wanted = [variant for product in store["products"] for variant in product["variants"]]
        assert sorted(row["sku"] for row in rows) == sorted(variant["sku"] for variant in wanted)
        assert set(rows[0]) >= VARIANT
        units = {v["sku"]: sum(v["stock"]) for v in wanted if v["tracked"]}
        twice = {v["sku"] for v in wanted if [w["sku"] for w in wanted].count(v["sku"]) > 1}
        for row in rows:
            assert row["tracked"] == (row["sku"] in units), row["sku"]
            if row["tracked"] and row["sku"] not in twice:
                assert sum(place["available"] for place in row["locations"]) == units[row["sku"]], row["sku"]


@pytest.mark.parametrize("platform", STORES)
def test_a_merchant_counts_a_shelf_and_adds_a_product(five: Process, platform: str) -> None:
    store = next(row for row in catalog.stores(platform) if row["merchant"])
    path, sku = f"/stores/{store['key']}/variants", store["products"][0]["variants"][0]["sku"]

    changed = five.control("PUT", f"{path}?sku={sku}", {"available": 7})
    added = five.control("POST", path, {"product_title": "Brand New", "sku": "NEW-1", "price": "9.50", "available": 4})

    assert changed["locations"][0]["available"] == 7
    (found,) = five.control("GET", f"{path}?sku=NEW-1")["results"]
    assert found["id"] == added["id"] and found["product_title"] == "Brand New"
    assert sum(place["available"] for place in found["locations"]) == 4
    assert ask(five, "PUT", f"{path}?sku=NOBODYS", {"available": 1}).status_code == 404
    assert ask(five, "PUT", f"{path}?sku={sku}", {"surprise": 1}).status_code == 400
    assert five.control("GET", f"/stores/{store['key']}/orders") == {"results": [], "next": None}


@pytest.mark.parametrize("platform", STORES)
def test_a_foreign_client_gets_a_token_of_each_demo_store_and_of_a_further_one(five: Process, platform: str) -> None:
    tokens = five.control("GET", "/endpoints")["clients"][platform]["tokens"]
    assert set(tokens) == {row["key"] for row in catalog.stores(platform) if row["merchant"]}
    assert all(token["access_token"] for token in tokens.values())
    key = PLATFORMS[platform].key(1)
    like = next(row for row in catalog.stores(platform) if row["merchant"])

    made = five.control("PUT", f"/stores/{key}", {"platform": platform, "name": "Further", "like": like["key"]})

    assert made["key"] == key and made["tokens"]["access_token"]
    rows = five.control("GET", f"/stores/{key}/variants?sku={like['products'][0]['variants'][0]['sku']}")["results"]
    assert len(rows) == 1
    assert ask(five, "PUT", f"/stores/{key}", {"platform": platform, "like": like["key"]}).status_code == 409


def test_a_key_of_no_platforms_form_and_an_unknown_store_are_refused(five: Process) -> None:
    assert ask(five, "PUT", "/stores/Not%20A%20Key!", {}).json()["field"] == "key"
    assert ask(five, "PUT", "/stores/a.myshopify.com", {"platform": "bazaar"}).json()["field"] == "platform"
    assert ask(five, "GET", "/stores/nobody.myshopify.com/variants").status_code == 404


# ── all together ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_platform_says_where_it_is_and_which_operations_can_be_broken(five: Process) -> None:
    known = five.control("GET", "/endpoints")
    limits = five.control("GET", "/limits")
    broken = requests.get(f"{five.url}/break", timeout=10).text

    for platform in FOLDERS:
        assert known[platform] and all(str(url).startswith(five.url) for url in known[platform].values()), platform
        assert known["clients"][platform], platform
        assert limits[platform]["profile"] == "off"
        assert f'<option value="{platform}">' in broken
        assert re.search(rf"\b{re.escape(PLATFORMS[platform].operation)}\b", broken), platform


def test_the_overview_leads_to_every_stores_admin_and_every_seller(five: Process) -> None:
    page = requests.get(five.url, timeout=10).text

    for platform in MARKETS:
        for seller in catalog.sellers(platform):
            assert f"/buyer?platform={platform}&amp;seller={seller['key']}" in page
            shown = requests.get(f"{five.url}/buyer?platform={platform}&seller={seller['key']}", timeout=10)
            assert shown.status_code == 200 and seller["name"].replace("&", "&amp;") in shown.text
    admins = re.findall(r'<a class="id" href="([^"]+)">', page)
    for platform in STORES:
        for store in catalog.stores(platform):
            (admin,) = [url for url in admins if store["key"] in url and "/buyer" not in url]
            assert requests.get(admin, timeout=10).status_code == 200, admin


def test_the_order_stream_begins_with_orders_of_every_marketplace(tmp_path: Path) -> None:
    process = Process(tmp_path / "data", credentials=_credentials(tmp_path))
    process.start()
    try:
        process.control("POST", "/traffic", {"start": True})

        placed = {
            seller["key"]: process.control("GET", f"/accounts/{platform}/{seller['key']}/orders")["results"]
            for platform in MARKETS
            for seller in catalog.sellers(platform)
        }
        merchants = {seller["key"]: seller["merchant"] for platform in MARKETS for seller in catalog.sellers(platform)}
        assert all(bool(orders) == bool(merchants[key]) for key, orders in placed.items())
        assert STARTING_SET <= sum(map(len, placed.values())) <= STARTING_SET + 1
    finally:
        process.kill()
