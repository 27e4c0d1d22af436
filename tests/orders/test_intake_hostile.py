"""Intake under the worst order of things: ids that change at payment, old pages, edited addresses, unreadable orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from connectors.contract.types import Address, MarketplaceOrder, OrderStatus, PersonalDetails
from inventory import mappings
from notifications.alerts import open_alerts
from orders import change, hearing, intake, personal, pipeline
from orders.models import BuyerRoute, Order, OrderLine
from salestio import tenancy
from tests.factories import Cast, amazon_line, amazon_order, make_merchant, make_variant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(redis_url: str) -> Cast:
    return make_merchant()


def save(cast: Cast, *orders: MarketplaceOrder) -> intake.Saved:
    """Save one page of the cast's account."""
    with tenancy.scope(cast.id):
        account = MarketplaceAccount.objects.select_related("store").get(pk=cast.account.pk)
        return intake.save_page(account, orders)


def unpaid(*lines: Any, **more: Any) -> MarketplaceOrder:
    """Return an order as a marketplace tells it whose line ids outlive the order's id (eBay)."""
    return amazon_order(*lines, status=OrderStatus.INCOMPLETE, lines_identify=True, **more)


def paid(before: MarketplaceOrder, order_id: str, lines: Sequence[Any] = (), **more: Any) -> MarketplaceOrder:
    """Return what an unpaid order is after its payment: another id, the same line ids, a later time."""
    return replace(
        before, order_id=order_id, status=OrderStatus.PAID, lines=tuple(lines or before.lines),
        updated_at=before.updated_at + timedelta(seconds=30), **more,
    )  # fmt: skip


def known(cast: Cast) -> dict[str, tuple[str, str]]:
    """Return marketplace order id → (status, export state) of everything the cast has."""
    with tenancy.scope(cast.id):
        rows = Order.objects.values_list("marketplace_order_id", "status", "export_state")
        return {reference: (status, state) for reference, status, state in rows}


@pytest.mark.parametrize("old_first", [True, False], ids=["old id first", "new id first"])
@pytest.mark.parametrize("old_status", [OrderStatus.INCOMPLETE, OrderStatus.CANCELED])
def test_a_page_with_the_old_and_the_new_id_of_an_order_keeps_the_paid_one(
    cast: Cast, old_first: bool, old_status: OrderStatus
) -> None:
    before = unpaid()
    save(cast, before)
    old, new = replace(before, status=old_status, updated_at=before.updated_at + timedelta(1)), paid(before, "14-1")

    save(cast, *((old, new) if old_first else (new, old)))

    assert known(cast) == {"14-1": ("paid", "imported")}


def test_an_unpaid_order_that_is_paid_in_two_parts_becomes_two_orders(cast: Cast) -> None:
    one, two = amazon_line("NP-MUG"), amazon_line("NP-BOWL")
    before = unpaid(one, two)
    save(cast, before)

    save(cast, paid(before, "14-1", [one]), paid(before, "14-2", [two]))

    assert known(cast) == {"14-1": ("paid", "imported"), "14-2": ("paid", "imported")}
    with tenancy.scope(cast.id):
        lines = OrderLine.objects.values_list("order__marketplace_order_id", "remote_id")
        assert set(lines) == {("14-1", one.line_id), ("14-2", two.line_id)}


def test_purchases_that_are_paid_crosswise_lose_none(cast: Cast) -> None:
    one, two, three = amazon_line("NP-MUG"), amazon_line("NP-BOWL"), amazon_line("NP-JUG")
    first, second = unpaid(one), unpaid(two, three)
    save(cast, first, second)

    save(cast, paid(first, "14-1", [one, two]), paid(second, "14-2", [three]))

    live = {reference: was for reference, was in known(cast).items() if was[1] != "canceled"}
    assert live == {"14-1": ("paid", "imported"), "14-2": ("paid", "imported")}


