"""Files of SKU mappings: taken in, checked by a worker, reported row by row, applied when a person says so (F37).

Checking changes no mapping: it writes down for each row what it means and what stands in the table now. Applying takes
these rows, not the file, and writes each only where the table still stands as it was checked; a mapping somebody changed
meanwhile is left as it is, and told. Good rows are applied and bad ones reported; nothing waits for the merchant to mend
the whole file. A worker that dies is followed by another that goes on after the last chunk: the rows of a chunk, their
report and the place in the file commit together. A file nobody applied is dropped after a day.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.timezone import now

from accounts.models import MarketplaceAccount, Store
from accounts.platforms import MARKETPLACES, STOREFRONTS
from inventory import mappings, sql
from inventory.domain import mapping_file
from inventory.domain.mapping_file import BadFile, Parts, Row
from inventory.lanes import SAVE_MAPPINGS
from inventory.models import MappingUpload, MappingUploadRow, SkuMapping
from salestio import doorbell, routes, tenancy
from salestio.lib.text import cut

HEADINGS = mapping_file.headings(STOREFRONTS.values(), MARKETPLACES.values())
Pairs = list[list[Any]]
"""Parts as a json column has them: [[store SKU, units], …]."""

CHUNK = 2_000
"""Rows a statement and a transaction; the progress moves by these."""
KEPT_DAYS = 30
KEPT_UPLOADS = 20
UNAPPLIED_HOURS = 24
"""How long a checked file can be applied; afterwards the table may be another one altogether."""
MOST_ATTEMPTS = 5
"""Turns in a row that brought no row further, before the work is given up."""
WRITTEN_AT_ONCE = 5_000

_INSERT = """
INSERT INTO inventory_skumapping
       (merchant_id, store_id, account_id, seller_sku, sku, quantity, more, created_at, created_by, origin)
SELECT %(merchant)s, %(store)s, %(account)s, given.seller_sku, given.parts -> 0 ->> 0, (given.parts -> 0 ->> 1)::int,
       given.parts - 0, now(), %(actor)s, 'file'
FROM (SELECT seller_sku, parts::jsonb FROM unnest(%(seller_skus)s::text[], %(parts)s::text[]) AS t(seller_sku, parts)) given
ORDER BY given.seller_sku
ON CONFLICT (merchant_id, store_id, account_id, seller_sku) DO NOTHING
RETURNING seller_sku
"""
"""Sorted, so that two files at once wait for each other in one order. A mapping made this moment by another stays."""

_UPDATE = """
UPDATE inventory_skumapping m
SET sku = given.parts -> 0 ->> 0, quantity = (given.parts -> 0 ->> 1)::int, more = given.parts - 0, created_at = now(),
    created_by = %(actor)s, origin = 'file',
    variant_ref = CASE WHEN m.sku = given.parts -> 0 ->> 0 THEN m.variant_ref END
FROM (SELECT id, parts::jsonb FROM unnest(%(ids)s::bigint[], %(parts)s::text[]) AS t(id, parts)) given
WHERE m.merchant_id = %(merchant)s AND m.id = given.id
"""
"""Of rows that are locked already."""

_REPORT = """
INSERT INTO inventory_mappinguploadrow
       (merchant_id, upload_id, line, "column", seller_sku, sku, quantity, outcome, known, note, parts, before)
SELECT %s, %s, line, col, seller_sku, sku, quantity, outcome, known, note, parts::jsonb, before::jsonb
FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::int[], %s::text[], %s::bool[], %s::text[], %s::text[],
            %s::text[]) AS row(line, col, seller_sku, sku, quantity, outcome, known, note, parts, before)
