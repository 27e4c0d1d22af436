"""The list over real rows: every filter finds exactly its orders, pages neither lose nor repeat one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from connectors.contract.types import FulfilledBy, OrderStatus
from orders import listing as module
from orders.filters import Filters, parse
from orders.listing import Listing, Place
from orders.models import Order, OrderLine
from salestio import tenancy
from tests.factories import Cast, amazon_line, make_variant
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order

pytestmark = pytest.mark.django_db


def found(cast: Cast, query: str) -> set[str]:
    """Return the marketplace ids a query finds."""
    with tenancy.scope(cast.id):
        return {order.marketplace_order_id for order in Listing(parse(QueryDict(query))).page().orders}


def test_pages_go_forth_and_back_without_losing_or_repeating_an_order(merchant: Cast) -> None:
    same = datetime.now(UTC) - timedelta(hours=1)
    made = [save_order(merchant, purchased_at=same if i % 3 else same - timedelta(minutes=i)) for i in range(17)]

    with tenancy.scope(merchant.id):
        listing = Listing(Filters())
        seen, place, pages = [], None, []
        while True:
            page = listing.page(place, size=5)
            seen += [order.pk for order in page.orders]
            pages.append(page)
            if not page.older:
                break
            place = Place.read(page.older)
        back = listing.page(Place.read(pages[-1].newer), size=5)

    assert len(pages) == 4
    assert sorted(seen) == sorted(order.pk for order in made)
    assert (pages[1].first, pages[1].last) == (6, 10)
    assert [order.pk for order in back.orders] == [order.pk for order in pages[-2].orders]
    assert back.first == pages[-2].first
    assert pages[0].newer == ""


def test_several_values_of_one_filter_are_merged_in_order_and_paged(merchant: Cast) -> None:
    states: list[dict[str, Any]] = [OUT_OF_STOCK, in_store(), {"export_state": "waiting", "reason_code": "THROTTLED"}]
    bought = datetime.now(UTC)
    for i in range(12):
        save_order(merchant, purchased_at=bought - timedelta(minutes=i), after=states[i % 3])

    with tenancy.scope(merchant.id):
        listing = Listing(parse(QueryDict("state=held&state=waiting")))
        first = listing.page(size=5)
        second = listing.page(Place.read(first.older), size=5)
        count = listing.count()

    orders = [*first.orders, *second.orders]
    assert len(orders) == count == 8
    assert {order.export_state for order in orders} == {"held", "waiting"}
    assert [order.purchased_at for order in orders] == sorted((o.purchased_at for o in orders), reverse=True)


def test_each_filter_finds_exactly_its_orders(merchant: Cast) -> None:
    held = save_order(merchant, after=OUT_OF_STOCK).marketplace_order_id
    missing = save_order(merchant, amazon_line("STV-TI-2-CA"), after=NO_MATCH).marketplace_order_id
    fba = save_order(merchant, fulfilled_by=FulfilledBy.MARKETPLACE, status=OrderStatus.SHIPPED).marketplace_order_id
    stored = save_order(merchant, amazon_line("NP-TENT", price="420.00"), after=in_store("#10482")).marketplace_order_id
    old = save_order(
        merchant,
        purchased_at=datetime.now(UTC) - timedelta(days=1, hours=12),
        after={**in_store("#9000"), "status": "shipped"},
    ).marketplace_order_id
    everything = {held, missing, fba, stored, old}

    assert found(merchant, "") == everything
    assert found(merchant, "view=needs") == {held, missing}
    assert found(merchant, "reason=NO_MATCH") == {missing}
    assert found(merchant, "view=fba") == {fba} == found(merchant, "fulfilled=marketplace")
    assert found(merchant, "state=created") == {stored, old}
    assert found(merchant, "status=shipped") == {fba, old}
    assert found(merchant, f"account={merchant.account.pk}") == everything
    assert found(merchant, "account=999999") == set()
    assert found(merchant, "platform=etsy") == set()
    assert found(merchant, "low=400") == {stored}
    assert found(merchant, "high=18.50") == everything - {stored}
    assert found(merchant, f"order={held}") == {held}
    assert found(merchant, "view=needs&state=created") == set()


@pytest.mark.parametrize(
    "text", ["112-id", "#10482", "10482", "NP-TENT", "Okonkwo", "okonkwo MARGARET", "k4x9@marketplace.example"]
)
def test_the_one_box_finds_by_id_shop_order_sku_and_whole_words_of_the_buyer(merchant: Cast, text: str) -> None:
    other = {"personal": _buyer("Tom Whitfield", "tom@marketplace.example")}
    wanted = save_order(merchant, amazon_line("NP-TENT"), order_id="112-id", after=in_store("#10482"))
    save_order(merchant, amazon_line("NP-MUG"), after=in_store("#2"), **other)

    assert found(merchant, f"q={text.replace('#', '%23')}") == {wanted.marketplace_order_id}


def test_half_a_word_of_a_buyer_finds_nobody(merchant: Cast) -> None:
    save_order(merchant)

    assert found(merchant, "buyer=Okon") == set()
    assert found(merchant, "buyer=!!") == set()


def test_a_sku_is_found_by_the_stores_name_for_it_too(merchant: Cast) -> None:
    order = save_order(merchant, amazon_line("AMZ-77"))
    variant = make_variant(merchant, "NP-MUG-77")
    with tenancy.scope(merchant.id):
        OrderLine.objects.filter(order_id=order.pk).update(variant_id=variant.pk, matched_by="mapping")

    assert found(merchant, "sku=NP-MUG-77") == {order.marketplace_order_id}
    assert found(merchant, "sku=AMZ-77") == {order.marketplace_order_id}


@pytest.mark.parametrize("query", ["q=Okonkwo", "sku=NP-MUG", "buyer=Margaret", "low=1"])
def test_a_popular_search_finds_the_same_orders_as_a_rare_one(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    for _ in range(4):
        save_order(merchant)
    rare = found(merchant, query)

    monkeypatch.setattr(module, "RARE", 2)

    assert found(merchant, query) == rare
    assert len(rare) == 4


def test_ship_today_lists_paid_orders_due_or_late_that_the_merchant_ships(merchant: Cast) -> None:
    now = datetime.now(UTC)
    late = save_order(merchant, ship_by=now - timedelta(hours=3))
    save_order(merchant, ship_by=now + timedelta(days=3))
    save_order(merchant, ship_by=now - timedelta(hours=3), status=OrderStatus.SHIPPED)

    assert found(merchant, "view=ship") == {late.marketplace_order_id}


def test_counts_end_at_the_cap(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        save_order(merchant)
    monkeypatch.setattr(module, "CAP", 2)

    with tenancy.scope(merchant.id):
        assert Listing(Filters(high=Decimal("99"))).count() <= 4
        assert Listing(Filters(statuses=("paid",))).count() == 3


def test_neighbors_are_the_orders_beside_it_in_the_same_list(merchant: Cast) -> None:
    bought = datetime.now(UTC)
    rows = [save_order(merchant, purchased_at=bought - timedelta(minutes=i), after=OUT_OF_STOCK) for i in (1, 3, 5)]
    save_order(merchant, purchased_at=bought - timedelta(minutes=2), after=in_store())

    with tenancy.scope(merchant.id):
        middle = Order.objects.get(pk=rows[1].pk)
        assert Listing(parse(QueryDict("view=needs"))).neighbors(middle) == (rows[0].pk, rows[2].pk)
        assert Listing(parse(QueryDict("view=needs"))).neighbors(rows[0]) == (None, rows[1].pk)


def test_the_list_never_shows_another_merchants_orders(merchant: Cast, stranger: Cast) -> None:
    order = save_order(merchant)

    assert found(stranger, "") == set()
    assert found(stranger, f"q={order.marketplace_order_id}") == set()
    assert found(stranger, "buyer=Okonkwo") == set()


def _buyer(name: str, email: str) -> Any:
    from connectors.contract.types import PersonalDetails

    return PersonalDetails(buyer_name=name, buyer_email=email)
