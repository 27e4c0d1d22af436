"""Files of SKU mappings: taken in, saved chunk by chunk by a worker, reported row by row, and written (F37).

Good rows are saved and bad ones reported; nothing waits for the merchant to mend the whole file. A worker that dies is
followed by another that goes on after the last chunk: the rows of a chunk, their report and the place in the file commit
together. The same file sent again changes nothing and says so.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
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
CHUNK = 2_000
"""Rows a statement and a transaction; the progress moves by these."""
KEPT_DAYS = 30
KEPT_UPLOADS = 20
MOST_ATTEMPTS = 5
"""Turns in a row that brought no row further, before the work is given up."""
WRITTEN_AT_ONCE = 5_000

_UPSERT = """
INSERT INTO inventory_skumapping AS m
       (merchant_id, store_id, account_id, seller_sku, sku, quantity, more, created_at, created_by, origin)
SELECT %(merchant)s, %(store)s, %(account)s, given.seller_sku, given.sku, given.quantity, given.more::jsonb, now(),
       %(actor)s, 'file'
FROM unnest(%(seller_skus)s::text[], %(skus)s::text[], %(quantities)s::int[], %(more)s::text[])
     AS given(seller_sku, sku, quantity, more)
ORDER BY given.seller_sku
ON CONFLICT (merchant_id, store_id, account_id, seller_sku) DO UPDATE
SET sku = excluded.sku, quantity = excluded.quantity, more = excluded.more, created_at = excluded.created_at,
    created_by = excluded.created_by, origin = excluded.origin
WHERE (m.sku, m.quantity, m.more) IS DISTINCT FROM (excluded.sku, excluded.quantity, excluded.more)
RETURNING m.seller_sku, (m.xmax = 0)
"""
"""Sorted, so that two files at once lock rows in one order. A row made now has no xmax; one left alone is not returned."""

_REPORT = """
INSERT INTO inventory_mappinguploadrow
       (merchant_id, upload_id, line, "column", seller_sku, sku, quantity, outcome, known, note)
SELECT %s, %s, row.* FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::int[], %s::text[], %s::bool[], %s::text[])
     AS row(line, col, seller_sku, sku, quantity, outcome, known, note)
"""


def take(*, store: Store, account: MarketplaceAccount | None, name: str, data: bytes, actor: str) -> MappingUpload:
    """Take a file in for a worker and return the work, in a scope. Raises `BadFile` when it is no file of mappings.

    Sent again while it is still being saved, it is the same work.
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
    ended = MappingUpload.objects.exclude(state=MappingUpload.State.WAITING)
    ended.filter(created_at__lt=now() - timedelta(days=KEPT_DAYS)).delete()
    kept = list(ended.order_by("-pk").values_list("pk", flat=True)[: KEPT_UPLOADS - 1])
    ended.exclude(pk__in=kept).delete()


# ── the work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def work(merchant_id: int, upload_id: int) -> int:
    """Save what is left of a file, a transaction a chunk; return how many rows were worked. Outside any scope."""
    token = uuid.uuid4()
    upload = _claim(merchant_id, upload_id, token)
    if upload is None:
        return 0
    rows = mapping_file.read(zlib.decompress(bytes(upload.file or b"")), more=HEADINGS).rows
    done = start = upload.rows_done
    while done < len(rows):
        chunk = rows[done : done + CHUNK]
        with tenancy.scope(merchant_id):
            if not _still_ours(upload, token, done + len(chunk)):
                return done - start
            _save_chunk(upload, chunk)
        done += len(chunk)
    with tenancy.scope(merchant_id):
        MappingUpload.objects.filter(pk=upload.pk, lease_token=token).update(
            state=MappingUpload.State.DONE, finished_at=now(), file=None, lease_until=None, lease_token=None
        )
    return done - start


def _claim(merchant_id: int, upload_id: int, token: uuid.UUID) -> MappingUpload | None:
    """Take the work, unless another worker has it; give it up when it never got further."""
    with tenancy.scope(merchant_id):
        claimed = sql.rows(
            """UPDATE inventory_mappingupload
               SET lease_token = %s, lease_until = now() + make_interval(secs => %s), attempts = attempts + 1
               WHERE merchant_id = %s AND id = %s AND state = 'waiting' AND (lease_until IS NULL OR lease_until < now())
               RETURNING attempts""",
            [token, settings.TIMES.lease, merchant_id, upload_id],
        )
        if not claimed:
            return None
        if claimed[0][0] > MOST_ATTEMPTS:
            MappingUpload.objects.filter(pk=upload_id).update(
                state=MappingUpload.State.FAILED, finished_at=now(), file=None, lease_until=None, lease_token=None
            )
            return None
        return MappingUpload.objects.select_related("store", "account").get(pk=upload_id)


