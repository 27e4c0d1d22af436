"""What is particular to Etsy: addresses it withholds, words to engrave, files, rotating tokens, one budget for all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from accounts import connections, credentials
from accounts.models import Credential
from inventory.models import Reservation
from orders import pull
from orders.models import OrderPull
from orders.reasons import sentence
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.test_flow import at_once
from tests.orders.world import World, sold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["harbour", "lumen"], ids=["shopify", "bigcommerce"])
def world(request: pytest.FixtureRequest, start: Start) -> World:
    """An Etsy shop and each kind of store."""
    return start(request.param, platform="etsy")


@pytest.fixture
def sku(world: World) -> str:
    """A SKU with nine units, its figure read."""
    (found,) = world.goods(1)
    world.set_stock(found, 9)
    world.read(found)
    return found


def test_a_withheld_address_is_said_in_the_order_and_stops_nothing(world: World, sku: str) -> None:
    (reference,) = world.buy((sku, 1), buyer={"address": None})

    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    assert made["total"] == world.at_marketplace(reference)["total"]
    assert "address" in world.known(reference).withheld
    assert "Etsy" in made["note"] and "address" in made["note"].lower()


def test_a_withheld_address_holds_the_order_where_the_merchant_wants_that(world: World, sku: str) -> None:
    from connectors.contract.types import Address
    from orders import change

    world.settings(world.account(), withheld_address="hold")
    (reference,) = world.buy((sku, 1), buyer={"address": None})
    world.work(reference)
    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "ADDRESS_WITHHELD")
    assert "does not give this app the delivery address" in sentence("ADDRESS_WITHHELD", order.reason_data)

    typed = Address(
        name="M. Okonkwo", line1="1 New Street", city="Bend", region="OR", postal_code="97702", country="US"
    )
    change.edit_address(world.merchant_id, order.pk, typed, actor="Ines")
    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1


def test_what_a_buyer_wrote_to_engrave_is_told_and_never_matched(world: World, sku: str) -> None:
    (reference,) = world.place([{"sku": sku, "quantity": 1, "customization": {"Engraving": "For Ada, with love"}}])

    world.work(reference, until=("created",))

    (line,) = world.lines(reference)
    assert line.matched_by == "sku"
    assert "For Ada" not in str(line.variation)
    (made,) = world.store_orders(reference)
    (write,) = [one for one in world.writes("order.create") if one["reference"] == reference]
    assert sold(made) == {sku: 1}
    assert "For Ada, with love" in f"{made} {write['body']}"


def test_a_listing_without_sku_that_asks_for_words_is_matched_by_its_variation_alone(world: World) -> None:
    row = next(row for row in world.listings() if row["kind"] == "title" and not row["sku"] and row["variation"])
    world.set_stock(row["store_sku"], 9)
    world.read(row["store_sku"])
    line = {
        "sku": "", "item_id": row["item_id"], "variation_id": row["variation_id"], "quantity": 1,
        "customization": {"Initials": "A. B."},
    }  # fmt: skip
    (reference,) = world.place([line])

    world.work(reference, until=("created",))

    assert world.lines(reference)[0].matched_by == "title"
    assert sold(world.store_orders(reference)[0]) == {row["store_sku"]: 1}


def test_a_file_is_sold_without_stock_or_parcel(world: World, sku: str) -> None:
    line = {"sku": sku, "quantity": 2, "digital": True}
    (reference,) = world.place([line])

    world.work(reference, until=("created",))

    assert world.lines(reference)[0].digital
    with tenancy.scope(world.merchant_id):
        assert not Reservation.objects.filter(order_ref=world.known(reference).pk).exists()


def test_two_workers_renew_the_rotating_token_once(world: World) -> None:
    account = world.account()
    with tenancy.scope(world.merchant_id):
        before = Credential.objects.get(account=account)
        Credential.objects.filter(pk=before.pk).update(access_expires_at=now() - timedelta(minutes=1))
    credentials.forget_all()
    asked = token_calls(world)

    answers = at_once(*[lambda: connections.tokens_for(account).current() for _ in range(4)])

    assert len(set(answers)) == 1
    assert isinstance(answers[0], str)
    assert token_calls(world) - asked == 1
    with tenancy.scope(world.merchant_id):
        after = Credential.objects.get(pk=before.pk)
    assert (after.version, after.lease_until) == (before.version + 1, None)
    assert bytes(after.refresh_sealed) != bytes(before.refresh_sealed)
    assert connections.marketplace(account).sites()


def token_calls(world: World) -> int:
    """Return how many tokens Etsy gave out."""
    rows: list[dict[str, Any]] = world.sandbox.control("GET", "/calls")
    return sum(row["count"] for row in rows if row["platform"] == "etsy" and row["operation"] == "token")


def test_a_day_that_is_used_up_parks_the_account_without_an_error_and_nothing_is_lost(world: World, sku: str) -> None:
    account = world.account()
    (first,) = world.buy((sku, 1))
    world.work(first, until=("created",))
    # Our own day is as Etsy's: all calls of the application are used.
    world.sandbox.control("POST", f"/accounts/etsy/{world.seller}/budget", {"per_day": 5000, "used": 5000})
    (reference,) = world.buy((sku, 1))
    world.pull()

    pull.run(world.merchant_id, account.pk)

    with tenancy.scope(world.merchant_id):
        job = OrderPull.objects.get(account_id=account.pk)
    assert (job.failures, job.error_code) == (0, "")
    assert job.next_attempt_at > now() + timedelta(seconds=1)
    assert world.order(reference) is None
    assert world.account().state == "active"
