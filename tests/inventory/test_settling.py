"""One read settles what a store was told of meanwhile, and hints of our own orders ask for no further one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from inventory import refresh, reservations, settling, sql
from inventory.models import Variant
from tests.inventory.world import World, ask, clock

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def read_at(moment: datetime, platform: str) -> datetime:
    ((at,),) = sql.rows(
        f"SELECT {settling.at('%(moment)s::timestamptz')}", {"moment": moment, **settling.parameters(platform)}
    )
    assert isinstance(at, datetime)
    return at


@pytest.mark.parametrize("platform", ["shopify", "bigcommerce"])
def test_a_hand_over_is_read_once_it_can_show_and_soon(platform: str) -> None:
    step = settings.TIMES.settle_after
    for number in range(50):
        moment = START + timedelta(seconds=step * number * 0.137)

        waited = (read_at(moment, platform) - moment).total_seconds()

        assert settling.wait(platform) - 1e-5 <= waited <= settling.soon(platform) + 1e-5


def test_hand_overs_one_after_the_other_share_a_read() -> None:
    step = settings.TIMES.settle_after
    moments = [START + timedelta(seconds=step * 10 * number / 200) for number in range(200)]

    assert len({read_at(moment, "shopify") for moment in moments}) <= 11


def test_a_hand_over_asks_for_its_read_on_the_grid(world: World) -> None:
    mug = world.variant("MUG", 5)
    step = settings.TIMES.settle_after
    with world.scope():
        reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 1))])

        reservations.hand_over(order_id=1, platform="shopify")

        mug.refresh_from_db()
    assert mug.reread_at is not None
    steps = mug.reread_at.timestamp() / step
    assert abs(steps - round(steps)) * step < 1e-4


def test_a_hint_of_a_variant_that_is_to_be_settled_asks_for_no_further_read(world: World) -> None:
    mug, cap = world.variant("MUG", 5), world.variant("CAP", 5)
    with world.scope():
        reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 1))])
        reservations.hand_over(order_id=1, platform="shopify")
        mug.refresh_from_db()
        due = mug.reread_at

        # Only the second is news: the first is read anyway.
        assert refresh.ask_items(world.store.id, [mug.item_id, cap.item_id]) == 1

        mug.refresh_from_db()
        cap.refresh_from_db()
        assert mug.reread_at == due
        assert cap.reread_at is not None and cap.reread_at <= clock()


def test_a_hint_does_not_wait_for_a_read_that_is_far_off(world: World) -> None:
    mug = world.variant("MUG", 5)
    with world.scope():
        Variant.objects.filter(pk=mug.pk).update(reread_at=clock() + timedelta(seconds=settings.TIMES.lease))

        assert refresh.ask_items(world.store.id, [mug.item_id]) == 1

        mug.refresh_from_db()
        assert mug.reread_at is not None and mug.reread_at <= clock()