def _still_ours(upload: MappingUpload, token: uuid.UUID, done: int) -> bool:
    """Move the place in the file and renew the lease; False when another worker took over."""
    return bool(
        sql.run(
            """UPDATE inventory_mappingupload
               SET rows_done = %s, attempts = 0, lease_until = now() + make_interval(secs => %s)
               WHERE id = %s AND lease_token = %s AND state = 'waiting'""",
            [done, settings.TIMES.lease, upload.pk, token],
        )
    )


def _save_chunk(upload: MappingUpload, chunk: Sequence[Row]) -> None:
    """Save the good rows of a chunk, write its report, count, and wake the orders that wait for what changed."""
    meant = _meaning(upload, chunk)
    told = _upsert(upload, meant)
    there = mappings.skus_there(upload.store, {sku for _, parts in meant for sku, _ in parts})
    parts_of = {row.line: parts for row, parts in meant}
    report: list[tuple[Any, ...]] = []
    counts = dict.fromkeys(MappingUpload.COUNTS, 0)
    for row in chunk:
        gone = [sku for sku, _ in parts_of.get(row.line, ()) if sku not in there]
        outcome = _outcome(row, told)
        notes = ([row.problem] if row.problem else []) + row.notes
        if gone:
            notes.append(f"Your store has no product with the SKU {', '.join(gone)} yet")
            counts["unknown"] += 1
        counts["duplicates" if outcome == "duplicate" else outcome] += 1
        report.append(
            (row.line, row.column, cut(row.seller_sku, 600), cut(row.target, 600), row.quantity, outcome, not gone,
             ". ".join(notes))
        )  # fmt: skip
    sql.run(_REPORT, [upload.merchant_id, upload.pk, *(list(column) for column in zip(*report, strict=True))])
    changes = ", ".join(f"{name} = {name} + %s" for name in counts)
    sql.run(f"UPDATE inventory_mappingupload SET {changes} WHERE id = %s", [*counts.values(), upload.pk])  # noqa: S608
    if told:
        routes.emit("mapping.changed", store_id=upload.store_id, seller_skus=sorted(told))


def _outcome(row: Row, told: dict[str, bool]) -> str:
    if row.problem:
        return MappingUploadRow.Outcome.INVALID.value
    if row.duplicate:
        return MappingUploadRow.Outcome.DUPLICATE.value
    new = told.get(row.seller_sku)
    if new is None:
        return MappingUploadRow.Outcome.UNCHANGED.value
    return MappingUploadRow.Outcome.ADDED.value if new else MappingUploadRow.Outcome.REPLACED.value


def _meaning(upload: MappingUpload, chunk: Sequence[Row]) -> list[tuple[Row, Parts]]:
    """Return the good rows with their parts. A SKU of the store that looks like a bundle is that SKU."""
    good = [row for row in chunk if row.good]
    special = {row.target for row in good if mapping_file.looks_special(row.target)}
    literal = mappings.skus_there(upload.store, special) if special else set()
    return [(row, row.parts(literal=row.target in literal or row.target not in special)) for row in good]


def _upsert(upload: MappingUpload, meant: Sequence[tuple[Row, Parts]]) -> dict[str, bool]:
    """Save the rows; return seller SKU → whether it is new, of those that changed anything."""
    if not meant:
        return {}
    rows = sql.rows(
        _UPSERT,
        {
            "merchant": upload.merchant_id, "store": upload.store_id, "account": upload.account_id,
            "actor": upload.created_by, "seller_skus": [row.seller_sku for row, _ in meant],
            "skus": [parts[0][0] for _, parts in meant], "quantities": [parts[0][1] for _, parts in meant],
            "more": [sql.json([list(part) for part in parts[1:]]) for _, parts in meant],
        },
    )  # fmt: skip
    return dict(rows)


# ── what it says afterwards, and the table as a file ─────────────────────────────────────────────────────────────────


def report_lines(merchant_id: int, upload_id: int) -> Iterator[str]:
    """Yield the report as lines of CSV. Opens its own short scopes: an answer that streams outlives the request's."""
    yield mapping_file.csv_line(("Line", "Outcome", *mapping_file.HEADER, "Known in store", "Column", "Note"))
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
                (row.line, row.get_outcome_display(), row.sku, row.seller_sku, row.quantity,
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
