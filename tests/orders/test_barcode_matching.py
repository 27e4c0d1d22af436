"""Barcodes match orders only where the store's setting says so, however the barcode is written (F43)."""

from __future__ import annotations

import pytest

from accounts import preferences
from accounts.models import Store
from orders.domain.matching import LineToMatch, Match, match
from orders.pull import database_now
from orders.steps.batch import load_catalog, peek
from salestio import tenancy
from tests.factories import Cast, amazon_line, make_variant
from tests.pages.conftest import save_order

pytestmark = pytest.mark.django_db


def matched(cast: Cast, seller_sku: str) -> Match:
    order = save_order(cast, amazon_line(seller_sku, title="Something else"))
    with tenancy.scope(cast.id):
        batch = peek(cast.id, order, moment=database_now())
        load_catalog(batch, batch.items)
        (line,) = batch.items[0].lines
        return match(LineToMatch(line.seller_sku, line.title), batch.catalogs[cast.account.pk])


def switch_on(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        preferences.write(Store.objects.get(pk=cast.store.pk), {"barcode_matching": True}, actor="Ines")


def test_off_until_the_merchant_switches_it_on(merchant: Cast) -> None:
    mug = make_variant(merchant, "NP-MUG", barcode="036000291452")

    before = matched(merchant, "0036000291452")
    switch_on(merchant)
    after = matched(merchant, "0036000291452")

    assert not before.found
    assert (after.variant_id, after.rule) == (mug.pk, "barcode")


def test_two_products_with_one_barcode_match_nothing(merchant: Cast) -> None:
    make_variant(merchant, "NP-MUG", barcode="036000291452")
    make_variant(merchant, "NP-CUP", barcode="00036000291452", title="Cup")
    switch_on(merchant)

    assert not matched(merchant, "036000291452").found
