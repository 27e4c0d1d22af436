"""Importing older orders (F30): counted first, imported by choice, gone on with after a stop, and never twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from accounts.models import MarketplaceAccount, Membership
from orders import backfill, pull
from orders.domain.past import Past, Shipped
from orders.models import BackFill, Order, OrderPull
from orders.pull import database_now
from salestio import tenancy
from tests.factories import Cast, make_merchant
from tests.orders.conftest import Start
from tests.orders.world import World, run_due

SKU = "NP-MBL-200-W-S-FOR"


@pytest.fixture
def older(world: World) -> World:
    """The world just connected: what was bought until now is from before."""
    world.set_stock(SKU, 10)
    return world


def connect_now(world: World) -> None:
    with tenancy.scope(world.merchant_id):
        MarketplaceAccount.objects.update(orders_from=now() + timedelta(hours=1))


def job_of(world: World) -> BackFill:
    with tenancy.scope(world.merchant_id):
        job = backfill.newest(world.account().pk)
    assert job is not None
    return job


def counted(world: World) -> BackFill:
    wanted = backfill.Span(now() - timedelta(days=2), now() + timedelta(seconds=1))
    assert backfill.count(world.account(), wanted, actor="owner@example.com") is not None
    world.work_until(lambda: job_of(world).state == "counted")
    return job_of(world)


def imported(world: World, past: Past) -> BackFill:
    counted(world)
    assert backfill.start(world.account(), past=past, actor="owner@example.com")
    world.work_until(lambda: job_of(world).state == "done")
    return job_of(world)


def test_counting_tells_what_is_there_and_imports_nothing(older: World) -> None:
    (known,) = older.buy((SKU, 1))
    older.work(known)
    connect_now(older)
    older.buy((SKU, 1), count=2)
    older.buy((SKU, 1), status="shipped")

    job = counted(older)

    assert (job.counted["read"], job.counted["new"], job.counted["known"]) == (4, 3, 1)
    assert job.counted["shipped"] == 1
    assert sum(job.counted["status"].values()) == 4
    with tenancy.scope(older.merchant_id):
        assert Order.objects.count() == 1


def test_older_orders_are_imported_and_left_out_unless_the_merchant_chooses_otherwise(older: World) -> None:
    connect_now(older)
    (open_one,) = older.buy((SKU, 1))
    (shipped,) = older.buy((SKU, 1), status="shipped")

    job = imported(older, Past())
    older.work(open_one, shipped, until=("skipped",))

    assert (job.imported["new"], job.imported["queued"]) == (2, 0)
    for reference in (open_one, shipped):
        order = older.order(reference)
        assert order is not None and order.reason_code == "BEFORE_CONNECTION"
        assert older.store_orders(reference) == []


def test_chosen_orders_are_created_once_and_shipped_ones_leave_stock_alone(older: World) -> None:
    connect_now(older)
    (open_one,) = older.buy((SKU, 1))
    (shipped,) = older.buy((SKU, 2), status="shipped")

    job = imported(older, Past(Shipped.CREATE, open_too=True))
    older.work(open_one, shipped, until=("created",))
    again = imported(older, Past(Shipped.CREATE, open_too=True))

    assert (job.imported["new"], job.imported["queued"]) == (2, 2)
    assert (again.imported["new"], again.imported["known"]) == (0, 2)
    assert [len(older.store_orders(reference)) for reference in (open_one, shipped)] == [1, 1]
    assert older.units(SKU) == 9


def test_shipped_orders_take_their_units_when_the_merchant_wants_that(older: World) -> None:
    connect_now(older)
    (shipped,) = older.buy((SKU, 2), status="shipped")

    imported(older, Past(Shipped.CREATE_AND_TAKE))
    older.work(shipped, until=("created",))

    assert len(older.store_orders(shipped)) == 1
    assert older.units(SKU) == 8


def test_settings_of_the_account_count_for_older_orders_too(older: World) -> None:
    connect_now(older)
    older.buy((SKU, 1), fulfilled_by="marketplace", status="shipped")

    job = imported(older, Past(Shipped.CREATE, open_too=True))

    assert (job.imported["new"], job.imported["queued"]) == (1, 0)
    with tenancy.scope(older.merchant_id):
        assert Order.objects.get().reason_code == "FBA_FILTERED"


def test_an_import_goes_on_at_the_page_where_it_stopped(older: World) -> None:
    connect_now(older)
    older.buy((SKU, 1), count=130)
    counted(older)
    backfill.start(older.account(), past=Past(), actor="owner@example.com")

    backfill.run(older.merchant_id, older.account().pk, seconds=0)
    half = job_of(older)
    older.fault(platform="amazon", operation="searchOrders", kind="status", params={"code": 503}, count=1)
    backfill.run(older.merchant_id, older.account().pk)
    broken = job_of(older)
    with tenancy.scope(older.merchant_id):
        BackFill.objects.update(next_attempt_at=now())
    older.mend()
    older.work_until(lambda: job_of(older).state == "done")

    assert half.state == "running" and half.page_token and half.imported["read"] == 100
    assert broken.page_token == half.page_token and broken.error_text
    assert job_of(older).imported["read"] == 130
    with tenancy.scope(older.merchant_id):
        assert Order.objects.count() == 130


def test_a_stopped_import_stays_stopped_and_keeps_what_it_imported(older: World) -> None:
    connect_now(older)
    older.buy((SKU, 1), count=120)
    counted(older)
    backfill.start(older.account(), past=Past(), actor="owner@example.com")
    backfill.run(older.merchant_id, older.account().pk, seconds=0)

    assert backfill.cancel(older.account())
    run_due()

    assert job_of(older).state == "canceled"
    with tenancy.scope(older.merchant_id):
        assert Order.objects.count() == 100


@pytest.mark.parametrize("platform", ["ebay", "etsy"])
def test_every_marketplace_counts_and_imports_its_older_orders(start: Start, platform: str) -> None:
    world = start("harbour", platform=platform)
    listed = world.listings()[0]
    connect_now(world)
    world.place([{"sku": listed["sku"], "quantity": 1}], count=2)
    account = world.account(world.seller)
    wanted = backfill.Span(now() - timedelta(days=2), now() + timedelta(minutes=1))

    def both_are_counted() -> bool:
        # eBay's lists end some seconds before its present: what was bought a moment ago is not in them yet.
        job = newest_of(world)
        if job is None or (job.state == "counted" and job.counted["new"] < 2):
            backfill.count(account, wanted, actor="owner@example.com")
            return False
        return job.state == "counted"

    world.work_until(both_are_counted, seconds=60.0)
    backfill.start(account, past=Past(), actor="owner@example.com")
    world.work_until(lambda: getattr(newest_of(world), "state", "") == "done", seconds=40.0)

    job = newest_of(world)
    assert job is not None and job.imported["new"] == 2
    with tenancy.scope(world.merchant_id):
        assert set(Order.objects.values_list("reason_code", flat=True)) == {"BEFORE_CONNECTION"}


def newest_of(world: World) -> BackFill | None:
    with tenancy.scope(world.merchant_id):
        return backfill.newest(world.account(world.seller).pk)


# ── the limit, the days, the page ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def merchant(db: None) -> Cast:
    return make_merchant()


def test_a_back_fill_leaves_calls_to_the_accounts_own_sweep(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        moment = database_now()
        OrderPull.objects.create(account=merchant.account, cursor=moment)
        taken = 0
        while backfill._slot(merchant.account.pk, moment, 1 / 180, 20) == 0:
            taken += 1

        assert taken == 15
        OrderPull.objects.update(lease_until=moment + timedelta(seconds=60), limit_tat=0)
        assert backfill._slot(merchant.account.pk, moment, 1 / 180, 20) > 0
        assert backfill._slot(merchant.account.pk, moment, 0.0, 0) == 0


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [(5, 9, "before the first"), (-1, -2, "future"), (800, 1, "two years")],
)
def test_days_that_cannot_be_are_told(first: int, last: int, word: str) -> None:
    today = now().date()

    with pytest.raises(backfill.NotThatTime, match=word):
        backfill.span(today - timedelta(days=first), today - timedelta(days=last))


def test_both_days_are_included() -> None:
    wanted = backfill.span(now().date() - timedelta(days=3), now().date() - timedelta(days=2))

    assert wanted.before - wanted.after == timedelta(days=2)


@pytest.fixture
def browser(merchant: Cast) -> Client:
    client = Client()
    client.force_login(merchant.user)
    return client


def post(browser: Client, cast: Cast, **body: Any) -> str:
    answer = browser.post(f"/accounts/{cast.account.pk}/older-orders/", body, follow=True)
    return answer.content.decode()


def test_the_page_counts_then_imports_with_the_chosen_way(browser: Client, merchant: Cast) -> None:
    today = now().date()
    empty = browser.get(f"/accounts/{merchant.account.pk}/older-orders/").content.decode()
    counting = post(browser, merchant, do="count", first=str(today - timedelta(days=9)), last=str(today))
    with tenancy.scope(merchant.id):
        BackFill.objects.update(
            state="counted", counted={"read": 5, "new": 3, "known": 2, "shipped": 1, "old": 1, "status": {"paid": 5}}
        )
    ready = browser.get(f"/accounts/{merchant.account.pk}/older-orders/").content.decode()
    running = post(browser, merchant, do="start", shipped="create_and_take", open_too="on")

    assert "Count orders" in empty
    assert "Counting" in counting
    assert "Import 3 orders" in ready and "older than 50 days" in ready
    assert "Importing" in running
    with tenancy.scope(merchant.id):
        job = BackFill.objects.get()
        assert (job.state, job.shipped, job.open_too) == ("running", "create_and_take", True)


def test_only_one_import_of_an_account_runs_at_a_time(browser: Client, merchant: Cast) -> None:
    today = str(now().date())
    with tenancy.scope(merchant.id):
        BackFill.objects.create(account=merchant.account, after=now(), before=now(), state="running")

    assert "is running" in post(browser, merchant, do="count", first=today, last=today)


def test_a_viewer_looks_and_a_manager_imports(browser: Client, merchant: Cast) -> None:
    Membership.objects.update(role="viewer")
    today = str(now().date())

    page = browser.get(f"/accounts/{merchant.account.pk}/older-orders/")
    answer = browser.post(
        f"/accounts/{merchant.account.pk}/older-orders/", {"do": "count", "first": today, "last": today}
    )

    assert page.status_code == 200
    assert answer.status_code == 403
    with tenancy.scope(merchant.id):
        assert not BackFill.objects.exists()


# ── older orders that are not ready yet, or short ────────────────────────────────────────────────────────────────────


def test_an_older_order_that_was_left_out_unpaid_stays_left_out_when_it_is_paid(older: World) -> None:
    connect_now(older)
    (unpaid,) = older.buy((SKU, 1), status="pending")
    imported(older, Past())

    older.change(unpaid, status="paid")
    with tenancy.scope(older.merchant_id):
        pull.hear(older.account().pk, [unpaid])
    older.work_until(lambda: older.known(unpaid).status == "paid")
    older.work(unpaid, until=("skipped", "created", "held"))

    assert (older.known(unpaid).export_state, older.known(unpaid).reason_code) == ("skipped", "BEFORE_CONNECTION")
    assert older.store_orders(unpaid) == []


def test_an_older_order_the_merchant_wants_is_created_once_it_is_paid(older: World) -> None:
    connect_now(older)
    (unpaid,) = older.buy((SKU, 1), status="pending")
    imported(older, Past(open_too=True))

    older.change(unpaid, status="paid")
    with tenancy.scope(older.merchant_id):
        pull.hear(older.account().pk, [unpaid])
    older.work(unpaid, until=("created",))

    assert len(older.store_orders(unpaid)) == 1


def test_a_parcel_of_last_month_that_is_short_stands_in_nobodys_way(older: World) -> None:
    connect_now(older)
    older.read(SKU)
    (shipped,) = older.buy((SKU, 20), status="shipped")
    imported(older, Past(Shipped.CREATE_AND_TAKE))
    older.work(shipped, until=("held",))
    assert older.known(shipped).reason_code == "OUT_OF_STOCK"
    with tenancy.scope(older.merchant_id):
        MarketplaceAccount.objects.update(orders_from=now() - timedelta(hours=1))

    (today,) = older.buy((SKU, 1))
    older.work(today)

    assert older.known(today).export_state == "created"
