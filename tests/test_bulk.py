"""Many rows by one statement hold what the ORM would have written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, transaction

from orders.models import Buyer, Order, OrderEvent, OrderLine
from salestio import bulk, tenancy
from tests.factories import Cast

WHEN = datetime(2026, 11, 21, 10, 30, 15, 123456, tzinfo=UTC)


def _orders(account: Any, *ids: str, **more: Any) -> list[Order]:
    return [
        Order(
            merchant_id=account.merchant_id, account_id=account.pk, store_id=account.store_id, platform="amazon",
            marketplace_order_id=order_id, status="paid", purchased_at=WHEN, source_updated_at=WHEN, content_hash="x",
            currency="USD", total=Decimal("12.345"), programs=["prime"], reason_data={"text": 'a "b" \\ é'}, **more,
        )
        for order_id in ids
    ]  # fmt: skip


def test_rows_hold_what_was_given_and_the_databases_defaults(merchant: Cast) -> None:
    account = merchant.account
    with tenancy.scope(merchant.id):
        orders = _orders(account, "1", "2")

        bulk.insert(orders, return_ids=True)
        bulk.insert([Buyer(merchant_id=merchant.id, order_id=orders[1].pk, sealed=b"\x00\xff\\", tokens=[-(2**63), 7],
                           delete_after=WHEN)])  # fmt: skip

        kept = list(Order.objects.filter(account_id=account.pk).order_by("pk"))
        buyer = Buyer.objects.get()
    assert [(row.pk, row.marketplace_order_id) for row in kept] == [(orders[0].pk, "1"), (orders[1].pk, "2")]
    row = kept[0]
    assert (row.purchased_at, row.total, row.programs) == (WHEN, Decimal("12.345"), ["prime"])
    assert (row.reason_data, row.paid_at, row.has_address) == ({"text": 'a "b" \\ é'}, None, False)
    assert row.routed_by == "" and row.changed_at is not None
    assert (bytes(buyer.sealed), bytes(buyer.raw_sealed), buyer.tokens) == (b"\x00\xff\\", b"", [-(2**63), 7])


def test_a_row_written_so_is_saved_again_as_the_same_row(merchant: Cast) -> None:
    account = merchant.account
    with tenancy.scope(merchant.id):
        (order,) = orders = _orders(account, "1")
        bulk.insert(orders, return_ids=True)

        order.currency = "EUR"
        order.save(update_fields=["currency"])

        assert Order.objects.get().currency == "EUR"


def test_no_rows_are_no_statement(merchant: Cast, django_assert_num_queries: Any) -> None:
    with tenancy.scope(merchant.id), django_assert_num_queries(0):
        bulk.insert([])


def test_a_value_no_column_can_hold_is_refused_and_nothing_is_kept(merchant: Cast) -> None:
    account = merchant.account
    with tenancy.scope(merchant.id):
        with pytest.raises(DataError), transaction.atomic():
            bulk.insert(_orders(account, "1", "9" * 61))

        assert not Order.objects.exists()


def test_another_merchants_rows_cannot_be_written(merchant: Cast, stranger: Cast) -> None:
    account = stranger.account
    with tenancy.scope(merchant.id), pytest.raises(Exception, match="row-level security"), transaction.atomic():
        bulk.insert(_orders(account, "1"))


def test_lines_and_events_take_the_same_road(merchant: Cast) -> None:
    account = merchant.account
    with tenancy.scope(merchant.id):
        orders = _orders(account, "1")
        bulk.insert(orders, return_ids=True)
        pk = orders[0].pk

        bulk.insert([OrderLine(merchant_id=merchant.id, order_id=pk, number=1, remote_id="a", title="Mug", quantity=2,
                               item_total=Decimal("9.99"), variation=[["Size", "XL"]])])  # fmt: skip
        bulk.insert([OrderEvent(merchant_id=merchant.id, order_id=pk, at=WHEN, stage="import", code="IMPORTED")])

        line, event = OrderLine.objects.get(), OrderEvent.objects.get()
    assert (line.item_total, line.tax, line.variation, line.parts) == (Decimal("9.99"), 0, [["Size", "XL"]], [])
    assert (event.at, event.data, event.actor) == (WHEN, {}, "")