def test_a_page_read_before_the_payment_and_saved_after_it_makes_no_second_order(cast: Cast) -> None:
    before = unpaid()
    save(cast, before)
    save(cast, paid(before, "14-1"))

    late = save(cast, before)

    assert (late.new, known(cast)) == (0, {"14-1": ("paid", "imported")})


def test_an_order_whose_address_the_merchant_entered_is_the_same_when_it_is_read_again(cast: Cast) -> None:
    told = amazon_order()
    (pk,) = save(cast, told).order_ids
    typed = Address(
        name="M. Okonkwo", line1="1 Other Street", city="Bend", region="OR", postal_code="97702", country="US"
    )
    change.edit_address(cast.id, pk, typed, actor="Ines")
    moved = replace(told, updated_at=told.updated_at + timedelta(seconds=5), raw_status="SHIPPING_SOON")
    save(cast, moved)

    again = save(cast, moved)

    assert (again.changed, again.same) == (0, 1)


def test_an_order_of_which_less_is_told_later_is_the_same_when_it_is_read_again(cast: Cast) -> None:
    told = amazon_order()
    (pk,) = save(cast, told).order_ids
    less = replace(
        told, updated_at=told.updated_at + timedelta(seconds=5), personal=replace(told.personal, buyer_email="")
    )
    save(cast, less)

    again = save(cast, less)

    assert (again.changed, again.same) == (0, 1)
    with tenancy.scope(cast.id):
        kept = personal.details(Order.objects.get(pk=pk))
    assert kept is not None and kept.buyer_email == "k4x9@marketplace.example"


def test_a_buyer_who_was_erased_does_not_come_back_with_the_orders_next_change(cast: Cast) -> None:
    told = amazon_order()
    (pk,) = save(cast, told).order_ids
    with tenancy.scope(cast.id):
        personal.erase([pk], why="asked for")

    save(cast, replace(told, updated_at=told.updated_at + timedelta(seconds=5), raw_status="SHIPPING_SOON"))

    with tenancy.scope(cast.id):
        order = Order.objects.get(pk=pk)
        assert (order.raw_status, personal.details(order), personal.raw(order)) == ("SHIPPING_SOON", None, None)
    assert not BuyerRoute.objects.filter(order_ref=pk).exists()


def test_a_buyer_first_named_with_a_later_change_is_found_when_they_ask_to_be_forgotten(cast: Cast) -> None:
    told = amazon_order(personal=PersonalDetails())
    save(cast, told)
    person = PersonalDetails(buyer_name="Margaret Okonkwo", buyer_ids=("mokonkwo",))
    save(cast, replace(told, updated_at=told.updated_at + timedelta(seconds=5), personal=person))

    assert hearing.forget_buyer(platform="amazon", users=["MOkonkwo"], message_id="m-1") == 1


@pytest.mark.parametrize("lines", [(), (amazon_line("NP-MUG"),)], ids=["no lines", "one line"])
def test_an_order_that_could_not_be_read_stays_held_whoever_exports_it(cast: Cast, lines: tuple[Any, ...]) -> None:
    broken = replace(amazon_order(), lines=lines, problem="a line has no quantity")
    (pk,) = save(cast, broken).order_ids

    pipeline.export_many(cast.id, [pk], actor="Ines")
    pipeline.drain(cast.id, cast.store.pk)

    with tenancy.scope(cast.id):
        order = Order.objects.get(pk=pk)
    assert (order.export_state, order.reason_code) == ("held", "UNREADABLE")
    assert order.reason_data["problem"] == "a line has no quantity"


def test_an_order_that_could_not_be_read_whole_is_not_cured_by_an_address(cast: Cast) -> None:
    broken = amazon_order(amazon_line("NP-MUG"), problem="a line has no quantity")
    save(cast, broken)
    with tenancy.scope(cast.id):
        pk = Order.objects.get(marketplace_order_id=broken.order_id).pk
    address = Address(name="N", line1="1 A St", city="C", country="US")

    with pytest.raises(change.CannotChange, match="could not be read whole"):
        change.edit_address(cast.id, pk, address, actor="Ines")

    assert known(cast)[broken.order_id][1] == "held"


