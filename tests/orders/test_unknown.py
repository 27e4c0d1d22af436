"""No clear answer to a create: looked up, adopted or sent again, never doubled and never lost (MECHANISMS 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders import pipeline
from orders.models import StoreOrder
from orders.steps.unknown import Next, decide
from salestio import tenancy
from tests.orders.test_flow import SKU, read
from tests.orders.world import World

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
WAITS = (0.0, 15.0, 60.0, 180.0)


def decided(
    *, ago: float = 0.0, sends: int = 1, looks: int = 0, outage: float = 0.0, since: float | None = None
) -> Next:
    return decide(
        now=NOW, sent_at=NOW - timedelta(seconds=ago), unknown_since=NOW - timedelta(seconds=ago if since is None else since),
        outage=outage, sends=sends, clean_looks=looks, waits=WAITS, resend_after=120.0, give_up=1800.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({"ago": 1, "looks": 1}, Next.LOOK),
        ({"ago": 100, "looks": 4}, Next.LOOK),
        ({"ago": 121, "looks": 3}, Next.LOOK),
        ({"ago": 181, "looks": 4}, Next.SEND_AGAIN),
        ({"ago": 181, "looks": 4, "sends": 3}, Next.SEND_AGAIN),
        ({"ago": 181, "looks": 4, "sends": 4}, Next.HOLD),
        ({"ago": 1900, "looks": 2}, Next.HOLD),
        ({"ago": 1900, "looks": 2, "outage": 1500}, Next.LOOK),
    ],
)
def test_it_is_sent_again_only_after_all_looks_were_empty_and_two_minutes_passed(
    facts: dict[str, float], step: Next
) -> None:
    assert decided(**facts) is step  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["status_after", "drop_after"])
def test_an_answer_lost_after_the_store_did_the_work_is_found_and_adopted(world: World, kind: str) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind=kind, count=1, params={"code": 500})
    (reference,) = world.buy((SKU, 1))

    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1
    assert world.units(SKU) == 4
    events = world.events(reference)
    assert "NO_ANSWER" in events
    assert "FOUND_AFTER_ALL" in events


@pytest.mark.django_db(transaction=True)
def test_the_sum_of_an_order_found_after_all_is_compared_too(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="drop_after", count=1)
    world.fault(platform="shopify", operation="orderByIdentifier", kind="status", count=1, params={"code": 503})
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("unknown",))
    with tenancy.scope(world.merchant_id):
        asked = StoreOrder.objects.get(marketplace_order_id=reference)
        StoreOrder.objects.filter(pk=asked.pk).update(money=asked.money | {"total": "0.01"})

    world.work(reference, until=("created",))

    assert "TOTAL_DIFFERS" in world.events(reference)
    assert any("0.01" in alert for alert in world.alerts())


@pytest.mark.django_db(transaction=True)
def test_the_same_sum_in_another_currency_is_another_sum(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="drop_after", count=1)
    world.fault(platform="shopify", operation="orderByIdentifier", kind="status", count=1, params={"code": 503})
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("unknown",))
    with tenancy.scope(world.merchant_id):
        asked = StoreOrder.objects.get(marketplace_order_id=reference)
        StoreOrder.objects.filter(pk=asked.pk).update(money=asked.money | {"currency": "EUR"})

    world.work(reference, until=("created",))

    total = asked.money["total"]
    assert "TOTAL_DIFFERS" in world.events(reference)
    assert any(f"paid {total} EUR" in alert and f"says {total} USD" in alert for alert in world.alerts())


@pytest.mark.django_db(transaction=True)
def test_a_500_before_the_work_is_sent_again_after_the_looks_and_made_once(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="status", count=1, params={"code": 500})
    (reference,) = world.buy((SKU, 1))

    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1
    assert world.events(reference).count("SENDING_AGAIN") == 1
    assert len([write for write in world.writes("order.create") if write["reference"] == reference]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_search_that_lags_does_not_make_a_second_order(world: World) -> None:
    world.set_stock(SKU, 9)
    read(world, SKU)
    world.fault(platform="shopify", kind="search_lag", params={"seconds": 0.5, "identifier": True})
    world.fault(platform="shopify", operation="orderCreate", kind="status_after", count=3, params={"code": 500})
    references = world.buy((SKU, 1), count=3)

    world.work(*references, until=("created",))

    assert {len(world.store_orders(reference)) for reference in references} == {1}
    assert world.units(SKU) == 6


@pytest.mark.django_db(transaction=True)
def test_look_ups_that_fail_begin_the_row_of_waits_again(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="status_after", count=1, params={"code": 502})
    world.fault(platform="shopify", operation="orderByIdentifier", kind="status", count=2, params={"code": 503})
    (reference,) = world.buy((SKU, 1))

    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1


@pytest.mark.django_db(transaction=True)
def test_export_during_unknown_only_looks_and_a_persons_word_sends_again(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="status", count=1, params={"code": 500})
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("unknown",))
    order = world.order(reference)
    assert order is not None

    looked = pipeline.advance(world.merchant_id, order.pk, actor="Ines")
    sent = pipeline.advance(world.merchant_id, order.pk, actor="Ines", sure_not_there=True)

    assert looked.state == "unknown"
    assert sent.state == "created"
    assert "SAID_NOT_THERE" in world.events(reference)
    assert len(world.store_orders(reference)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_throttled_create_waits_with_its_units_kept_and_is_made_once(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="throttle", count=2)
    (reference,) = world.buy((SKU, 1))

    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1
    assert "NO_ANSWER" not in world.events(reference)


@pytest.mark.django_db(transaction=True)
def test_pauses_the_store_asked_for_do_not_count_towards_giving_up(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="throttle", count=6)
    (reference,) = world.buy((SKU, 1))
    world.work_until(lambda: sent_and_throttled(world, reference) >= 6, seconds=40)

    world.fault(platform="shopify", operation="orderCreate", kind="status", count=1, params={"code": 500})
    world.work(reference, until=("created",), seconds=40)

    assert len(world.store_orders(reference)) == 1


def sent_and_throttled(world: World, reference: str) -> int:
    """Return how often the pretend store asked for a pause instead of creating."""
    rows = world.sandbox.control("GET", "/calls")
    return sum(row["throttled"] for row in rows if row["operation"] == "orderCreate")


@pytest.mark.django_db(transaction=True)
def test_the_breaker_opens_after_five_failures_in_a_row_and_heals_by_itself(world: World, settings: Any) -> None:
    settings.TIMES = replace(settings.TIMES, breaker_window=30.0)
    world.set_stock(SKU, 50)
    read(world, SKU)
    world.fault(platform="shopify", kind="status", params={"code": 503})
    references = world.buy((SKU, 1), count=12)
    world.work_until(lambda: world.store().breaker_open_at is not None)

    world.mend()
    world.work(*references, until=("created",), seconds=40)

    assert {len(world.store_orders(reference)) for reference in references} == {1}
    assert world.units(SKU) == 38
    assert world.store().breaker_open_at is None


@pytest.mark.django_db(transaction=True)
def test_a_click_that_comes_after_the_worker_does_nothing(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("created",))
    order = world.order(reference)
    assert order is not None

    batch, sending = pipeline._claim_for_person(
        world.merchant_id, order.pk, actor="Ines", create_anyway=False, again=False
    )

    after = world.order(reference)
    assert batch is not None
    assert sending == []
    assert after is not None
    assert (after.export_state, after.lease_until) == ("created", None)
