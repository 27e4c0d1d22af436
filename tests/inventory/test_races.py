"""Real transactions against each other: one last unit, one hot SKU, and lines in any order."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from inventory import reservations
from tests.inventory.world import World, ask, clock

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    """Run `work(n)` in `count` threads that start together, each on its own connection; return what they answered."""
    start = threading.Barrier(count)

    def one(n: int) -> object:
        try:
            start.wait(10)
            return work(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_two_transactions_and_one_last_unit_have_exactly_one_winner(world: World) -> None:
    mug = world.variant("MUG", 1)

    def sell(n: int) -> bool:
        with world.scope():
            found = reservations.reserve(store_id=world.store.id, asks=[ask(n + 1, (mug, 1))])
        return bool(found.granted)

    assert sorted(in_threads(2, sell)) == [False, True]  # type: ignore[type-var]
    assert world.only_stock(mug).reserved == 1


def test_the_second_transaction_waits_for_the_first_and_sees_what_it_did(world: World) -> None:
    mug = world.variant("MUG", 1)
    first_holds, answers = threading.Event(), {}

    def late(_n: int) -> None:
        first_holds.wait(10)
        with world.scope():
            answers["late"] = reservations.reserve(store_id=world.store.id, asks=[ask(2, (mug, 1))])

    def first(_n: int) -> None:
        with world.scope():
            answers["first"] = reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 1))])
            first_holds.set()
            threading.Event().wait(0.2)  # the other one stands at the lock meanwhile

    in_threads(2, lambda n: (first, late)[n](n))

    assert answers["first"].granted_orders == {1}
    assert answers["late"].short[2][0].available == 0


def test_sixteen_threads_on_a_hot_sku_sell_every_unit_once(world: World) -> None:
    mug = world.variant("MUG", 50)

    def sell(n: int) -> int:
        won = 0
        for round_ in range(10):
            with world.scope():
                found = reservations.reserve(store_id=world.store.id, asks=[ask(n * 100 + round_ + 1, (mug, 1))])
            won += len(found.granted)
        return won

    assert sum(in_threads(16, sell)) == 50  # type: ignore[arg-type]
    assert world.only_stock(mug).reserved == 50


def test_lines_in_any_order_never_deadlock_while_figures_are_read_and_orders_handed_over(world: World) -> None:
    names = [f"S{n}" for n in range(6)]
    variants = [world.variant(name, 100_000) for name in names]
    sold = iter(range(1_000, 100_000, 1_000))
    one_read = threading.Lock()

    def read(some: list[str]) -> None:
        with one_read:  # a later read shows more sold, as a store's would
            at, figure = clock(), 100_000 - next(sold)
        world.read({name: [figure] for name in some}, at=at)

    def work(n: int) -> str:
        chance = random.Random(n)
        for round_ in range(12):
            order_id = n * 100 + round_ + 1
            wishes = [(variant, 1) for variant in chance.sample(variants, 3)]
            with world.scope():
                reservations.reserve(store_id=world.store.id, asks=[ask(order_id, *wishes)])
            if round_ % 3 == 0:
                with world.scope():
                    reservations.release(order_ids=[order_id], cause="canceled")
            else:
                with world.scope():
                    reservations.mark(order_ids=[order_id], state="sending")
                with world.scope():
                    reservations.hand_over(order_id=order_id, platform="shopify")
            if round_ % 4 == n % 4:
                read(chance.sample(names, 4))
        return "done"

    assert in_threads(8, work) == ["done"] * 8
    read(names)
    for variant in variants:
        assert world.only_stock(variant).reserved == 0
