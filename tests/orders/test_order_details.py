"""Currency, tax and customer on real store orders: the demo merchant against the running sandbox."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils.timezone import now

from accounts import preferences
from accounts.models import Store
from orders import jobs, pipeline, preview
from orders.models import ExchangeRate, Order, StoreOrder
from orders.order_page import OrderPage
from salestio import tenancy
from tests.orders.world import SELLER, SHOP, World

pytestmark = pytest.mark.django_db(transaction=True)

SKU = "NP-MBL-200-W-S-FOR"
UK = "A2NORTHPINEUK"


def choose(world: World, seller: str = SELLER, **changes: Any) -> None:
    account = world.account(seller)
    with tenancy.scope(world.merchant_id):
        preferences.write(account, changes, actor="ines")


def money_of(world: World, reference: str) -> dict[str, str]:
    with tenancy.scope(world.merchant_id):
        return StoreOrder.objects.get(marketplace_order_id=reference).money


def page_of(world: World, reference: str) -> OrderPage:
    with tenancy.scope(world.merchant_id):
        order = Order.objects.select_related("account", "store", "buyer").get(marketplace_order_id=reference)
        return OrderPage(order)


def test_an_order_to_convert_waits_for_a_rate_and_is_then_created_in_the_stores_currency(world: World) -> None:
    world.set_stock(SKU, 10)
    choose(world, UK, convert_currency=True)
    (reference,) = world.buy((SKU, 3), seller=UK)
    world.work(reference)
    held = world.order(reference)
    assert held is not None
    assert (held.export_state, held.reason_code) == ("held", "NO_RATE")
    assert not world.store_orders(reference)

    assert jobs.rates(world.merchant_id, now())["woken"] == 1
    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    money = money_of(world, reference)
    assert (made["currency"], made["total"]) == ("USD", money["total"])
    assert held.total is not None
    assert Decimal(money["total"]) == (held.total * Decimal(money["rate"])).quantize(Decimal("0.01"))
    assert (money["paid"], money["paid_currency"]) == (f"{held.total:.2f}", "GBP")
    with tenancy.scope(world.merchant_id):
        seen = page_of(world, reference).store_money
    assert seen is not None
    assert money["rate"] in seen.rate


def test_without_conversion_the_order_keeps_the_currency_the_buyer_paid_in(world: World) -> None:
    world.set_stock(SKU, 10)
    (reference,) = world.buy((SKU, 1), seller=UK)

    world.work(reference)

    (made,) = world.store_orders(reference)
    assert made["currency"] == "GBP"
    with tenancy.scope(world.merchant_id):
        assert not ExchangeRate.objects.exists()


def test_a_currency_the_store_does_not_take_holds_the_order_until_it_is_converted(world: World) -> None:
    world.set_stock(SKU, 10)
    with tenancy.scope(world.merchant_id):
        Store.objects.filter(key=SHOP).update(facts={"currencies": ["USD", "CAD"]})
    (reference,) = world.buy((SKU, 1), seller=UK)
    world.work(reference)
    order = world.order(reference)
    assert order is not None
    assert (order.reason_code, order.reason_data["currencies"]) == ("CURRENCY_NOT_IN_STORE", "USD, CAD")

    jobs.rates(world.merchant_id, now())
    choose(world, UK, convert_currency=True)
    world.work(reference, until=("created",))

    assert world.store_orders(reference)[0]["currency"] == "USD"


def test_excluded_tax_is_out_of_the_store_order_and_shown_on_the_page(world: World) -> None:
    world.set_stock(SKU, 10)
    choose(world, tax_mode="exclude")
    (reference,) = world.buy((SKU, 2), tax="3.10")

    world.work(reference)

    order = world.order(reference)
    (made,) = world.store_orders(reference)
    assert order is not None
    assert order.total is not None
    assert Decimal(made["total"]) == order.total - Decimal("3.10")
    assert money_of(world, reference)["difference"] == "3.10"
    with tenancy.scope(world.merchant_id):
        seen = page_of(world, reference).store_money
    assert seen is not None
    assert (seen.mode, seen.left_out) == ("Exclude tax", "$3.10")
    assert "TOTAL_DIFFERS" not in world.events(reference)


def test_a_customer_who_does_not_exist_holds_the_order_with_the_stores_words(world: World) -> None:
    world.set_stock(SKU, 10)
    choose(world, customer_mode="fixed", customer_id="404")
    (reference,) = world.buy((SKU, 1))
    world.work(reference)
    order = world.order(reference)
    assert order is not None
    assert (order.export_state, order.reason_code) == ("held", "STORE_REFUSED")

    choose(world, customer_mode="guest")
    outcome = pipeline.advance(world.merchant_id, order.pk, actor="ines")

    assert outcome.state == "created"


def test_the_preview_shows_the_last_order_under_every_mode_and_writes_nothing(world: World) -> None:
    world.set_stock(SKU, 10)
    (reference,) = world.buy((SKU, 2), tax="3.10")
    world.work(reference)

    with tenancy.scope(world.merchant_id):
        before = list(Order.objects.values())
        order = preview.last_order()
        assert order is not None
        seen = preview.of(order, preview.Typed(tax_percent="20", address="orders@example.com", domain="example.com"))
        after = list(Order.objects.values())

    assert before == after
    totals = {mode.code: (mode.total, mode.left_out) for mode in seen.modes}
    assert totals["included"] == totals["custom"] == (seen.paid, "")
    assert totals["exclude"] == totals["hide"]
    assert totals["exclude"][1] == "$3.10"
    assert [mode.code for mode in seen.modes if mode.chosen] == ["included"]
    assert [email.address for email in seen.emails][1:3] == ["", "orders@example.com"]
    assert seen.emails[4].address == f"{reference}@example.com"


def test_the_preview_takes_an_order_with_tax_before_a_newer_one_without(world: World) -> None:
    world.set_stock(SKU, 10)
    (taxed,) = world.buy((SKU, 1), tax="3.10")
    world.work(taxed)
    (plain,) = world.buy((SKU, 1))
    world.work(plain)

    with tenancy.scope(world.merchant_id):
        order = preview.last_order()

    assert order is not None and order.marketplace_order_id == taxed
