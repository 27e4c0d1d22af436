"""The count of a bulk export on the Orders page: from the orders themselves, live until all are at rest, then as a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from orders import bulk, jobs, pipeline
from orders.models import BulkExport, Order
from salestio import tenancy
from tests.factories import Cast
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order
from tests.pages.test_orders_page import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def export(pages: Client, orders: Sequence[Order], query: str = "") -> str:
    """Export these orders at once and return the page that follows, as text."""
    body = {"order": [order.pk for order in orders], "query": query}
    return text_of(pages.post("/orders/export/", body, follow=True))


def stands(cast: Cast, order: Order, fields: dict[str, Any]) -> None:
    """Have an order stand like this from now on."""
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=order.pk).update(**fields)


def strip(pages: Client, query: str = "") -> str:
    """Return the strip of the newest bulk export as the list shows it, empty when there is none."""
    found = re.search(
        r'<section class="banner bulk-run.*?</section>', pages.get(f"/orders/{query}").content.decode(), re.DOTALL
    )
    return found[0] if found else ""


def words(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", markup)).strip()


def poll(pages: Client, **headers: str) -> Any:
    """Ask what the open page asks every five seconds."""
    page = pages.get("/orders/").content.decode()
    (address,) = re.findall(r'data-poll="([^"]+)"', page)
    return pages.get(address.replace("&amp;", "&"), headers=headers)


def test_a_bulk_export_is_counted_live_until_all_are_at_rest(pages: Client, merchant: Cast) -> None:
    orders = [save_order(merchant, after=OUT_OF_STOCK) for _ in range(5)]
    stored = save_order(merchant, after=in_store())
    asked = export(pages, [*orders, stored], "view=needs")

    begun = poll(pages)
    for order, fields in zip(orders, (in_store("#1"), in_store("#2"), OUT_OF_STOCK, NO_MATCH), strict=False):
        stands(merchant, order, fields)
    going = poll(pages)
    stands(merchant, orders[4], {"export_state": "waiting", "reason_code": "THROTTLED"})
    waits = words(strip(pages))
    stands(merchant, orders[4], in_store("#3"))
    done = poll(pages)

    assert "Bulk export of 5 orders goes on: 0 in your store, 5 on the way" in words(begun.content.decode())
    assert "1 more was left as it was" in asked
    assert "data-say" not in begun.content.decode().partition("bulk-run")[2]
    assert "2 in your store, 2 on hold (1 missing products, 1 out of stock), 1 on the way" in words(
        going.content.decode()
    )
    assert "1 waiting (1 pause)" in waits
    closing = "Bulk export of 5 orders is through: 3 in your store, 2 on hold (1 missing products, 1 out of stock)"
    assert closing in words(done.content.decode())
    assert f'data-say="{closing}"' in done.content.decode(), "screen readers hear the closing sentence, not each step"
    assert closing in words(strip(pages)), "a reload says it again"
    assert closing in words(strip(browser_of(merchant))), "and so does another browser"


def browser_of(cast: Cast) -> Client:
    """Return another browser of the same person."""
    client = Client()
    client.force_login(cast.user)
    return client


def test_each_number_leads_to_exactly_its_orders_whatever_their_age(pages: Client, merchant: Cast) -> None:
    mine = [save_order(merchant, after=OUT_OF_STOCK) for _ in range(2)]
    save_order(merchant, after=OUT_OF_STOCK)
    export(pages, mine)
    for order in mine:
        stands(merchant, order, OUT_OF_STOCK | {"purchased_at": now() - timedelta(days=400)})

    (link,) = re.findall(r'href="([^"]+)">2 out of stock', strip(pages))
    listed = pages.get(link.replace("&amp;", "&"))

    assert {row.pk for row in listed.context["rows"]} == {order.pk for order in mine}
    assert "Bulk export" in text_of(listed)


def test_an_order_mended_later_moves_in_the_count(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    export(pages, [order])
    stands(merchant, order, OUT_OF_STOCK)
    held = words(strip(pages))

    stands(merchant, order, in_store())

    assert "0 in your store, 1 on hold (1 out of stock)" in held
    assert "Bulk export of 1 order is through: 1 in your store." in words(strip(pages))


def test_what_is_not_created_is_told_so_that_the_numbers_add_up(pages: Client, merchant: Cast) -> None:
    orders = [save_order(merchant, after=OUT_OF_STOCK) for _ in range(3)]
    export(pages, orders)
    stands(merchant, orders[0], {"export_state": "canceled", "reason_code": "CANCELED"})
    stands(merchant, orders[1], in_store())
    with tenancy.scope(merchant.id):
        Order.objects.filter(pk=orders[2].pk).delete()

    assert "1 in your store, not created: 1 canceled, 1 no longer here" in words(strip(pages))


def test_nothing_changed_is_304_and_a_step_is_not(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    export(pages, [order])
    tag = poll(pages)["ETag"]

    same = poll(pages, **{"If-None-Match": tag})
    with tenancy.scope(merchant.id):
        other = save_order(merchant, after=OUT_OF_STOCK)
        BulkExport.objects.update(order_ids=[other.pk])
    changed = poll(pages, **{"If-None-Match": tag})

    assert (same.status_code, changed.status_code) == (304, 200)


def test_a_closed_count_stays_closed_and_only_a_manager_closes_it(
    as_role: Callable[[str], Client], merchant: Cast, stranger: Cast
) -> None:
    manager = as_role("manager")
    export(manager, [save_order(merchant, after=OUT_OF_STOCK)])
    with tenancy.scope(merchant.id):
        url = f"/orders/export/{BulkExport.objects.get().pk}/close/"
    foreign = browser_of(stranger)

    viewer = as_role("viewer")
    refused = viewer.post(url).status_code
    seen = strip(viewer)
    strange = foreign.post(url).status_code
    manager = as_role("manager")
    closed = manager.post(url, {"query": "view=needs"})

    assert (refused, strange) == (403, 404)
    assert "goes on" in seen and "Close this count" not in seen
    assert (closed.status_code, closed["Location"]) == (302, "/orders/?view=needs")
    assert strip(manager) == "" and strip(foreign) == ""


def test_the_newest_is_shown_with_older_ones_that_still_go_on(pages: Client, merchant: Cast) -> None:
    through, going, newest = (save_order(merchant, after=OUT_OF_STOCK) for _ in range(3))
    for order in (through, going, newest):
        export(pages, [order])
    for order in (through, newest):
        stands(merchant, order, in_store())
    with tenancy.scope(merchant.id):
        shown = [one.run.pk for one in bulk.beside("shopify")[1]]
        BulkExport.objects.update(created_at=now() - timedelta(days=1, seconds=1))
        later = bulk.beside("shopify")[1]
        runs = {tuple(run.order_ids): run.pk for run in BulkExport.objects.all()}

    assert shown == [runs[newest.pk,], runs[going.pk,]]
    assert later == []


def test_orders_asked_again_stand_in_the_newer_count_only(pages: Client, merchant: Cast) -> None:
    one, two, other = (save_order(merchant, after=OUT_OF_STOCK) for _ in range(3))
    export(pages, [one, two])
    export(pages, [other])
    stands(merchant, two, OUT_OF_STOCK)

    export(pages, [two])

    with tenancy.scope(merchant.id):
        left = [run.order_ids for run in BulkExport.objects.filter(closed_at=None).order_by("pk")]
    assert left == [[other.pk], [two.pk]]


def test_ten_thousand_orders_are_counted_in_one_statement(merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    with tenancy.scope(merchant.id):
        run = bulk.note(order_ids=[order.pk, *range(10**9, 10**9 + 9_999)], left=0, actor="x")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = bulk.followed([run.pk], "shopify")[0]

    assert len(asked) == 1
    assert (found.total, found.on_hold, found.others[0].number) == (10_000, 1, 9_999)


def test_one_order_exported_from_its_own_page_starts_no_count(merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    pipeline.export_many(merchant.id, [order.pk], actor="support")

    with tenancy.scope(merchant.id):
        assert not BulkExport.objects.exists()


def test_old_bulk_exports_are_dropped_by_the_tidy_job(pages: Client, merchant: Cast) -> None:
    for days in (8, 6):
        export(pages, [save_order(merchant, after=OUT_OF_STOCK)])
        with tenancy.scope(merchant.id):
            BulkExport.objects.filter(pk=BulkExport.objects.latest("pk").pk).update(
                created_at=now() - timedelta(days=days)
            )

    jobs.tidy(merchant.id, now())

    with tenancy.scope(merchant.id):
        assert BulkExport.objects.count() == 1


@pytest.mark.parametrize("number", ["0", "999999999", "9" * 30, "x", "\u0663", "-1"])
def test_a_bulk_export_that_is_none_lists_nothing_or_is_left_out(pages: Client, merchant: Cast, number: str) -> None:
    save_order(merchant)

    listed = pages.get("/orders/", {"run": number})

    assert listed.status_code == 200
    assert len(listed.context["rows"]) == (0 if number == "999999999" else 1)
    assert pages.get("/orders/live/", {"runs": number}).status_code == 200
