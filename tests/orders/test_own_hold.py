"""An order's own hold decides where it is served from, and ends with the product it was for."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.models import MarketplaceAccount
from inventory.models import Location, Reservation, Stock, Variant
from inventory.stock import set_from_store
from orders import intake, personal, pipeline
from orders.models import Order, RoutingRule
from orders.pull import database_now
from orders.reasons import sentence
from orders.steps import drafting
from orders.steps.batch import claim_due
from salestio import tenancy
from tests.factories import Cast, amazon_order, make_merchant, make_variant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(redis_url: str) -> Cast:
    return make_merchant()


def import_one(cast: Cast) -> int:
    with tenancy.scope(cast.id):
        account = MarketplaceAccount.objects.select_related("store").get(pk=cast.account.pk)
        (pk,) = intake.save_page(account, [amazon_order()]).order_ids
        return pk


def prepare(cast: Cast) -> tuple[Any, Any]:
    """Take the one due order up to where its call would leave; return the batch and the item."""
    with tenancy.scope(cast.id):
        batch = claim_due(cast.id, cast.store.pk, limit=20, moment=database_now())
        assert batch is not None
        pipeline._prepare(batch)
        return batch, batch.items[0]


def give_back(cast: Cast, pk: int) -> None:
    """The store asked us to wait: the order is due again, its units kept."""
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=pk).update(
            export_state="waiting", reason_code="THROTTLED", attempts=1, lease_until=None, lease_token=None
        )
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_order SET next_attempt_at = now() WHERE id = %s", [pk])


def held_at(cast: Cast, pk: int) -> list[tuple[int | None, int]]:
    """Return (location, units) of what the order holds."""
    with tenancy.scope(cast.id):
        rows = Reservation.objects.filter(order_ref=pk).exclude(state="released")
        return [(row.stock.location_id, row.quantity) for row in rows.select_related("stock")]


def test_an_order_that_waits_stays_at_the_place_that_holds_its_units(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        variant = make_variant(cast, "NP-MUG", units=5)
        reno = Location.objects.create(
            merchant_id=cast.id, store=cast.store, name="Reno Outlet", remote_id="gid://shopify/Location/77"
        )
        set_from_store(store_id=cast.store.pk, readings=[(variant.item_id, reno.remote_id, 1)], as_of=database_now())
        RoutingRule.objects.create(
            merchant_id=cast.id, store=cast.store, position=1, name="Reno while it lasts", location=reno,
            conditions={"needs_stock": True},
        )  # fmt: skip
    pk = import_one(cast)
    first, item = prepare(cast)
    assert (first.location_of(item), held_at(cast, pk)) == (reno.pk, [(reno.pk, 1)])
    give_back(cast, pk)

    second, again = prepare(cast)

    assert (second.location_of(again), held_at(cast, pk)) == (reno.pk, [(reno.pk, 1)])
    with tenancy.scope(cast.id):
        order = Order.objects.get(pk=pk)
    assert (order.routed_by, order.location_ref) == ("Reno while it lasts", reno.pk)


def test_a_line_that_lost_its_product_holds_no_units_of_it_any_more(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        variant = make_variant(cast, "NP-MUG", units=5)
        account = MarketplaceAccount.objects.get(pk=cast.account.pk)
        account.store.settings = {**account.store.settings, "create_unmatched": True}
        account.store.save()
    pk = import_one(cast)
    prepare(cast)
    assert [units for _, units in held_at(cast, pk)] == [1]
    give_back(cast, pk)
    with tenancy.scope(cast.id):
        Variant.objects.filter(pk=variant.pk).update(active=False)

    prepare(cast)

    assert held_at(cast, pk) == []
    with tenancy.scope(cast.id):
        assert [row.reserved for row in Stock.objects.filter(variant=variant)] == [0]


def test_an_order_whose_buyer_was_erased_is_held_and_goes_only_by_a_persons_word(cast: Cast) -> None:
    make_variant(cast, "NP-MUG", units=5)
    pk = import_one(cast)
    with tenancy.scope(cast.id):
        personal.erase([pk], why="asked for")

    batch, item = prepare(cast)

    assert (item.order.export_state, item.order.reason_code) == ("held", "BUYER_GONE")
    assert "erased" in sentence(item.order.reason_code, item.order.reason_data)
    assert held_at(cast, pk) == []
    item.by_hand = True
    with tenancy.scope(cast.id):
        assert drafting.draft_or_hold(batch, item) is not None
