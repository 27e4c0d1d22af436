"""Mapping files on the pages: upload, progress, report, download; bundles in the form; changing a mapping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now

from inventory import mapping_files, mappings
from inventory.models import MappingUpload, SkuMapping
from salestio import tenancy
from tests.factories import Cast, make_merchant, make_variant
from tests.pages.test_orders_page import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]
URL = "/settings/sku-mapping/"


def send(pages: Client, cast: Cast, data: bytes, target: str = "") -> str:
    """Upload a file and return the address of its page."""
    answer = pages.post(
        f"{URL}upload/",
        {"target": target or f"store-{cast.store.pk}", "file": SimpleUploadedFile("our skus.csv", data)},
    )
    assert answer.status_code == 302, text_of(answer)
    return str(answer["Location"])


def work(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        ids = list(MappingUpload.objects.values_list("pk", flat=True))
    for pk in ids:
        mapping_files.work(cast.id, pk)


def test_a_file_is_checked_with_progress_shown_row_by_row_and_changes_nothing_before_apply(
    pages: Client, merchant: Cast
) -> None:
    make_variant(merchant, "NP-1")
    with tenancy.scope(merchant.id):
        mappings.save(store=merchant.store, account=None, seller_sku="OLD", sku="NP-9", actor="x")
    page = send(pages, merchant, b"NP-1,A\nNP-2,B\n,C\nNP-1,OLD\n")

    before = pages.get(page)
    running = pages.get(f"{page}live/")
    work(merchant)
    checked = pages.get(f"{page}live/")
    after, everything = text_of(pages.get(page)), text_of(pages.get(f"{page}?show=all"))

    assert 'hx-trigger="every 1s"' in before.content.decode() and "0 of 4 rows" in text_of(before)
    assert "HX-Trigger" not in running and "2 to add, 1 to replace" in checked["HX-Trigger"]
    assert "every 1s" not in checked.content.decode() and "Apply 3 changes" in text_of(checked)
    assert "The Store SKU is empty" in after and "Cannot be saved, column 1" in after
    assert "Nothing is changed yet" in after and "Discard" in after
    assert "To add" in everything and "no product with the SKU NP-2 yet" in everything
    assert "Was NP-9 → , becomes NP-1" in everything
    assert "our skus.csv" in text_of(pages.get(URL)) and "not applied yet" in text_of(pages.get(URL))
    with tenancy.scope(merchant.id):
        assert list(SkuMapping.objects.values_list("seller_sku", "sku")) == [("OLD", "NP-9")]


def test_apply_does_what_was_shown_with_progress_and_a_report(pages: Client, merchant: Cast) -> None:
    page = send(pages, merchant, b"NP-1,A\nNP-1,B\n")
    work(merchant)

    pressed = pages.post(f"{page}apply/")
    running = pages.get(page)
    work(merchant)
    told = pages.get(f"{page}live/")
    done = text_of(pages.get(page))

    assert (pressed.status_code, pressed["Location"]) == (302, page)
    assert "Applying" in text_of(running) and 'hx-trigger="every 1s"' in running.content.decode()
    assert "2 added, 0 replaced" in told["HX-Trigger"]
    assert "Applied" in done and "Discard" not in done and "Not applied" not in done
    with tenancy.scope(merchant.id):
        assert set(SkuMapping.objects.values_list("seller_sku", "sku")) == {("A", "NP-1"), ("B", "NP-1")}


def test_discard_drops_the_file_and_says_that_nothing_was_changed(pages: Client, merchant: Cast) -> None:
    page = send(pages, merchant, b"NP-1,A\n")
    work(merchant)

    gone = pages.post(f"{page}discard/", follow=True)

    assert "our skus.csv discarded. Nothing was changed" in text_of(gone)
    assert pages.get(page).status_code == 404
    with tenancy.scope(merchant.id):
        assert not MappingUpload.objects.exists() and not SkuMapping.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b",A\n", "No row of the file can be used"),
        (b"NP-1,A\n", "say all of this already"),
        (b"NP-1,A\nbroken\n", "already say everything in it that can be saved"),
    ],
)
def test_a_file_that_changes_nothing_offers_no_apply(pages: Client, merchant: Cast, data: bytes, words: str) -> None:
    with tenancy.scope(merchant.id):
        mappings.save(store=merchant.store, account=None, seller_sku="A", sku="NP-1", actor="x")
    page = send(pages, merchant, data)
    work(merchant)

    shown = text_of(pages.get(page))

    assert "Nothing to apply" in shown and words in shown
    assert "/apply/" not in pages.get(page).content.decode()


def test_a_file_older_than_a_day_is_not_applied_any_more(pages: Client, merchant: Cast) -> None:
    page = send(pages, merchant, b"NP-1,A\n")
    work(merchant)
    with tenancy.scope(merchant.id):
        MappingUpload.objects.update(checked_at=now() - timedelta(hours=25))

    shown = pages.get(page)
    pressed = pages.post(f"{page}apply/", follow=True)

    assert "Not applied within a day" in text_of(shown) and "/apply/" not in shown.content.decode()
    assert "Upload the file again; nothing was changed" in text_of(pressed)
    with tenancy.scope(merchant.id):
        assert not SkuMapping.objects.exists()


def test_the_report_and_the_table_are_downloaded_as_files(pages: Client, merchant: Cast) -> None:
    page = send(pages, merchant, b"NP-1 x2 + NP-2,KIT\n=1+1,EVIL\n", target=f"account-{merchant.account.pk}")
    work(merchant)
    pages.post(f"{page}apply/")
    work(merchant)

    report = pages.get(f"{page}report.csv")
    table = pages.get(f"{URL}download/?target=account-{merchant.account.pk}")
    general = pages.get(f"{URL}download/?target=store-{merchant.store.pk}")

    told = b"".join(report.streaming_content).decode()  # type: ignore[attr-defined]
    rows = b"".join(table.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert "attachment" in report["Content-Disposition"] and "KIT" in told
    assert rows[0] == "Store SKU,Marketplace SKU,Quantity"
    assert sorted(rows[1:]) == ["'=1+1,EVIL,1", "NP-1 x2 + NP-2,KIT,1"]
    assert b"".join(general.streaming_content).decode().splitlines() == rows[:1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        ("NP-1,A\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 [Content_Types].xml", "Excel workbook (.xlsx)"),
        (b'NP-1,A\nNP-2,"B\n', "Line 2, column 2: A quote is opened and never closed"),
        (b"only one column\n", "There is one column"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_beside_its_field(
    pages: Client, merchant: Cast, data: bytes, words: str
) -> None:
    body = {"target": f"store-{merchant.store.pk}", "file": SimpleUploadedFile("x.csv", data)}

    answer = pages.post(f"{URL}upload/", body)

    assert answer.status_code == 422 and words in text_of(answer)
    with tenancy.scope(merchant.id):
        assert not MappingUpload.objects.exists()


def test_no_file_is_a_plain_sentence(pages: Client, merchant: Cast) -> None:
    assert "Choose a file" in text_of(pages.post(f"{URL}upload/", {"target": f"store-{merchant.store.pk}"}))


def test_a_bundle_is_typed_row_by_row_without_script_and_shown_with_its_parts(pages: Client, merchant: Cast) -> None:
    make_variant(merchant, "NP-1")
    target = f"store-{merchant.store.pk}"
    body = {"seller_sku": "KIT", "sku": ["NP-1"], "units": ["2"], "target": target}

    wider = pages.post(f"{URL}add/", body | {"more_rows": "1"})
    saved = pages.post(f"{URL}add/", body | {"sku": ["NP-1", "NP-2", ""], "units": ["2", "1", "1"]}, follow=True)

    assert wider.status_code == 200 and wider.content.decode().count('name="sku"') == 2
    assert 'value="KIT"' in wider.content.decode() and "invalid-feedback" not in wider.content.decode()
    assert "KIT is 2 × NP-1 + 1 × NP-2 from now on" in text_of(saved)
    assert "does not have all of these SKUs yet" in text_of(saved)
    assert "Not in your store: NP-2" in text_of(pages.get(URL))
    with tenancy.scope(merchant.id):
        assert SkuMapping.objects.get().target == (("NP-1", 2), ("NP-2", 1))
    assert "KIT" in text_of(pages.get(f"{URL}?q=np-2"))


@pytest.mark.parametrize("units", ["0", "-1", "1.5", "10000", "two"])
def test_a_quantity_that_is_none_is_refused(pages: Client, merchant: Cast, units: str) -> None:
    body = {"seller_sku": "PACK", "sku": "NP-1", "units": units, "target": f"store-{merchant.store.pk}"}

    answer = pages.post(f"{URL}add/", body)

    assert answer.status_code == 422 and "from 1 to 9,999" in text_of(answer)


def test_a_mapping_is_changed_and_moved_to_another_sku_and_account(pages: Client, merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        row = mappings.save(
            store=merchant.store, account=None, seller_sku="OLD", parts=[("NP-1", 2), ("NP-2", 1)], actor="x"
        ).mapping

    shown = pages.get(f"{URL}{row.pk}/").content.decode()
    body = {"seller_sku": "NEW", "sku": "NP-1", "units": "6", "target": f"account-{merchant.account.pk}"}
    done = pages.post(f"{URL}{row.pk}/", body, follow=True)

    assert shown.count('name="sku"') == 2 and 'value="OLD"' in shown
    assert "NEW is 6 × NP-1 from now on" in text_of(done)
    with tenancy.scope(merchant.id):
        rows = list(SkuMapping.objects.values_list("seller_sku", "account_id", "sku", "quantity"))
    assert rows == [("NEW", merchant.account.pk, "NP-1", 6)]


def test_another_merchants_file_and_mapping_are_not_there(pages: Client, merchant: Cast) -> None:
    other = make_merchant("Stranger & Sons")
    with tenancy.scope(other.id):
        row = mappings.save(store=other.store, account=None, seller_sku="S", sku="T", actor="x").mapping
        taken = mapping_files.take(store=other.store, account=None, name="a.csv", data=b"T,S\n", actor="x")

    for path in (f"{row.pk}/", f"uploads/{taken.pk}/", f"uploads/{taken.pk}/live/", f"uploads/{taken.pk}/report.csv"):
        assert pages.get(URL + path).status_code == 404, path
    for what in ("apply", "discard"):
        assert pages.post(f"{URL}uploads/{taken.pk}/{what}/").status_code == 404
    assert pages.get(f"{URL}download/?target=store-{other.store.pk}").status_code == 404


def test_a_viewer_looks_and_downloads_but_does_not_upload(as_role: Callable[[str], Client], merchant: Cast) -> None:
    viewer = as_role("viewer")

    assert "Upload CSV" not in text_of(viewer.get(URL))
    assert viewer.get(f"{URL}download/?target=store-{merchant.store.pk}").status_code == 200
    assert viewer.post(f"{URL}upload/", {"target": f"store-{merchant.store.pk}"}).status_code == 403
    with tenancy.scope(merchant.id):
        taken = mapping_files.take(store=merchant.store, account=None, name="a.csv", data=b"NP-1,A\n", actor="x")
    work(merchant)
    page = f"{URL}uploads/{taken.pk}/"
    assert "It waits for a manager to apply it" in text_of(viewer.get(page))
    assert [viewer.post(f"{page}{what}/").status_code for what in ("apply", "discard")] == [403, 403]
