"""Files of SKU mappings: checked before anything changes, then applied as checked; nothing done twice or lost to a kill."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from inventory import lanes, mapping_files, mappings
from inventory.domain import mapping_file
from inventory.domain.mapping_file import BadFile
from inventory.models import MappingUpload, MappingUploadRow, SkuMapping
from orders import jobs as order_jobs
from salestio import routes, tenancy
from tests.factories import Cast, make_merchant, make_variant

pytestmark = pytest.mark.django_db
woken: list[list[str]] = []


def on_changed(*, store_id: int, seller_skus: Sequence[str]) -> None:
    woken.append(sorted(seller_skus))


@pytest.fixture(autouse=True)
def hearing(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    """Note which orders would be woken."""
    woken.clear()
    monkeypatch.setitem(routes.NOW, "mapping.changed", ("tests.inventory.test_mapping_files.on_changed",))


def check(cast: Cast, text: str | bytes, *, for_account: bool = False) -> MappingUpload:
    """Take a file in and have it checked; return the work as it stands then."""
    with tenancy.scope(cast.id):
        taken = mapping_files.take(
            store=cast.store, account=cast.account if for_account else None, name="mappings.csv",
            data=text.encode() if isinstance(text, str) else text, actor="Ines",
        )  # fmt: skip
    mapping_files.work(cast.id, taken.pk)
    return look(cast, taken)


def press(cast: Cast, taken: MappingUpload) -> bool:
    """Press Apply; say whether there was something to apply."""
    with tenancy.scope(cast.id):
        return mapping_files.apply(upload_id=taken.pk, actor="Max")


def apply(cast: Cast, taken: MappingUpload) -> MappingUpload:
    """Press Apply, let the worker do it, and return the work as it stands then."""
    assert press(cast, taken)
    mapping_files.work(cast.id, taken.pk)
    return look(cast, taken)


def upload(cast: Cast, text: str | bytes, *, for_account: bool = False) -> MappingUpload:
    """Have a file checked and applied where it changes anything; return the work as it stands then."""
    checked = check(cast, text, for_account=for_account)
    return apply(cast, checked) if checked.state == "checked" else checked


def save(cast: Cast, seller_sku: str, sku: str) -> None:
    """Save a mapping by hand, for all accounts."""
    with tenancy.scope(cast.id):
        mappings.save(store=cast.store, account=None, seller_sku=seller_sku, sku=sku, actor="x")


def counts(taken: MappingUpload) -> dict[str, int]:
    """Return the counts that are not 0."""
    return {name: number for name in MappingUpload.COUNTS if (number := getattr(taken, name))}


def look(cast: Cast, taken: MappingUpload) -> MappingUpload:
    with tenancy.scope(cast.id):
        return MappingUpload.objects.get(pk=taken.pk)


def outcomes(cast: Cast, taken: MappingUpload) -> list[tuple[int, str, bool]]:
    with tenancy.scope(cast.id):
        return list(taken.rows.order_by("line").values_list("line", "outcome", "known"))


def saved(cast: Cast) -> dict[str, Any]:
    with tenancy.scope(cast.id):
        return {row.seller_sku: row.target for row in SkuMapping.objects.all()}


def test_every_row_is_saved_or_told_why_not(merchant: Cast) -> None:
    make_variant(merchant, "NP-1")
    with tenancy.scope(merchant.id):
        mappings.save(store=merchant.store, account=None, seller_sku="OLD", sku="NP-9", actor="x")
        mappings.save(store=merchant.store, account=None, seller_sku="SAME", sku="NP-1", actor="x")
    woken.clear()

    done = upload(
        merchant,
        "NP-1,NEW\nNP-1,OLD\nNP-1,SAME\nNP-7,AHEAD\n,EMPTY\nNP-2,TWICE\nNP-1,TWICE\nNP-1,PACK,6\nNP-1 x2 + NP-7,KIT\n",
    )

    assert outcomes(merchant, done) == [
        (1, "added", True), (2, "replaced", True), (3, "unchanged", True), (4, "added", False), (5, "invalid", True),
        (6, "duplicate", True), (7, "added", True), (8, "added", True), (9, "added", False),
    ]  # fmt: skip
    assert counts(done) == {"added": 5, "replaced": 1, "unchanged": 1, "unknown": 2, "duplicates": 1, "invalid": 1}
    assert (done.state, done.rows_done, done.rows_total, done.file) == ("done", 9, 9, None)
    assert saved(merchant) == {
        "NEW": (("NP-1", 1),), "OLD": (("NP-1", 1),), "SAME": (("NP-1", 1),), "AHEAD": (("NP-7", 1),), "TWICE": (("NP-1", 1),),
        "PACK": (("NP-1", 6),), "KIT": (("NP-1", 2), ("NP-7", 1)),
    }  # fmt: skip
    assert woken == [["AHEAD", "KIT", "NEW", "OLD", "PACK", "TWICE"]]


def test_checking_says_what_each_row_would_change_and_changes_nothing(merchant: Cast) -> None:
    make_variant(merchant, "NP-1")
    save(merchant, "OLD", "NP-9")
    save(merchant, "SAME", "NP-1")
    before = saved(merchant)
    woken.clear()

    checked = check(merchant, "NP-1,NEW\nNP-1 x2 + NP-7,OLD\nNP-1,SAME\n,EMPTY\nNP-2,TWICE\nNP-1,TWICE\n")

    assert (checked.state, checked.file, checked.rows_done) == ("checked", None, 6)
    assert counts(checked) == {"added": 2, "replaced": 1, "unchanged": 1, "unknown": 1, "duplicates": 1, "invalid": 1}
    with tenancy.scope(merchant.id):
        told = list(checked.rows.order_by("line").values_list("outcome", "before", "parts"))
    assert told == [
        ("added", None, [["NP-1", 1]]), ("replaced", [["NP-9", 1]], [["NP-1", 2], ["NP-7", 1]]),
        ("unchanged", [["NP-1", 1]], [["NP-1", 1]]), ("invalid", None, None), ("duplicate", None, None),
        ("added", None, [["NP-1", 1]]),
    ]  # fmt: skip
    assert saved(merchant) == before
    assert woken == []


def test_what_was_checked_is_what_is_applied_though_the_store_has_other_skus_by_then(merchant: Cast) -> None:
    checked = check(merchant, "A + B,KIT\n")
    make_variant(merchant, "A + B")

    apply(merchant, checked)

    assert saved(merchant) == {"KIT": (("A", 1), ("B", 1))}


def test_a_mapping_somebody_changed_after_the_check_is_left_as_it_is_and_told(merchant: Cast) -> None:
    for seller_sku, sku in (
        ("MOVED", "NP-1"),
        ("GONE", "NP-1"),
        ("EQUAL", "NP-1"),
        ("KEPT", "NP-1"),
        ("STILL", "NP-8"),
    ):
        save(merchant, seller_sku, sku)
    checked = check(merchant, "NP-2,MOVED\nNP-2,GONE\nNP-2,EQUAL\nNP-2,KEPT\nNP-8,STILL\nNP-2,TAKEN\nNP-2,NEW\n")
    save(merchant, "MOVED", "NP-5")
    save(merchant, "EQUAL", "NP-2")
    save(merchant, "STILL", "NP-5")
    save(merchant, "TAKEN", "NP-5")
    with tenancy.scope(merchant.id):
        mappings.delete(SkuMapping.objects.filter(seller_sku="GONE").values_list("pk", flat=True))
    woken.clear()

    done = apply(merchant, checked)

    assert {seller_sku: parts[0][0] for seller_sku, parts in saved(merchant).items()} == {
        "MOVED": "NP-5", "EQUAL": "NP-2", "KEPT": "NP-2", "STILL": "NP-5", "TAKEN": "NP-5", "NEW": "NP-2",
    }  # fmt: skip
    assert counts(done) == {"added": 1, "replaced": 1, "unchanged": 1, "changed": 4, "unknown": 7}
    with tenancy.scope(merchant.id):
        notes = dict(done.rows.filter(outcome="changed").values_list("seller_sku", "note"))
    assert "was NP-1; now it is NP-5" in notes["MOVED"] and "now it is not mapped" in notes["GONE"]
    assert "was not mapped; now it is NP-5" in notes["TAKEN"]
    assert woken == [["KEPT", "NEW"]]


def test_a_file_keeps_the_product_chosen_among_several_only_while_the_sku_stays(merchant: Cast) -> None:
    for seller_sku in ("PACK", "MOVED"):
        save(merchant, seller_sku, "TWIN")
    with tenancy.scope(merchant.id):
        SkuMapping.objects.update(variant_ref=7)

    upload(merchant, "TWIN,PACK,6\nNP-1,MOVED\n")

    with tenancy.scope(merchant.id):
        assert dict(SkuMapping.objects.values_list("seller_sku", "variant_ref")) == {"PACK": 7, "MOVED": None}


def test_a_file_is_applied_once_however_often_apply_is_pressed(merchant: Cast) -> None:
    checked = check(merchant, "NP-1,A\n")

    pressed = [press(merchant, checked) for _ in range(2)]
    worked = [mapping_files.work(merchant.id, checked.pk) for _ in range(2)]

    assert (pressed, worked) == ([True, False], [1, 0])
    done = look(merchant, checked)
    assert (done.state, done.applied_by, counts(done)) == ("done", "Max", {"added": 1, "unknown": 1})
    with tenancy.scope(merchant.id):
        assert SkuMapping.objects.get().created_by == "Max"
    assert not press(merchant, checked)


@pytest.mark.parametrize("text", ["NP-1,SAME\n", ",A\nNP-1,B,x\n"])
def test_a_file_that_changes_nothing_has_nothing_to_apply(merchant: Cast, text: str) -> None:
    save(merchant, "SAME", "NP-1")

    checked = check(merchant, text)

    assert (checked.state, checked.applied_at) == ("done", None)
    assert not press(merchant, checked)


def test_a_discarded_file_is_gone_with_its_report_and_changed_nothing(merchant: Cast) -> None:
    checked = check(merchant, "NP-1,A\n")

    with tenancy.scope(merchant.id):
        assert mapping_files.discard(upload_id=checked.pk)
        assert not mapping_files.discard(upload_id=checked.pk)
        assert not MappingUpload.objects.exists() and not MappingUploadRow.objects.exists()
    assert not press(merchant, checked) and saved(merchant) == {}


def test_a_file_that_is_being_applied_is_not_discarded(merchant: Cast) -> None:
    checked = check(merchant, "NP-1,A\n")
    press(merchant, checked)

    with tenancy.scope(merchant.id):
        assert not mapping_files.discard(upload_id=checked.pk)


def test_a_file_nobody_applied_within_a_day_cannot_be_applied_and_the_tidy_job_drops_it(merchant: Cast) -> None:
    late, fresh = check(merchant, "NP-1,A\n"), check(merchant, "NP-1,B\n")
    with tenancy.scope(merchant.id):
        MappingUpload.objects.filter(pk=late.pk).update(
            checked_at=now() - timedelta(hours=mapping_files.UNAPPLIED_HOURS, seconds=1)
        )

    assert not press(merchant, late), "by rule, before any job came by"
    order_jobs.tidy(merchant.id, now())

    assert [look(merchant, one).state for one in (late, fresh)] == ["expired", "checked"]
    assert (outcomes(merchant, late), len(outcomes(merchant, fresh))) == ([], 1)
    assert saved(merchant) == {}


def test_a_file_of_one_account_leaves_the_rows_for_all_accounts_alone(merchant: Cast) -> None:
    upload(merchant, "NP-1,A")
    upload(merchant, "NP-2,A", for_account=True)

    with tenancy.scope(merchant.id):
        rows = set(SkuMapping.objects.values_list("account_id", "sku"))
    assert rows == {(None, "NP-1"), (merchant.account.pk, "NP-2")}


def test_the_same_file_again_changes_nothing_and_wakes_nobody(merchant: Cast) -> None:
    text = "NP-1,A\nNP-2 x2 + NP-3,B\n"
    upload(merchant, text)
    woken.clear()

    again = upload(merchant, text)

    assert (again.added, again.replaced, again.unchanged) == (0, 0, 2)
    assert woken == []


def test_the_same_file_sent_twice_while_it_is_worked_is_one_work(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        one, two = (
            mapping_files.take(store=merchant.store, account=None, name="a.csv", data=b"NP-1,A\n", actor="x")
            for _ in range(2)
        )

    assert one.pk == two.pk


def test_a_store_sku_that_looks_like_a_bundle_wins_when_it_exists(merchant: Cast) -> None:
    make_variant(merchant, "A + B")

    upload(merchant, "A + B,REAL\nC + D,KIT\n")

    assert saved(merchant) == {"REAL": (("A + B", 1),), "KIT": (("C", 1), ("D", 1))}


def dies_at_the_second(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have the worker killed at its second chunk."""
    real, calls = getattr(mapping_files, name), []

    def dies(work: MappingUpload, chunk: Any) -> None:
        calls.append(len(chunk))
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(work, chunk)

    monkeypatch.setattr(mapping_files, name, dies)


