"""Addresses, also e-mail ones, a marketplace takes and a store does not: mended by us where that loses nothing, else by a
person (F28)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.contract.types import Address
from orders import change, log_words
from orders.models import OrderEvent
from orders.reasons import sentence
from salestio import tenancy
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


def log_of(world: World, reference: str) -> str:
    """Return the order's log as the merchant reads it, and the data under it."""
    store = world.store().platform
    with tenancy.scope(world.merchant_id):
        events = list(OrderEvent.objects.filter(order__marketplace_order_id=reference).order_by("pk"))
    lines = log_words.lines(events, world.platform, store)
    return "\n".join(f"{line.text} {line.more}" for line in lines)


@pytest.mark.parametrize(("slug", "storefront"), [("northpine", "Shopify"), ("lumen", "BigCommerce")])
def test_an_e_mail_address_no_store_takes_is_kept_in_the_note_and_the_log_says_so(
    start: Start, slug: str, storefront: str
) -> None:
    world = start(slug, platform="amazon")
    reference = bought(world, email="用户@例子.广告")

    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    assert not made["email"]
    assert "E-mail: 用户@例子.广告" in made["note"].splitlines()
    assert f"Created without the buyer's e-mail address, which {storefront} does not take" in log_of(world, reference)
    assert "用户" not in log_of(world, reference)


@pytest.mark.parametrize("slug", STORES)
def test_an_e_mail_address_at_a_domain_of_another_script_is_sent_in_letters_a_store_takes(
    start: Start, slug: str
) -> None:
    world = start(slug, platform="amazon")
    reference = bought(world, email="info@例子.广告")

    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    assert made["email"] == "info@xn--fsqu00a.xn--4rr70v"
    assert "E-mail:" not in made["note"]
    assert "Created without" not in log_of(world, reference)
