"""The Orders page as a merchant uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.contract.types import OrderStatus
from orders.models import Order, OrderEvent, SavedView
from salestio import tenancy
from tests.factories import Cast
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    """Return the page's text without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_an_empty_page_says_what_will_appear(pages: Client) -> None:
    assert "No orders yet" in text_of(pages.get("/orders/"))


def test_a_row_says_why_an_order_is_not_in_the_store_and_offers_one_way_on(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=OUT_OF_STOCK)
    save_order(merchant, after=NO_MATCH)

    page = text_of(pages.get("/orders/"))

    assert "2 ordered, 1 available at Portland Warehouse: NP-MUG" in page
    assert "Missing products in Shopify: SKU: STV-TI-2-CA" in page
    assert "Review order" in page and "Match order" in page
    assert "Margaret Okonkwo" in page and "$18.50" in page


def test_an_order_in_the_store_links_to_it(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=in_store("#10482"))

    page = pages.get("/orders/").content.decode()

    assert re.search(r'<a class="shop-id" href="[^"]+/orders/10482"[^>]*>#10482</a>', page)


def test_a_row_leads_to_the_order_at_the_marketplace(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant)

    page = pages.get("/orders/").content.decode()

    assert re.search(rf'<a class="out" href="[^"]+/orders-v3/order/{order.marketplace_order_id}"', page)