@pytest.mark.parametrize(("phase", "state"), [("_check_chunk", "waiting"), ("_apply_chunk", "applying")])
def test_a_killed_workers_file_is_finished_by_the_next_from_where_it_stood(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch, phase: str, state: str
) -> None:
    monkeypatch.setattr(mapping_files, "CHUNK", 2)
    with tenancy.scope(merchant.id):
        taken = mapping_files.take(
            store=merchant.store, account=None, name="a.csv", data=b"N1,A\nN2,B\nN3,C\n,bad\nN5,E\n", actor="x"
        )
    if state == "applying":
        mapping_files.work(merchant.id, taken.pk)
        press(merchant, taken)
    dies_at_the_second(monkeypatch, phase)

    with pytest.raises(KeyboardInterrupt):
        mapping_files.work(merchant.id, taken.pk)
    held = look(merchant, taken)
    assert (held.rows_done, held.state, len(saved(merchant))) == (2, state, 2 if state == "applying" else 0)
    assert mapping_files.work(merchant.id, taken.pk) == 0, "the lease of the killed worker still runs"
    with tenancy.scope(merchant.id):
        MappingUpload.objects.update(lease_until=None)

    assert mapping_files.work(merchant.id, taken.pk) == 3
    checked = look(merchant, taken)
    done = apply(merchant, checked) if state == "waiting" else checked
    assert (done.state, counts(done), len(outcomes(merchant, taken))) == (
        "done",
        {"added": 4, "unknown": 4, "invalid": 1},
        5,
    )
    assert set(saved(merchant)) == {"A", "B", "C", "E"}


