"""The journal: what is on disk, what a reset forgets, and the closed list of writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.sandbox.faults import Faults
from connectors.sandbox.limits import Limits
from connectors.sandbox.world import World


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.put("amazon_orders", "1", {"id": "1", "lines": [{"sku": "A"}]})
    first.put("amazon_orders", "2", {"id": "2"})
    first.drop("amazon_orders", "2")
    first.record("amazon", "A1", "order.ship", "1", "p1", {"carrier": "UPS"})
    first.commit()

    second = World(tmp_path)

    assert second.table("amazon_orders") == {"1": {"id": "1", "lines": [{"sku": "A"}]}}
    assert [(w["n"], w["kind"], w["body"]) for w in second.writes()] == [(1, "order.ship", {"carrier": "UPS"})]


def test_what_was_not_committed_is_gone_after_a_restart(tmp_path: Path) -> None:
    World(tmp_path).put("amazon_orders", "1", {"id": "1"})

    assert World(tmp_path).table("amazon_orders") == {}


def test_a_reset_forgets_the_world_and_keeps_tokens(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.keep("amazon_refresh_tokens")
    table = world.table("amazon_orders")
    world.put("amazon_orders", "1", {"id": "1"})
    world.put("amazon_refresh_tokens", "t", {"seller": "A1"})
    world.record("shopify", "s", "order.create", "1", "g1", {})
    before = world.next_id("amazon_order")
    world.advance(3600)

    world.reset()

    assert table == {} and world.table("amazon_orders") is table
    assert world.table("amazon_refresh_tokens") == {"t": {"seller": "A1"}}
    assert world.writes() == []
    assert abs(world.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert world.next_id("amazon_order") == before + 1, "numbers go on, so that no old id gets a new meaning"


def test_an_unknown_kind_of_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="order.explode"):
        World(tmp_path).record("amazon", "A1", "order.explode", None, "1", {})


def test_writes_come_in_order_and_page_by_n(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(7):
        world.record("shopify", "a" if n % 2 else "b", "order.create", f"r{n}", f"g{n}", {"n": n})

    assert [w["n"] for w in world.writes(since=2, limit=3)] == [3, 4, 5]
    assert [w["reference"] for w in world.writes(key="a")] == ["r1", "r3", "r5"]
    assert all("body" not in w for w in world.writes(body=False))


def test_doubled_counts_store_orders_beyond_the_first_of_their_reference(tmp_path: Path) -> None:
    world = World(tmp_path)
    for reference in ("1", "2", "2", "2", "3"):
        world.record("shopify", "s", "order.create", reference, "g", {})

    assert world.doubled() == 2
    assert world.created(["1", "2", "9"]) == {"1": 1, "2": 3}


def test_the_clock_moves_by_advance_and_by_a_skew_fault(tmp_path: Path) -> None:
    world = World(tmp_path)
    faults = Faults(world)
    world.advance(7200)
    faults.add("amazon", "*", "clock_skew", 1, None, {"seconds": 600})

    assert abs(world.now() - datetime.now(UTC) - timedelta(seconds=7800)) < timedelta(seconds=2)

    faults.end()

    assert abs(world.now() - datetime.now(UTC) - timedelta(seconds=7200)) < timedelta(seconds=2)


def test_a_bucket_holds_its_burst_and_says_how_long_to_wait(tmp_path: Path) -> None:
    limits = Limits(World(tmp_path))
    limits.set(("amazon",), "real", None)

    taken = [limits.take("amazon", "b", 0.5, 3).ok for _ in range(4)]
    refused = limits.take("amazon", "b", 0.5, 3)

    assert taken == [True, True, True, False]
    assert 1.0 < refused.wait <= 2.0
    assert limits.list_delay("amazon") == 120


def test_demo_is_a_hundred_times_as_fast_and_off_has_no_end(tmp_path: Path) -> None:
    limits = Limits(World(tmp_path))

    assert limits.in_force("amazon", 0.5, 30) == (50.0, 50.0)
    limits.set(("amazon",), "off", None)
    assert all(limits.take("amazon", "b", 0.001, 1).ok for _ in range(1000))


def test_a_fault_strikes_as_often_as_it_was_told_and_only_where_it_matches(tmp_path: Path) -> None:
    faults = Faults(World(tmp_path))
    faults.add("amazon", "getOrder", "status", 1, 2, {"match": "111-1"})

    hits = [
        bool(faults.pick("status", "amazon", "getOrder", text))
        for text in ("/orders/111-1", "/orders/222-2", "/orders/111-1", "/orders/111-1")
    ]

    assert hits == [True, False, True, False]
    assert faults.pick("status", "shopify", "getOrder", "111-1") is None
    assert faults.all()[0]["hits"] == 2