def test_the_page_asks_at_most_twelve_questions(pages: Client, merchant: Cast) -> None:
    for _ in range(12):
        save_order(merchant, after=OUT_OF_STOCK)
    pages.get("/orders/")

    for query in (
        "",
        "view=needs",
        "q=Okonkwo",
        "sku=NP-MUG",
        "state=held&state=waiting",
        "reason=OUT_OF_STOCK",
        "low=1",
    ):
        with CaptureQueriesContext(connection) as caught:
            assert pages.get(f"/orders/?{query}").status_code == 200
        asked = [q["sql"] for q in caught.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        # The test's own scope stands inside a transaction and puts the setting back: one statement more than in production.
        assert len([sql for sql in asked if "set_config('app.merchant', ''" not in sql]) <= 12, (query, len(asked))


def test_an_open_page_learns_of_changes_and_is_told_304_when_there_are_none(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, purchased_at=datetime.now(UTC) - timedelta(minutes=9), after=OUT_OF_STOCK)
    page = pages.get("/orders/").content.decode()
    poll = re.search(r'data-poll="([^"]+)"', page)
    assert poll
    url = poll.group(1).replace("&amp;", "&")

    first = pages.get(url)
    again = pages.get(url, headers={"if-none-match": first["ETag"]})
    with tenancy.scope(merchant.id):
        Order.objects.filter(pk=order.pk).update(**in_store("#77"))
    save_order(merchant)
    changed = pages.get(url, headers={"if-none-match": first["ETag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert "1 new order · Show" in text_of(changed)
    assert "In store" in text_of(changed) and "#77" in text_of(changed)


def test_every_filter_in_force_is_a_chip_that_can_be_taken_off(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=OUT_OF_STOCK)

    page = pages.get(f"/orders/?state=held&account={merchant.account.pk}&low=5").content.decode()

    for name in ("In your store", "Account", "Total from", "Placed"):
        assert f'aria-label="Remove filter {name}"' in page


@pytest.mark.parametrize(
    "query",
    ["state=bogus", "from=never", "low=abc", "at=%00", "at=zzzz", "account=999999999999999999999", "q=%00", "ids=1.x"],
)
def test_nonsense_in_the_address_is_no_error(pages: Client, merchant: Cast, query: str) -> None:
    save_order(merchant)

    assert pages.get(f"/orders/?{query}").status_code == 200
    assert pages.get(f"/orders/live/?{query}").status_code == 200


def test_exporting_chosen_orders_makes_them_due_and_says_how_many(pages: Client, merchant: Cast) -> None:
    held = [save_order(merchant, after=OUT_OF_STOCK) for _ in range(3)]
    stored = save_order(merchant, after=in_store())

    answer = pages.post(
        "/orders/export/", {"order": [order.pk for order in [*held, stored]], "query": "view=needs"}, follow=True
    )

    with tenancy.scope(merchant.id):
        states = set(Order.objects.filter(pk__in=[o.pk for o in held]).values_list("export_state", "reason_code"))
        asked = OrderEvent.objects.filter(code="EXPORT_ASKED").count()
    assert states == {("imported", "QUEUED")}
    assert asked == 3
    assert "3 orders on the way to your store. 1 left as they are" in text_of(answer)
    assert answer.redirect_chain[0][0] == "/orders/?view=needs"


def test_all_that_match_are_exported_not_only_the_page(pages: Client, merchant: Cast) -> None:
    for _ in range(4):
        save_order(merchant, after=OUT_OF_STOCK)
    other = save_order(merchant, after=NO_MATCH)

    pages.post("/orders/export/", {"all": "1", "query": "reason=OUT_OF_STOCK"})

    with tenancy.scope(merchant.id):
        assert Order.objects.filter(reason_code="QUEUED").count() == 4
        assert Order.objects.get(pk=other.pk).reason_code == "NO_MATCH"


def test_a_viewer_may_look_and_not_act(as_role: Callable[[str], Client], merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    viewer = as_role("viewer")

    page = viewer.get("/orders/").content.decode()

    assert 'class="form-check-input m-0 pick"' not in page
    for url in ("/orders/export/", "/orders/check/", "/orders/fetch/", f"/orders/{order.pk}/export/", "/orders/views/"):
        assert viewer.post(url, {}).status_code == 403, url
    assert viewer.get(f"/orders/{order.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("view=needs", "Nothing needs you"),
        ("view=way", "Nothing is on its way"),
        ("view=ship", "Nothing is due today"),
        ("view=fba", "No order that the marketplace ships"),
        ("view=needs&sku=X", "No order fits"),
        ("sku=X&placed=1", "No order fits Looked at orders of today."),
    ],
)
def test_an_empty_view_says_what_would_be_there(pages: Client, merchant: Cast, query: str, words: str) -> None:
    save_order(merchant, status=OrderStatus.SHIPPED, after=in_store())

    assert words in text_of(pages.get(f"/orders/?{query}"))


def test_filters_are_kept_under_a_name_and_removed_again(pages: Client, merchant: Cast) -> None:
    save_order(merchant)

    pages.post("/orders/views/", {"name": "Holiday gift sets", "query": "sku=NP-MUG&placed=30"})
    page = text_of(pages.get("/orders/?sku=NP-MUG&placed=30"))
    with tenancy.scope(merchant.id):
        view = SavedView.objects.get()
    pages.post(f"/orders/views/{view.pk}/delete/")

    assert "Holiday gift sets" in page
    assert "Holiday gift sets" not in text_of(pages.get("/orders/")).replace("“Holiday gift sets” removed", "")


def test_fetching_needs_an_order_id_and_an_account_of_ones_own(pages: Client, merchant: Cast, stranger: Cast) -> None:
    empty = pages.post("/orders/fetch/", {"account": merchant.account.pk, "marketplace_order_id": " "})
    foreign = pages.post("/orders/fetch/", {"account": stranger.account.pk, "marketplace_order_id": "112-1"})

    assert empty.status_code == 422 and "Type the order id" in text_of(empty)
    assert foreign.status_code == 422


def test_check_now_asks_every_active_account(pages: Client, merchant: Cast) -> None:
    from orders.models import OrderPull

    with tenancy.scope(merchant.id):
        from orders.pull import on_account_connected

        on_account_connected(account_id=merchant.account.pk)

    answer = pages.post("/orders/check/", follow=True)

    with tenancy.scope(merchant.id):
        assert OrderPull.objects.get().asked_at is not None
    assert "Asking 1 account for new orders now" in text_of(answer)


def test_going_back_never_leads_to_another_site(pages: Client) -> None:
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", ""):
        assert pages.post("/orders/check/", {"back": target})["Location"] == "/orders/"


def test_times_are_in_the_merchants_time_zone(pages: Client, merchant: Cast) -> None:
    changed = datetime.now(UTC) - timedelta(minutes=90)
    save_order(merchant, updated_at=changed)
    with tenancy.scope(merchant.id):
        type(merchant.merchant).objects.filter(pk=merchant.id).update(timezone="Asia/Tokyo")

    page = text_of(pages.get("/orders/"))
    timezone.deactivate()

    assert f"{changed.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}" in page
    assert f"Northpine Supply US · {changed:%H:%M}" not in page
