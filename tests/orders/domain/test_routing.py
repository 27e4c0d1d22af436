"""The creation matrix (F15-F20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract.types import InventoryRule
from orders.domain.routing import OrderFacts, Wishes, way

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def facts(**more: object) -> OrderFacts:
    base: dict[str, object] = {
        "status": "paid", "fulfilled_by": "merchant", "has_address": True, "shipped_when_seen": False, "problem": "",
        "lines": 1, "purchased_at": NOW,
    }  # fmt: skip
    return OrderFacts(**(base | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "wishes", "code", "state"),
    [
        ({}, Wishes(), "READY", ""),
        ({"status": "partially_shipped"}, Wishes(), "READY", ""),
        ({"status": "incomplete"}, Wishes(), "NOT_PAID_YET", "imported"),
        ({"status": "canceled"}, Wishes(), "CANCELED", "canceled"),
        ({"status": "refunded"}, Wishes(), "REFUNDED", "skipped"),
        ({"lines": 0}, Wishes(), "CANCELED", "canceled"),
        ({"problem": "no lines"}, Wishes(), "UNREADABLE", "held"),
        ({"has_address": False}, Wishes(), "ADDRESS_MISSING", "waiting"),
        ({}, Wishes(import_orders=False), "IMPORT_OFF", "skipped"),
        ({"fulfilled_by": "marketplace"}, Wishes(), "FBA_FILTERED", "skipped"),
        ({"fulfilled_by": "marketplace"}, Wishes(order_type="both"), "FBA_NOT_SHIPPED", "imported"),
        (
            {"fulfilled_by": "marketplace", "status": "shipped", "has_address": False},
            Wishes(order_type="both"),
            "READY",
            "",
        ),
        ({}, Wishes(order_type="marketplace"), "FBM_FILTERED", "skipped"),
        ({"purchased_at": NOW - timedelta(days=51)}, Wishes(), "TOO_OLD", "held"),
        ({"purchased_at": NOW - timedelta(days=51)}, Wishes(older_allowed=True), "READY", ""),
    ],
)
def test_each_kind_of_order_goes_its_way(order: dict[str, object], wishes: Wishes, code: str, state: str) -> None:
    decided = way(facts(**order), wishes, now=NOW)

    assert (decided.code, decided.state) == (code, state)


def test_fba_never_touches_the_stores_stock() -> None:
    decided = way(facts(fulfilled_by="marketplace", status="shipped"), Wishes(order_type="both"), now=NOW)

    assert decided.inventory is InventoryRule.NONE
    assert decided.fulfilled


def test_an_order_first_seen_shipped_is_created_as_fulfilled_without_stock() -> None:
    decided = way(facts(status="shipped", shipped_when_seen=True), Wishes(), now=NOW)

    assert (decided.inventory, decided.fulfilled) == (InventoryRule.NONE, True)


@pytest.mark.parametrize("wishes", [Wishes(import_orders=False), Wishes(order_type="marketplace")])
def test_export_by_hand_overrules_settings_but_not_facts(wishes: Wishes) -> None:
    assert way(facts(), wishes, now=NOW, by_hand=True).ready
    assert not way(facts(status="incomplete"), wishes, now=NOW, by_hand=True).ready


@pytest.mark.parametrize("wishes", [Wishes(import_orders=False), Wishes(order_type="marketplace")])
def test_an_order_somebody_asked_for_goes_in_spite_of_the_settings_whenever_its_turn_comes(wishes: Wishes) -> None:
    assert way(facts(), wishes, now=NOW, asked=True).ready


@pytest.mark.parametrize(
    ("order", "code"),
    [({"status": "refunded"}, "REFUNDED"), ({"cancel_requested": True}, "CANCEL_REQUESTED"),
     ({"has_address": False, "address_withheld": True}, "ADDRESS_WITHHELD"), ({"status": "incomplete"}, "NOT_PAID_YET")],
)  # fmt: skip
def test_asking_for_many_at_once_decides_nothing_about_one(order: dict[str, object], code: str) -> None:
    assert way(facts(**order), Wishes(withheld_address="hold"), now=NOW, asked=True).code == code


def test_create_anyway_asks_the_store_to_ignore_its_policy() -> None:
    assert way(facts(), Wishes(), now=NOW, by_hand=True, create_anyway=True).inventory is InventoryRule.IGNORE