def test_amounts_that_a_later_reading_tells_are_the_lines_amounts(cast: Cast) -> None:
    line = amazon_line("NP-MUG", price="10.00")
    told = amazon_order(line, total=Decimal("12.99"), problem="the lines add up to 10.00 USD, the total is 12.99 USD")
    (pk,) = save(cast, told).order_ids
    with tenancy.scope(cast.id):
        before = OrderLine.objects.get(order_id=pk)
    whole = replace(
        line, title="Thing, whole", shipping=Decimal("2.00"), tax=Decimal("0.99"), shipping_tax=Decimal("0.16"),
        tax_collected_by_marketplace=True, total=Decimal("12.99"),
    )  # fmt: skip

    save(cast, replace(told, lines=(whole,), problem="", updated_at=told.updated_at + timedelta(seconds=5)))

    with tenancy.scope(cast.id):
        order, now = Order.objects.get(pk=pk), OrderLine.objects.get(order_id=pk)
    assert (now.item_total, now.shipping, now.tax) == (Decimal("10.00"), Decimal("2.00"), Decimal("0.99"))
    assert order.total == now.total == Decimal("12.99")
    assert (now.title, now.shipping_tax, now.tax_collected_by_marketplace) == ("Thing, whole", Decimal("0.16"), True)
    assert (now.pk, order.reason_code) == (before.pk, "QUEUED")


@pytest.mark.parametrize(
    "gone", [("name", "line1", "phone"), ("name", "phone")], ids=["no street any more", "no name any more"]
)
def test_an_address_of_which_less_is_told_later_stays_whole(cast: Cast, gone: tuple[str, ...]) -> None:
    told = amazon_order()
    (pk,) = save(cast, told).order_ids
    address = told.personal.shipping
    assert address is not None
    less = replace(told.personal, shipping=replace(address, **dict.fromkeys(gone, "")))

    save(cast, replace(told, updated_at=told.updated_at + timedelta(seconds=5), personal=less))

    with tenancy.scope(cast.id):
        order = Order.objects.get(pk=pk)
        kept = personal.details(order)
    assert kept is not None and kept.shipping == address
    assert (order.has_address, order.reason_code) == (True, "QUEUED")


def test_another_address_is_taken_as_it_is_told(cast: Cast) -> None:
    told = amazon_order()
    (pk,) = save(cast, told).order_ids
    moved = Address(line1="7 New Road", city="Salem", region="OR", postal_code="97301", country="US")

    save(
        cast,
        replace(
            told,
            updated_at=told.updated_at + timedelta(seconds=5),
            personal=replace(told.personal, shipping=moved),
        ),
    )

    with tenancy.scope(cast.id):
        kept = personal.details(Order.objects.get(pk=pk))
    assert kept is not None and kept.shipping == moved


def test_texts_longer_than_their_columns_do_not_keep_a_page_of_orders_out(cast: Cast) -> None:
    line = replace(amazon_line("NP-MUG"), item_id="9" * 100, title="T" * 900)
    odd = amazon_order(
        line, site="SI UK Prod Marketplace", service_level="USPS Priority Mail, Medium Flat Rate Box, " * 3,
        raw_status="R" * 90, replacement_of="1" * 90,
    )  # fmt: skip

    saved = save(cast, odd, amazon_order())

    assert saved.new == 2
    with tenancy.scope(cast.id):
        order = Order.objects.get(marketplace_order_id=odd.order_id)
    assert (order.site, len(order.service_level)) == ("SI UK Prod", 60)
    assert save(cast, replace(odd, updated_at=odd.updated_at + timedelta(seconds=5))).changed == 1


