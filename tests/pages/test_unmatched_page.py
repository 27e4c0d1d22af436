"""What sold and is not matched: the meter, the list best sold first, suggestions accepted and undone; one merchant only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from inventory import coverage, mappings, suggestions
from inventory.models import SkuMapping
from orders.models import Order, SkuWait
from salestio import tenancy
from tests.factories import Cast, amazon_line, make_merchant, make_variant
from tests.pages.conftest import NO_MATCH, save_order
from tests.pages.test_orders_page import text_of

pytestmark = pytest.mark.django_db
URL = "/settings/sku-mapping/unmatched/"


def ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def measured(cast: Cast) -> coverage.Cover:
    with tenancy.scope(cast.id):
        return coverage.measure()


def test_what_sold_is_counted_once_a_sku_and_the_rest_is_sorted_by_units_of_thirty_days(merchant: Cast) -> None:
    make_variant(merchant, "NP-MUG")
    save_order(merchant, amazon_line("NP-MUG", 9), amazon_line("FEW", 1))
    save_order(merchant, amazon_line("FEW", 1), amazon_line("MANY", 5))
    save_order(merchant, amazon_line("LONG-AGO", 50), after={"purchased_at": ago(60)})
    save_order(merchant, amazon_line("FORGOTTEN", 50), after={"purchased_at": ago(120)})

    cover = measured(merchant)

    assert (cover.total, cover.matched, cover.percent, cover.recent) == (4, 1, 25, 2)
    assert [(one.sku, one.recent_units, one.units) for one in cover.unmatched] == [
        ("MANY", 5, 5), ("FEW", 2, 2), ("LONG-AGO", 0, 50),
    ]  # fmt: skip


def test_a_mapping_counts_only_while_every_part_of_it_is_in_the_store(merchant: Cast) -> None:
    make_variant(merchant, "NP-MUG")
    save_order(merchant, amazon_line("KIT"), amazon_line("PACK"))
    with tenancy.scope(merchant.id):
        mappings.save(store=merchant.store, account=None, seller_sku="PACK", sku="NP-MUG", quantity=6, actor="x")
        mappings.save(
            store=merchant.store, account=None, seller_sku="KIT", parts=[("NP-MUG", 1), ("NP-LID", 1)], actor="x"
        )

    (missing,) = measured(merchant).unmatched

    assert missing.sku == "KIT" and "NP-LID" in missing.why


def test_a_line_without_a_sku_counts_by_its_item_id(merchant: Cast) -> None:
    save_order(merchant, amazon_line("", title="Enamel Mug", item_id="256001234567"))

    (missing,) = measured(merchant).unmatched

    assert (missing.sku, missing.by_item) == ("256001234567", True)


def test_two_products_with_the_sku_are_not_matched(merchant: Cast) -> None:
    make_variant(merchant, "TWIN")
    make_variant(merchant, "TWIN", title="Another Mug")
    save_order(merchant, amazon_line("TWIN"))

    (missing,) = measured(merchant).unmatched

    assert missing.why == "2 products of your store have this SKU"


def test_a_mapping_to_a_sku_of_two_products_is_not_matched(merchant: Cast) -> None:
    make_variant(merchant, "TWIN")
    make_variant(merchant, "TWIN", title="Another Mug")
    save_order(merchant, amazon_line("PACK"))
    with tenancy.scope(merchant.id):
        mappings.save(store=merchant.store, account=None, seller_sku="PACK", sku="TWIN", quantity=6, actor="x")

    (missing,) = measured(merchant).unmatched

    assert missing.why == "Mapped to TWIN; 2 products of your store have this SKU"


def test_a_suggestion_is_shown_with_reason_applied_by_a_click_wakes_the_order_and_is_undone(
    pages: Client, merchant: Cast
) -> None:
    make_variant(merchant, "NP-MUG-GRN", title="Green Enamel Mug")
    order = save_order(merchant, amazon_line("np_mug_grn", title="Mug"), after=NO_MATCH)
    with tenancy.scope(merchant.id):
        SkuWait.objects.create(order=order, store_id=merchant.store.pk, seller_sku="np_mug_grn")

    shown = text_of(pages.get(URL))
    with tenancy.scope(merchant.id):
        assert not SkuMapping.objects.exists(), "nothing applies itself"
    body = {"account": merchant.account.pk, "seller_sku": "np_mug_grn", "sku": "NP-MUG-GRN"}
    accepted = text_of(pages.post(f"{URL}accept/", body, follow=True))
    with tenancy.scope(merchant.id):
        row = SkuMapping.objects.get()
        woken = Order.objects.get(pk=order.pk)
    undo = {"mapping": row.pk, "back": "unmatched", "confirmed": "1"}
    undone = text_of(pages.post("/settings/sku-mapping/delete/", undo, follow=True))

    assert "Same SKU but for signs and case" in shown and "1 order line waiting" in shown
    assert "1 suggestion accepted" in accepted and "Everything is matched" in accepted
    assert (row.sku, row.account_id, row.origin) == ("NP-MUG-GRN", merchant.account.pk, "suggestion")
    assert (woken.export_state, woken.reason_code) == ("imported", "QUEUED")
    assert "1 mapping removed" in undone and "Same SKU but for signs and case" in undone


def test_accept_all_takes_only_those_with_the_score(pages: Client, merchant: Cast) -> None:
    make_variant(merchant, "NP-MUG-GRN", title="Green Enamel Mug")
    make_variant(merchant, "NP-TENT-2P", title="Larch Two Person Tent")
    save_order(
        merchant,
        amazon_line("np_mug_grn", title="x"),
        amazon_line("Z9", title="Larch Tent"),
        amazon_line("Q", title="q"),
    )

    pages.post(f"{URL}accept/", {"all": "1", "least": "90"})

    with tenancy.scope(merchant.id):
        assert list(SkuMapping.objects.values_list("seller_sku", "sku")) == [("np_mug_grn", "NP-MUG-GRN")]


def test_a_suggestion_for_what_is_mapped_or_gone_is_not_accepted(pages: Client, merchant: Cast) -> None:
    body = {"account": merchant.account.pk, "seller_sku": "A", "sku": "GONE"}

    assert "Nothing was accepted" in text_of(pages.post(f"{URL}accept/", body, follow=True))
    with tenancy.scope(merchant.id):
        assert not SkuMapping.objects.exists()


def test_another_merchants_products_and_orders_are_never_looked_at(merchant: Cast) -> None:
    other = make_merchant("Stranger & Sons")
    make_variant(other, "NP-MUG-GRN")
    save_order(other, amazon_line("ONLY-THEIRS"))
    save_order(merchant, amazon_line("np_mug_grn"))

    with tenancy.scope(merchant.id):
        cover = coverage.measure()
        (found,) = suggestions.suggest(cover.unmatched)

    assert [one.sku for one in cover.unmatched] == ["np_mug_grn"]
    assert found.suggestion is None


def test_a_merchant_without_orders_is_told_what_comes(pages: Client, merchant: Cast) -> None:
    assert "No order of the last 90 days yet" in text_of(pages.get(URL))
    assert "Coverage" in text_of(pages.get("/settings/sku-mapping/"))
