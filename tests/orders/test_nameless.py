"""Orders whose id is absurd, and changes no row can hold: the page goes on, and a person sees what there was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder, PersonalDetails
from notifications.alerts import Reading, open_alerts
from notifications.models import Alert
from orders import backfill, intake
from orders.models import Order
from salestio import tenancy
from tests.factories import Cast, amazon_line, amazon_order, make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

ABSURD_IDS: dict[str, Any] = {
    "none": None, "empty": "", "only blanks": "  ", "long": "1" * 10_000, "zero": "112-\x00-7",
    "half an emoji": "112-\ud83d-7", "a list": ["112-1"], "an object": {"id": "112-1"}, "a number": 7,
}  # fmt: skip


@pytest.fixture
def cast(redis_url: str) -> Cast:
    return make_merchant()


def save(cast: Cast, *orders: MarketplaceOrder) -> intake.Saved:
    """Save one page of the cast's account."""
    with tenancy.scope(cast.id):
        account = MarketplaceAccount.objects.select_related("store").get(pk=cast.account.pk)
        return intake.save_page(account, orders)


def told(cast: Cast) -> list[Reading]:
    """Return the open alerts."""
    with tenancy.scope(cast.id):
        return open_alerts()


def references(cast: Cast) -> set[str]:
    with tenancy.scope(cast.id):
        return set(Order.objects.values_list("marketplace_order_id", flat=True))


@pytest.mark.parametrize("order_id", ABSURD_IDS.values(), ids=ABSURD_IDS)
def test_an_order_without_a_usable_id_stops_no_page_and_is_told(cast: Cast, order_id: Any) -> None:
    line = amazon_line("NP-MUG", quantity=2)
    bad = replace(amazon_order(line), order_id=order_id, raw={"buyer": {"name": "Margaret Okonkwo"}})
    good = amazon_order()

    saved = save(cast, bad, good)

    assert (saved.new, saved.without_id) == (1, 1)
    assert references(cast) == {good.order_id}
    (alert,) = told(cast)
    assert alert.level == "stop"
    assert alert.title == f"Amazon sent an order without a usable id to {cast.account.name}."
    assert "2 × NP-MUG" in alert.text and f"{bad.purchased_at:%Y-%m-%d %H:%M}" in alert.text
    assert f"It came at {now():%Y-%m-%d}" in alert.text


def test_what_is_told_holds_nothing_about_a_person(cast: Cast) -> None:
    person = PersonalDetails(buyer_name="Margaret Okonkwo", buyer_email="margaret@example.com")
    raw = {"orderId": "Margaret Okonkwo, 1 Long Street " * 9, "note": "call Margaret"}

    save(cast, replace(amazon_order(personal=person), order_id=raw["orderId"], raw=raw))

    with tenancy.scope(cast.id):
        (alert,) = Alert.objects.all()
    assert "argaret" not in f"{alert.key} {alert.data}"
    assert "an id of 288 characters" in alert.data["what_id"]


def test_two_of_them_are_two_and_each_is_told_once(cast: Cast) -> None:
    first, second = (replace(amazon_order(), order_id="") for _ in range(2))

    for _ in range(2):
        save(cast, first, second)
        save(cast, replace(second, updated_at=second.updated_at + timedelta(seconds=9), raw={"seen": "again"}))

    assert len(told(cast)) == 2


def test_it_ends_by_itself_when_the_order_comes_with_an_id(cast: Cast) -> None:
    order, other = amazon_order(), amazon_order()
    save(cast, replace(order, order_id=""), replace(other, order_id=""))

    save(cast, order)

    (left,) = told(cast)
    assert references(cast) == {order.order_id}
    save(cast, other)
    assert told(cast) == []
    assert left.alert.kind == "order_without_id"


def test_what_a_person_saw_to_does_not_come_back_with_the_next_page(cast: Cast, client: Client) -> None:
    bad = replace(amazon_order(), order_id="")
    save(cast, bad)
    client.force_login(cast.user)
    page = client.get("/").content.decode()
    (alert,) = told(cast)
    assert "without a usable id" in page and f'action="/alerts/{alert.alert.pk}/done/"' in page

    assert client.post(f"/alerts/{alert.alert.pk}/done/").status_code == 302
    save(cast, bad)

    assert told(cast) == []


def test_one_from_before_the_connection_is_not_wanted(cast: Cast) -> None:
    old = now() - timedelta(days=400)

    save(cast, replace(amazon_order(), order_id="", purchased_at=old, updated_at=old))

    assert told(cast) == []


def test_a_count_of_past_orders_goes_over_them(cast: Cast) -> None:
    orders = [replace(amazon_order(), order_id=order_id) for order_id in ABSURD_IDS.values()]
    with tenancy.scope(cast.id):
        looked = backfill._look(cast.account, [*orders, amazon_order()], now(), first=True)

    assert (looked["read"], looked["new"]) == (1, 1)


# ── changes of known orders ──────────────────────────────────────────────────────────────────────────────────────────


def unkept(order: MarketplaceOrder, seconds: int) -> MarketplaceOrder:
    """Return a later reading of the order that no row can hold."""
    line = replace(order.lines[0], quantity=2**40)
    return replace(order, lines=(line,), updated_at=order.updated_at + timedelta(seconds=seconds))


@pytest.mark.parametrize(("state", "reason"), [("created", ""), ("unknown", "NO_ANSWER"), ("held", "UNKNOWN_TOO_LONG")])
def test_a_change_that_cannot_be_kept_of_an_order_that_may_be_in_the_store_is_told(
    cast: Cast, state: str, reason: str
) -> None:
    order = amazon_order(amazon_line("NP-MUG", price="10.00"))
    (pk,) = save(cast, order).order_ids
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=pk).update(export_state=state, reason_code=reason, store_order_name="#1001")

    for _ in range(2):
        save(cast, unkept(order, 5))

    (alert,) = told(cast)
    assert alert.title == f"A change of order {order.order_id} on Amazon could not be kept."
    assert "#1001" in alert.text and alert.url == f"/orders/{pk}/"
    assert references(cast) == {order.order_id}
    with tenancy.scope(cast.id):
        assert Order.objects.get(pk=pk).export_state == state

    better = replace(order, total=Decimal("10.00"), updated_at=order.updated_at + timedelta(seconds=9))
    save(cast, better)

    assert told(cast) == []


def test_a_change_that_cannot_be_kept_of_an_order_that_is_not_in_the_store_shows_as_held(cast: Cast) -> None:
    order = amazon_order(amazon_line("NP-MUG"))
    save(cast, order)

    save(cast, unkept(order, 5))

    assert told(cast) == []
    with tenancy.scope(cast.id):
        assert Order.objects.get().export_state == "held"