def test_a_mapping_of_the_item_wakes_an_order_whose_line_has_no_sku(cast: Cast) -> None:
    make_variant(cast, "NP-MUG")
    (pk,) = save(cast, amazon_order(amazon_line("", title="Mug without a SKU", item_id="256001234567"))).order_ids
    pipeline.drain(cast.id, cast.store.pk)

    with tenancy.scope(cast.id):
        held = Order.objects.get(pk=pk)
        mappings.save(store=cast.store, account=None, seller_sku="256001234567", sku="NP-MUG", actor="Ines")
        woken = Order.objects.get(pk=pk)

    assert (held.export_state, held.reason_code) == ("held", "NO_MATCH")
    assert (woken.export_state, woken.reason_code) == ("imported", "QUEUED")


ABSURD: list[dict[str, Any]] = [
    {"line": {"quantity": 2**40}},
    {"line": {"line_id": "9" * 200}},
    {"line": {"item_total": Decimal(10) ** 15}},
    {"order": {"total": Decimal(10) ** 15}},
    {"order": {"purchased_at": datetime(9999, 12, 31, tzinfo=UTC), "updated_at": datetime(9999, 12, 31, tzinfo=UTC)}},
]


def absurd(values: dict[str, Any], told: MarketplaceOrder) -> MarketplaceOrder:
    line = replace(told.lines[0], **values.get("line", {}))
    return replace(told, lines=(line,), **values.get("order", {}))


@pytest.mark.parametrize("values", ABSURD, ids=lambda one: str(next(iter(next(iter(one.values()))))))
def test_an_order_no_row_can_hold_is_held_alone_and_its_page_comes_in(cast: Cast, values: dict[str, Any]) -> None:
    bad, good = absurd(values, amazon_order()), amazon_order()

    saved = save(cast, bad, good)

    assert saved.new == 2
    assert known(cast) == {bad.order_id: ("paid", "held"), good.order_id: ("paid", "imported")}
    with tenancy.scope(cast.id):
        held = Order.objects.get(marketplace_order_id=bad.order_id)
        account = MarketplaceAccount.objects.get(pk=cast.account.pk)
    assert held.reason_code == "UNREADABLE"
    assert "too large" in held.reason_data["problem"]
    assert account.newest_order_at is not None and account.newest_order_at <= now()


@pytest.mark.parametrize("values", ABSURD, ids=lambda one: str(next(iter(next(iter(one.values()))))))
def test_a_reading_no_row_can_hold_leaves_what_we_had_and_a_better_one_cures_it(
    cast: Cast, values: dict[str, Any]
) -> None:
    told, other = amazon_order(), amazon_order()
    save(cast, told, other)
    later = told.updated_at + timedelta(seconds=5)
    worse = absurd(values, replace(told, updated_at=later, service_level="Expedited"))
    paid_for = replace(other, updated_at=later, status=OrderStatus.CANCELED)

    for _ in range(2):
        save(cast, worse, paid_for)

    assert known(cast) == {told.order_id: ("paid", "held"), other.order_id: ("canceled", "canceled")}
    with tenancy.scope(cast.id):
        order = Order.objects.get(marketplace_order_id=told.order_id)
        assert [line.quantity for line in order.lines.all()] == [told.lines[0].quantity]
        assert order.events.filter(code="UNREADABLE").count() == 1

    save(cast, replace(told, updated_at=later + timedelta(seconds=5)))

    assert known(cast)[told.order_id] == ("paid", "imported")


def test_another_total_of_an_order_that_is_in_the_store_opens_a_task(cast: Cast) -> None:
    told = amazon_order(amazon_line("NP-MUG", price="10.00"))
    (pk,) = save(cast, told).order_ids
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=pk).update(export_state="created", reason_code="", store_order_name="#1001")
    line = replace(told.lines[0], item_total=Decimal("9.00"), total=Decimal("9.00"))

    save(cast, replace(told, lines=(line,), total=Decimal("9.00"), updated_at=told.updated_at + timedelta(seconds=5)))

    with tenancy.scope(cast.id):
        (task,) = [reading for reading in open_alerts() if reading.alert.kind == "order_changed"]
        codes = list(Order.objects.get(pk=pk).events.values_list("code", flat=True))
    assert "another total" in task.text and "#1001" in task.text
    assert "CHANGED_AFTER_CREATION" in codes