"""

_TURNED_OUT = """
UPDATE inventory_mappinguploadrow r SET outcome = given.outcome, note = given.note
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS given(id, outcome, note) WHERE r.merchant_id = %s AND r.id = given.id
"""


def take(*, store: Store, account: MarketplaceAccount | None, name: str, data: bytes, actor: str) -> MappingUpload:
    """Take a file in for a worker and return the work, in a scope. Raises `BadFile` when it is no file of mappings.

    Sent again while it is still being checked, it is the same work.
    """
    if account is not None and account.store_id != store.pk:
        raise BadFile(f"Orders of {account.name} go to another store")
    read = mapping_file.read(data, more=HEADINGS)
    digest = hashlib.sha256(data).hexdigest()
    merchant_id = tenancy.current_merchant_id()
    same = MappingUpload.objects.filter(
        merchant_id=merchant_id, store_id=store.pk, account=account, digest=digest, state=MappingUpload.State.WAITING
    ).first()
    if same is None:
        _forget_old()
        same = MappingUpload.objects.create(
            merchant_id=merchant_id, store_id=store.pk, account=account, file_name=cut(name.replace("\x00", ""), 200),
            file=zlib.compress(data, 1), digest=digest, rows_total=len(read.rows), notes=read.notes[:20],
            created_by=actor[:160],
        )  # fmt: skip
    doorbell.ring(SAVE_MAPPINGS, merchant_id, same.pk)
    return same


def _forget_old() -> None:
    """Drop reports that nobody looks at any more: older than 30 days, and all but the newest 20."""
    expire(now())
    ended = MappingUpload.objects.exclude(state__in=MappingUpload.WORKED)
    ended.filter(created_at__lt=now() - timedelta(days=KEPT_DAYS)).delete()
    kept = list(ended.order_by("-pk").values_list("pk", flat=True)[: KEPT_UPLOADS - 1])
    ended.exclude(pk__in=kept).delete()


def apply(*, upload_id: int, actor: str) -> bool:
    """Have a checked file applied; False when it is not there to apply: pressed twice, or older than a day. In a scope."""
    pressed = MappingUpload.objects.filter(
        pk=upload_id, state=MappingUpload.State.CHECKED, checked_at__gt=now() - timedelta(hours=UNAPPLIED_HOURS)
    ).update(state=MappingUpload.State.APPLYING, rows_done=0, attempts=0, applied_at=now(), applied_by=actor[:160])
    if pressed:
        doorbell.ring(SAVE_MAPPINGS, tenancy.current_merchant_id(), upload_id)
    return bool(pressed)


def discard(*, upload_id: int) -> bool:
    """Drop a file that was checked and not applied, with its report; False when it is none. In a scope."""
    # Claimed before it is deleted: an Apply pressed at the same moment finds nothing to apply, or is found here.
    claimed = MappingUpload.objects.filter(pk=upload_id, state=MappingUpload.State.CHECKED).update(
        state=MappingUpload.State.EXPIRED, finished_at=now()
    )
    if claimed:
        MappingUpload.objects.filter(pk=upload_id).delete()
    return bool(claimed)


def may_be_applied(upload: MappingUpload, at: datetime) -> bool:
    """Say whether *Apply* would find this file at that time."""
    checked = upload.state == MappingUpload.State.CHECKED and upload.checked_at is not None
    return checked and upload.checked_at > at - timedelta(hours=UNAPPLIED_HOURS)  # type: ignore[operator]


def expire(at: datetime) -> int:
    """Drop the reports of files that nobody applied within a day; their names stay. Return how many. In a scope."""
    late = MappingUpload.objects.filter(
        merchant_id=tenancy.current_merchant_id(), state=MappingUpload.State.CHECKED,
        checked_at__lte=at - timedelta(hours=UNAPPLIED_HOURS),
    )  # fmt: skip
    ids = list(late.values_list("pk", flat=True))
    if not ids:
        return 0
    gone = late.filter(pk__in=ids).update(state=MappingUpload.State.EXPIRED, finished_at=now())
    MappingUploadRow.objects.filter(upload_id__in=ids, upload__state=MappingUpload.State.EXPIRED).delete()
    return gone


# ── the work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def work(merchant_id: int, upload_id: int) -> int:
    """Check, or apply, what is left of a file, a transaction a chunk; return how many rows were worked. Outside any scope."""
    token = uuid.uuid4()
    upload = _claim(merchant_id, upload_id, token)
    if upload is None:
        return 0
    if upload.state == MappingUpload.State.APPLYING:
        return _apply_rows(upload, token)
    return _check_rows(upload, token)


def _check_rows(upload: MappingUpload, token: uuid.UUID) -> int:
    rows = mapping_file.read(zlib.decompress(bytes(upload.file or b"")), more=HEADINGS).rows
    done = start = upload.rows_done
    while done < len(rows):
        chunk = rows[done : done + CHUNK]
        with tenancy.scope(upload.merchant_id):
            if not _still_ours(upload, token, done + len(chunk)):
                return done - start
            _check_chunk(upload, chunk)
        done += len(chunk)
    with tenancy.scope(upload.merchant_id):
        mine = MappingUpload.objects.filter(pk=upload.pk, lease_token=token)
        # What changes nothing has nothing to apply: it is done.
        if not _end(mine.filter(added=0, replaced=0), MappingUpload.State.DONE, checked_at=now()):
            _end(mine, MappingUpload.State.CHECKED, checked_at=now(), finished_at=None)
    return done - start


def _apply_rows(upload: MappingUpload, token: uuid.UUID) -> int:
    done = start = upload.rows_done
    last = 0
    while done < upload.rows_total:
        with tenancy.scope(upload.merchant_id):
            rows = MappingUploadRow.objects.filter(upload_id=upload.pk).order_by("line")
            # The place is kept as a number of rows: its line is found once a turn.
            chunk = list(rows.filter(line__gt=last)[:CHUNK] if last else rows[done : done + CHUNK])
            if not chunk or not _still_ours(upload, token, done + len(chunk)):
                break
            _apply_chunk(upload, chunk)
        last = chunk[-1].line
        done += len(chunk)
    else:
        with tenancy.scope(upload.merchant_id):
            _end(MappingUpload.objects.filter(pk=upload.pk, lease_token=token), MappingUpload.State.DONE)
    return done - start


def _end(uploads: QuerySet[MappingUpload], state: str, **more: Any) -> int:
    """End a phase: free the lease, and drop the file, whose meaning stands in its rows."""
    return uploads.update(
        **{"state": state, "finished_at": now(), "file": None, "lease_until": None, "lease_token": None, **more}
    )


def _claim(merchant_id: int, upload_id: int, token: uuid.UUID) -> MappingUpload | None:
    """Take the work, unless another worker has it; give it up when it never got further."""
    with tenancy.scope(merchant_id):
        claimed = sql.rows(
            """UPDATE inventory_mappingupload
               SET lease_token = %s, lease_until = now() + make_interval(secs => %s), attempts = attempts + 1
               WHERE merchant_id = %s AND id = %s AND state IN ('waiting', 'applying')
                 AND (lease_until IS NULL OR lease_until < now())
               RETURNING attempts""",
            [token, settings.TIMES.lease, merchant_id, upload_id],
        )
        if not claimed:
            return None
        mine = MappingUpload.objects.filter(pk=upload_id)
        if claimed[0][0] > MOST_ATTEMPTS:
            _end(mine, MappingUpload.State.FAILED)
            return None
        return mine.select_related("store", "account").get()


def _still_ours(upload: MappingUpload, token: uuid.UUID, done: int) -> bool:
    """Move the place in the file and renew the lease; False when another worker took over."""
    return bool(
        sql.run(
            """UPDATE inventory_mappingupload
               SET rows_done = %s, attempts = 0, lease_until = now() + make_interval(secs => %s)
               WHERE id = %s AND lease_token = %s AND state = %s""",
            [done, settings.TIMES.lease, upload.pk, token, upload.state],
        )
    )


# ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_chunk(upload: MappingUpload, chunk: Sequence[Row]) -> None:
    """Write the report of a chunk: what each row means, what its seller SKU means now, what applying would do."""
    meant = {row.line: parts for row, parts in _meaning(upload, chunk)}
    there = mappings.skus_there(upload.store, {sku for parts in meant.values() for sku, _ in parts})
    found = _standing(upload, [row.seller_sku for row in chunk if row.good])
    report: list[tuple[Any, ...]] = []
    counts = dict.fromkeys(MappingUpload.COUNTS, 0)
    for row in chunk:
        parts: Pairs = [list(part) for part in meant.get(row.line, ())]
        before = found[row.seller_sku][1] if row.good and row.seller_sku in found else None
        gone = [sku for sku, _ in parts if sku not in there]
        outcome = _outcome(row, parts, before)
        notes = ([row.problem] if row.problem else []) + row.notes
        if gone:
            notes.append(f"Your store has no product with the SKU {', '.join(gone)} yet")
            counts["unknown"] += 1
        counts["duplicates" if outcome == "duplicate" else outcome] += 1
        report.append(
            (row.line, row.column, cut(row.seller_sku, 600), cut(row.target, 600), row.quantity, outcome, not gone,
             ". ".join(notes), sql.json(parts) if parts else None, sql.json(before) if before else None)
        )  # fmt: skip
    sql.run(_REPORT, [upload.merchant_id, upload.pk, *(list(column) for column in zip(*report, strict=True))])
    _count(upload, counts)


def _outcome(row: Row, parts: Pairs, before: Pairs | None) -> str:
    if row.problem:
        return MappingUploadRow.Outcome.INVALID.value
    if row.duplicate:
        return MappingUploadRow.Outcome.DUPLICATE.value
    if before is None:
        return MappingUploadRow.Outcome.ADDED.value
    if before == parts:
        return MappingUploadRow.Outcome.UNCHANGED.value
    return MappingUploadRow.Outcome.REPLACED.value


def _meaning(upload: MappingUpload, chunk: Sequence[Row]) -> list[tuple[Row, Parts]]:
    """Return the good rows with their parts. A SKU of the store that looks like a bundle is that SKU."""
    good = [row for row in chunk if row.good]
    special = {row.target for row in good if mapping_file.looks_special(row.target)}
    literal = mappings.skus_there(upload.store, special) if special else set()
    return [(row, row.parts(literal=row.target in literal or row.target not in special)) for row in good]


def _standing(
    upload: MappingUpload, seller_skus: Sequence[str], *, locked: bool = False
) -> dict[str, tuple[int, Pairs]]:
    """Return seller SKU → (mapping id, its parts) of those that are mapped now; locked in one order when asked."""
    rows = SkuMapping.objects.filter(
        merchant_id=upload.merchant_id, store_id=upload.store_id, account=upload.account_id, seller_sku__in=seller_skus
    ).order_by("seller_sku")
    if locked:
        rows = rows.select_for_update()
    return {row.seller_sku: (row.pk, [list(part) for part in row.target]) for row in rows}


def _count(upload: MappingUpload, counts: dict[str, int]) -> None:
    changes = ", ".join(f"{name} = {name} + %s" for name in counts)
    sql.run(f"UPDATE inventory_mappingupload SET {changes} WHERE id = %s", [*counts.values(), upload.pk])  # noqa: S608


# ── applying ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _apply_chunk(upload: MappingUpload, chunk: Sequence[MappingUploadRow]) -> None:
    """Write the rows of a chunk whose mappings still stand as they were checked; tell those that do not.

    Wakes the orders that wait for what changed.
    """
    good = [row for row in chunk if row.parts is not None]
    found = _standing(upload, [row.seller_sku for row in good], locked=True)
    turned: list[tuple[MappingUploadRow, str, str]] = []
    new: list[MappingUploadRow] = []
    old: list[tuple[int, MappingUploadRow]] = []
    for row in good:
        mapping_id, stands = found.get(row.seller_sku, (0, None))
        if stands == row.parts:
            if row.outcome != MappingUploadRow.Outcome.UNCHANGED:
                turned.append((row, "unchanged", "Somebody saved the same while the file waited"))
        elif stands != row.before:
            turned.append((row, "changed", _changed(row, stands)))
        elif stands is None:
            new.append(row)
        else:
            old.append((mapping_id, row))
    made = _insert(upload, new)
    turned += [
        (row, "changed", "Somebody mapped it this moment. Left as it is") for row in new if row.seller_sku not in made
    ]
    if old:
        sql.run(_UPDATE, {"merchant": upload.merchant_id, "actor": upload.applied_by, "ids": [pk for pk, _ in old],
                          "parts": [sql.json(row.parts) for _, row in old]})  # fmt: skip
    _tell(upload, turned)
    written = made | {row.seller_sku for _, row in old}
    if written:
        routes.emit("mapping.changed", store_id=upload.store_id, seller_skus=sorted(written))


def _changed(row: MappingUploadRow, stands: Pairs | None) -> str:
    was = f"was {_words(row.before)}" if row.before else "was not mapped"
    now_is = f"is {_words(stands)}" if stands else "is not mapped"
    return (
        f"When the file was checked, this SKU {was}; now it {now_is}. Left as it is. Upload the file again to change it"
    )


def _words(parts: Pairs) -> str:
    return mapping_file.words_of([(sku, units) for sku, units in parts])


def _insert(upload: MappingUpload, new: Sequence[MappingUploadRow]) -> set[str]:
    """Make these mappings; return the seller SKUs of those that were made."""
    if not new:
        return set()
    values = {"merchant": upload.merchant_id, "store": upload.store_id, "account": upload.account_id,
              "actor": upload.applied_by, "seller_skus": [row.seller_sku for row in new],
              "parts": [sql.json(row.parts) for row in new]}  # fmt: skip
    return {seller_sku for (seller_sku,) in sql.rows(_INSERT, values)}


def _tell(upload: MappingUpload, turned: Sequence[tuple[MappingUploadRow, str, str]]) -> None:
    """Put into the report what turned out other than it was checked."""
    if not turned:
        return
    counts: dict[str, int] = {}
    for row, outcome, _ in turned:
        counts[row.outcome] = counts.get(row.outcome, 0) - 1
        counts[outcome] = counts.get(outcome, 0) + 1
    notes = [". ".join(filter(None, (row.note, note))) for row, _, note in turned]
    sql.run(_TURNED_OUT, [[row.pk for row, _, _ in turned], [word for _, word, _ in turned], notes, upload.merchant_id])
    _count(upload, counts)


# ── what it says afterwards, and the table as a file ─────────────────────────────────────────────────────────────────


def words_for(upload: MappingUpload | None) -> dict[str, str]:
    """Return outcome → its word: what will become of a row, or what became of it once the whole file was applied."""
    words = {str(code): str(word) for code, word in MappingUploadRow.Outcome.choices}
    if upload is not None and upload.state != MappingUpload.State.DONE:
        words |= {"added": "To add", "replaced": "To replace", "invalid": "Cannot be saved"}
    return words


def report_lines(merchant_id: int, upload_id: int) -> Iterator[str]:
    """Yield the report as lines of CSV. Opens its own short scopes: an answer that streams outlives the request's."""
    yield mapping_file.csv_line(("Line", "Outcome", *mapping_file.HEADER, "Was", "Known in store", "Column", "Note"))
    with tenancy.scope(merchant_id):
        words = words_for(MappingUpload.objects.filter(pk=upload_id).first())
    last = 0
    while True:
        with tenancy.scope(merchant_id):
            rows = list(
                MappingUploadRow.objects.filter(upload_id=upload_id, line__gt=last).order_by("line")[:WRITTEN_AT_ONCE]
            )
        if not rows:
            return
        last = rows[-1].line
        yield "".join(
            mapping_file.csv_line(
                (row.line, words[row.outcome], row.sku, row.seller_sku, row.quantity, mapping_file.words_of(row.before or ()),
                 "" if row.outcome in ("duplicate", "invalid") else "yes" if row.known else "no", row.column or "", row.note)
            )
            for row in rows
        )  # fmt: skip


def table_lines(merchant_id: int, store_id: int, account_id: int | None) -> Iterator[str]:
    """Yield the mappings of one account, or those for all accounts with None, as a file that can be uploaded again."""
    yield mapping_file.csv_line(mapping_file.HEADER)
    last = 0
    while True:
        with tenancy.scope(merchant_id):
            rows = list(
                SkuMapping.objects.filter(store_id=store_id, account_id=account_id, pk__gt=last).order_by("pk")[
                    :WRITTEN_AT_ONCE
                ]
            )
        if not rows:
            return
        last = rows[-1].pk
        yield "".join(mapping_file.mapping_line(row.seller_sku, row.target) for row in rows)
