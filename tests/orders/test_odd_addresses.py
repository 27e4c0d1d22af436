"""Addresses a marketplace takes and a store does not: mended by us where that loses nothing, else by a person (F28)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.contract.types import Address
from orders import change
from orders.reasons import sentence
from tests.orders.conftest import Start
from tests.orders.world import World

pytestmark = pytest.mark.django_db(transaction=True)

BETTER = Address(name="M. Okonkwo", line1="1 New Street", city="Bend", region="OR", postal_code="97702", country="US")
STORES = {
    "northpine": "Shopify refuses the address: “Shopify does not take the country of this address”",
    "lumen": "BigCommerce refuses the address: “The field 'billing_address' is invalid.",
}


def in_store(world: World, reference: str) -> str:
    """Return the delivery address of the store order of a marketplace id, as one text."""
    (made,) = world.store_orders(reference)
    return ", ".join(str(part) for part in made["address"].values())


def bought(world: World, **buyer: Any) -> str:
    """Let somebody buy one unit of something the store has, and return the order's id."""
    (sku,) = world.goods(1)
    world.set_stock(sku, 5)
    world.read(sku)
    (reference,) = world.buy((sku, 1), buyer=buyer)
    return reference


@pytest.mark.parametrize(("slug", "words"), STORES.items(), ids=STORES)
def test_an_address_in_no_country_is_held_in_plain_words_and_goes_on_when_it_is_mended(
    start: Start, slug: str, words: str
) -> None:
    world = start(slug)
    reference = bought(world, address="unknown_country")
    world.work(reference)
    held = world.known(reference)
    assert (held.export_state, held.reason_code) == ("held", "ADDRESS_REJECTED")
    assert sentence("ADDRESS_REJECTED", held.reason_data).startswith(words)
    assert "country" in sentence("ADDRESS_REJECTED", held.reason_data)
    assert not world.store_orders(reference)

    change.edit_address(world.merchant_id, held.pk, BETTER, actor="Ines")
    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1
    assert "1 New Street" in in_store(world, reference)


@pytest.mark.parametrize("slug", STORES)
@pytest.mark.parametrize(("odd", "kept"), [("unknown_province", "Cascadia"), ("phone_extension", "40217")])
def test_what_a_store_has_no_field_for_is_kept_and_the_order_made(start: Start, slug: str, odd: str, kept: str) -> None:
    world = start(slug)
    reference = bought(world, address=odd)

    world.work(reference, until=("created",))

    assert kept in in_store(world, reference)