def test_a_file_that_never_gets_further_is_given_up_after_five_turns(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        taken = mapping_files.take(store=merchant.store, account=None, name="a.csv", data=b"NP-1,A\n", actor="x")
        MappingUpload.objects.update(attempts=mapping_files.MOST_ATTEMPTS)

    assert mapping_files.work(merchant.id, taken.pk) == 0
    assert (look(merchant, taken).state, saved(merchant)) == ("failed", {})


def test_the_sweeper_finds_a_file_whose_doorbell_was_lost(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        taken = mapping_files.take(store=merchant.store, account=None, name="a.csv", data=b"NP-1,A\n", actor="x")
    with tenancy.unscoped("test"):
        due = lanes.due_lanes()

    assert (lanes.SAVE_MAPPINGS, merchant.id, taken.pk) in due
    mapping_files.work(merchant.id, taken.pk)
    for pressed in (False, True):
        if pressed:
            press(merchant, taken)
        with tenancy.unscoped("test"):
            assert ((lanes.SAVE_MAPPINGS, merchant.id, taken.pk) in lanes.due_lanes()) is pressed


def test_what_is_no_mapping_file_is_not_taken_in(merchant: Cast) -> None:
    with tenancy.scope(merchant.id), pytest.raises(BadFile, match="UTF-16"):
        mapping_files.take(store=merchant.store, account=None, name="a.csv", data="A,B".encode("utf-16"), actor="x")
    with tenancy.scope(merchant.id):
        assert not MappingUpload.objects.exists()


def test_the_downloaded_table_uploads_as_unchanged(merchant: Cast) -> None:
    make_variant(merchant, "A + B")
    upload(
        merchant, 'NP-1,PLAIN\nNP-1,PACK,6\nNP-1 x2 + NP-2,KIT\n\'=SUM(1),\'=FORM\n-5,+5\nA + B,REAL\n"""C x2""",ODD\n'
    )
    before = saved(merchant)

    text = "".join(mapping_files.table_lines(merchant.id, merchant.store.pk, None))
    again = upload(merchant, text)

    assert before["=FORM"] == (("=SUM(1)", 1),) and before["ODD"] == (("C x2", 1),)
    assert (again.unchanged, again.rows_total) == (7, 7)
    assert saved(merchant) == before
    assert text.startswith("Store SKU,Marketplace SKU,Quantity\r\n")


def test_the_report_is_a_file_with_a_line_a_row_and_uploads_again(merchant: Cast) -> None:
    make_variant(merchant, "NP-1")
    upload(merchant, "NP-9,A,2\n")
    checked = check(merchant, "NP-1,A\nNP-2,B\nNP-3,C,x\n")

    planned = "".join(mapping_files.report_lines(merchant.id, checked.pk)).splitlines()
    done = apply(merchant, checked)
    lines = "".join(mapping_files.report_lines(merchant.id, done.pk)).splitlines()

    assert lines[0] == "Line,Outcome,Store SKU,Marketplace SKU,Quantity,Was,Known in store,Column,Note"
    assert lines[1] == "1,Replaced,NP-1,A,1,2 × NP-9,yes,,"
    assert lines[2] == "2,Added,NP-2,B,1,,no,,Your store has no product with the SKU NP-2 yet"
    assert lines[3].startswith('3,Not saved,NP-3,C,1,,,3,"The Quantity is a whole number')
    assert planned[1:3] == [lines[1].replace("Replaced", "To replace"), lines[2].replace("Added", "To add")]
    assert mapping_file.read("\r\n".join(lines).encode()).rows[0].target == "NP-1"


def test_another_merchants_file_is_not_worked(merchant: Cast) -> None:
    stranger = make_merchant("Stranger & Sons")
    with tenancy.scope(merchant.id):
        taken = mapping_files.take(store=merchant.store, account=None, name="a.csv", data=b"NP-1,A\n", actor="x")

    assert mapping_files.work(stranger.id, taken.pk) == 0
    assert "".join(mapping_files.report_lines(stranger.id, taken.pk)).count("\n") == 1


def test_old_reports_are_dropped_when_a_new_file_comes(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping_files, "KEPT_UPLOADS", 2)
    first, second, third = (upload(merchant, f"NP-1,A{n}\n") for n in range(3))

    with tenancy.scope(merchant.id):
        assert set(MappingUpload.objects.values_list("pk", flat=True)) == {second.pk, third.pk}
        assert not MappingUploadRow.objects.filter(upload_id=first.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_rows_are_checked_and_applied_in_seconds_with_progress(
    transactional_db: None, redis_url: str
) -> None:
    cast = make_merchant()
    data = "".join(f"NP-{i},AMZ-{i}\n" for i in range(100_000)).encode()
    with tenancy.scope(cast.id):
        taken = mapping_files.take(store=cast.store, account=None, name="many.csv", data=data, actor="x")
    begun = time.monotonic()

    mapping_files.work(cast.id, taken.pk)
    checked = look(cast, taken)
    press(cast, taken)
    mapping_files.work(cast.id, taken.pk)

    seconds = time.monotonic() - begun
    done = look(cast, taken)
    assert (checked.state, checked.added, checked.rows_done) == ("checked", 100_000, 100_000)
    assert (done.state, done.added, done.rows_done) == ("done", 100_000, 100_000)
    assert seconds < 90, "seconds on two busy cores, not minutes"
