"""The SKU mapping page: add, replace, search, delete, page by page; nobody else's."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from inventory import mappings, views
from inventory.models import SkuMapping
from salestio import tenancy
from tests.factories import Cast, amazon_line, make_variant
from tests.pages.conftest import NO_MATCH, save_order
from tests.pages.test_orders_page import text_of

pytestmark = pytest.mark.django_db
URL = "/settings/sku-mapping/"
IN_DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


def test_a_mapping_is_added_for_all_accounts_or_one_and_replaced(pages: Client, merchant: Cast) -> None:
    make_variant(merchant, "NP-STV-TI-2")
    for target in (f"store-{merchant.store.pk}", f"account-{merchant.account.pk}"):
        added = pages.post(
            f"{URL}add/", {"seller_sku": " STV-TI-2-CA ", "sku": "NP-STV-TI-2", "target": target}, follow=True
        )
    changed = pages.post(f"{URL}add/", {"seller_sku": "STV-TI-2-CA", "sku": "NP-OTHER", "target": target}, follow=True)

    with tenancy.scope(merchant.id):
        rows = set(SkuMapping.objects.values_list("seller_sku", "sku", "account_id"))
    assert rows == {("STV-TI-2-CA", "NP-STV-TI-2", None), ("STV-TI-2-CA", "NP-OTHER", merchant.account.pk)}
    assert "mapping added" in text_of(added)
    assert "mapping changed" in text_of(changed) and "Your store has no product with this SKU yet" in text_of(changed)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"seller_sku": "", "sku": "X"}, "Type the SKU as the marketplace has it"),
        ({"seller_sku": "X", "sku": "  "}, "Type the SKU as your store has it"),
        ({"seller_sku": "X" * 256, "sku": "X"}, "at most 255"),
        ({"seller_sku": "X", "sku": "Y", "target": "account-999999"}, "Select a valid choice"),
    ],
)
def test_bad_input_is_named_beside_its_field_and_nothing_is_saved(
    pages: Client, merchant: Cast, body: dict[str, str], words: str
) -> None:
    answer = pages.post(f"{URL}add/", {"target": f"store-{merchant.store.pk}"} | body)

    assert answer.status_code == 422
    assert words in text_of(answer)
    with tenancy.scope(merchant.id):
        assert not SkuMapping.objects.exists()


def test_another_merchants_account_cannot_be_named_nor_their_row_deleted(
    pages: Client, merchant: Cast, stranger: Cast
) -> None:
    with tenancy.scope(stranger.id):
        row = mappings.save(store=stranger.store, account=None, seller_sku="S", sku="T", actor="x").mapping

    added = pages.post(f"{URL}add/", {"seller_sku": "A", "sku": "B", "target": f"account-{stranger.account.pk}"})
    asked = pages.post(f"{URL}delete/", {"mapping": [row.pk]}, follow=True)
    pages.post(f"{URL}delete/", {"mapping": [row.pk], "confirmed": "on"})

    assert "No mapping was chosen" in text_of(asked)
    assert added.status_code == 422
    assert "→ T" not in text_of(pages.get(URL))
    with tenancy.scope(stranger.id):
        assert SkuMapping.objects.filter(pk=row.pk).exists()


def test_mappings_are_searched_paged_and_deleted(
    pages: Client, merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "PAGE", 3)
    with tenancy.scope(merchant.id):
        made = [
            mappings.save(store=merchant.store, account=None, seller_sku=f"AMZ-{i}", sku=f"NP-{i}", actor="x").mapping
            for i in range(5)
        ]

    first, older = text_of(pages.get(URL)), text_of(pages.get(f"{URL}?after={made[2].pk}"))
    found = text_of(pages.get(f"{URL}?q=np-4"))
    chosen = {"mapping": [made[0].pk, made[1].pk, "x"], "confirmed": "on"}
    done = pages.post(f"{URL}delete/", chosen, follow=True)

    assert "AMZ-4" in first and "AMZ-1" not in first and "Older" in first
    assert "AMZ-1" in older and "AMZ-4" not in older
    assert "AMZ-4" in found and "AMZ-3" not in found
    assert "2 mappings removed" in text_of(done)


def test_deleting_names_what_goes_away_and_changes_nothing_before_the_tick(
    pages: Client, merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ASKED_SHOWN", 2)
    with tenancy.scope(merchant.id):
        made = [
            mappings.save(
                store=merchant.store, account=None, seller_sku=f"AMZ-{i}", sku=f"NP-{i}", actor="x"
            ).mapping.pk
            for i in range(3)
        ]

    page = pages.post(f"{URL}delete/", {"mapping": made})
    dialog = pages.post(f"{URL}delete/", {"mapping": made[:1], "q": "AMZ"}, headers=IN_DIALOG)
    unsure = pages.post(f"{URL}delete/", {"mapping": made, "asked": "1"})
    with tenancy.scope(merchant.id):
        left = SkuMapping.objects.count()
    sent = re.findall(r'name="(\w+)" value="(\w*)"', page.content.decode())
    done = pages.post(
        f"{URL}delete/", {"mapping": [v for n, v in sent if n == "mapping"], "confirmed": "on"}, follow=True
    )

    assert "Delete 3 mappings?" in text_of(page) and "<html" in page.content.decode()
    assert "AMZ-2 → NP-2" in text_of(page) and "AMZ-0" not in text_of(page) and "and 1 more" in text_of(page)
    assert "Delete the mapping of AMZ-0?" in text_of(dialog) and "<dialog" in dialog.content.decode()
    assert "<html" not in dialog.content.decode() and "?q=AMZ" in dialog.content.decode()
    assert unsure.status_code == 422 and "Tick the box first" in text_of(unsure)
    assert left == 3
    assert "3 mappings removed" in text_of(done)


def test_no_mapping_chosen_is_a_sentence(pages: Client, merchant: Cast) -> None:
    assert "No mapping was chosen" in text_of(pages.post(f"{URL}delete/", {}, follow=True))


def test_the_product_chosen_among_several_with_one_sku_is_named_and_stays_with_the_sku(
    pages: Client, merchant: Cast
) -> None:
    make_variant(merchant, "TWIN", title="Brass Lamp")
    steel = make_variant(merchant, "TWIN", title="Steel Lamp")
    order = save_order(merchant, amazon_line("THEIRS"), after=NO_MATCH)
    pages.post(f"/orders/{order.pk}/lines/1/change/", {"variant": steel.pk, "remember": "all"})

    shown, cover = text_of(pages.get(URL)), text_of(pages.get(f"{URL}unmatched/"))
    with tenancy.scope(merchant.id):
        for sku, kept in (("TWIN", steel.pk), ("OTHER", None)):
            mappings.save(store=merchant.store, account=None, seller_sku="THEIRS", sku=sku, actor="x")
            assert SkuMapping.objects.get().variant_ref == kept

    assert "Of several products with this SKU: Steel Lamp" in shown
    assert "Everything is matched" in cover
