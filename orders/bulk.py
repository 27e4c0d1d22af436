"""Bulk exports: what was asked at once, and how far it is, counted from the orders themselves (F66).

A row keeps the ids that were asked; nothing is written as the orders move on. Each look counts them anew, so the count is
right after a reload, in another browser, and once an order on hold was mended. Call inside a scope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.timezone import now

from inventory import sql
from orders.models import BulkExport, SavedView
from orders.reasons import STOREFRONTS, sentence
from salestio import tenancy
from salestio.lib.text import counted

SHOWN_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=7)
SHOWN_MOST = 3

_RUNS = """
SELECT 'run', b.id, coalesce(c.export_state, ''), coalesce(c.reason_code, ''), coalesce(c.number, 0), b.total, b."left",
       b.created_by, b.created_at
FROM (SELECT * FROM orders_bulkexport WHERE merchant_id = %(merchant)s AND closed_at IS NULL AND created_at > %(since)s
        AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) ORDER BY id DESC LIMIT %(most)s) b
LEFT JOIN LATERAL (
    SELECT o.export_state, CASE WHEN o.export_state = 'created' THEN '' ELSE o.reason_code END AS reason_code,
           count(*) AS number
    FROM unnest(b.order_ids) AS asked(id) JOIN orders_order o ON o.id = asked.id AND o.merchant_id = b.merchant_id
    GROUP BY 1, 2) c ON true
"""
"""The ids stay in the database: ten thousand of them are as many look-ups by primary key."""

_VIEWS = """
SELECT 'view', v.id, v.name, v.query, 0, 0, 0, '', now()
FROM (SELECT id, name, query FROM orders_savedview WHERE merchant_id = %(merchant)s ORDER BY id LIMIT 20) v
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """So many orders of one bulk export that stand at one reason, and where they are listed."""

    words: str
    number: int
    url: str


@dataclass(slots=True)
class Progress:
    """How far one bulk export is. The numbers add up to `total`."""

    run: BulkExport
    total: int
    created: int = 0
    moving: int = 0
    """On their way: their turn comes, or the store is being asked."""
    held: list[Cause] = field(default_factory=list)
    waiting: list[Cause] = field(default_factory=list)
    others: list[Cause] = field(default_factory=list)
    """Not created and not to be: skipped by a setting, canceled meanwhile."""
    created_url: str = ""
    moving_url: str = ""

    @property
    def on_hold(self) -> int:
        return sum(cause.number for cause in self.held)

    @property
    def waits(self) -> int:
        return sum(cause.number for cause in self.waiting)

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it goes on by itself any more."""
        return not self.moving and not self.waiting

    @property
    def settled(self) -> int:
        return self.total - self.moving - self.waits

    @property
    def tone(self) -> str:
        if not self.at_rest:
            return "is-work"
        return "is-wait" if self.held else "is-ok"

    @property
    def fact(self) -> str:
        """Return what is said first: how many orders it is, and whether it goes on or is through."""
        return f"Bulk export of {counted(self.total, 'order')} {'is through' if self.at_rest else 'goes on'}"

    @property
    def words(self) -> str:
        """Return the whole count as a sentence, for who cannot see it."""
        parts = [f"{self.created:,} in your store"]
        for number, name, causes in (
            (self.on_hold, "on hold", self.held), (self.waits, "waiting", self.waiting), (self.moving, "on the way", ()),
            (sum(cause.number for cause in self.others), "not created", self.others),
        ):  # fmt: skip
            if number:
                told = ", ".join(f"{cause.number:,} {cause.words}" for cause in causes)
                parts.append(f"{number:,} {name}" + (f" ({told})" if told else ""))
        return f"{self.fact}: {', '.join(parts)}"

    @property
    def version(self) -> str:
        """Return a word that changes when anything shown changes."""
        return hashlib.blake2b(self.words.encode(), digest_size=6).hexdigest()


def note(*, order_ids: Sequence[int], left: int, actor: str) -> BulkExport:
    """Write down which orders were asked at once, in the transaction that makes them due.

    An older count that names some of them is closed: they are asked anew, and one order stands in one count.
    """
    older = BulkExport.objects.filter(merchant_id=tenancy.current_merchant_id(), closed_at=None)
    older.filter(created_at__gt=now() - SHOWN_FOR, order_ids__overlap=list(order_ids)).update(closed_at=now())
    return BulkExport.objects.create(
        merchant_id=tenancy.current_merchant_id(), order_ids=list(order_ids), total=len(order_ids), left=left,
        created_by=actor[:160],
    )  # fmt: skip


def close(run_id: int) -> bool:
    """Show a bulk export's count no more; False when there is none of that number."""
    mine = BulkExport.objects.filter(merchant_id=tenancy.current_merchant_id(), pk=run_id)
    return bool(mine.update(closed_at=now()))


def forget_old(at: datetime) -> None:
    """Drop what was asked a week ago."""
    BulkExport.objects.filter(merchant_id=tenancy.current_merchant_id(), created_at__lt=at - KEPT_FOR).delete()


def ids_of(run_id: int) -> list[int]:
    """Return the ids of a bulk export's orders, none for a number that is nobody's or another merchant's."""
    mine = BulkExport.objects.filter(merchant_id=tenancy.current_merchant_id(), pk=run_id)
    return list(mine.values_list("order_ids", flat=True).first() or ())


def beside(store_platform: str) -> tuple[list[SavedView], list[Progress]]:
    """Return what stands around the Orders list, in the one statement it may cost: saved views, and bulk exports.

    Of these the newest of the last day that was not closed, and older ones that still go on.
    """
    rows = _ask(_VIEWS + "UNION ALL" + _RUNS)
    views = sorted((row for row in rows if row[0] == "view"), key=lambda row: row[1])
    runs = _progress((row for row in rows if row[0] == "run"), store_platform)
    return (
        [SavedView(pk=pk, name=name, query=query) for _, pk, name, query, *_ in views],
        [one for place, one in enumerate(runs) if place == 0 or not one.at_rest],
    )


def followed(run_ids: Sequence[int], store_platform: str) -> list[Progress]:
    """Return how far these bulk exports are; those closed meanwhile are left out."""
    return _progress(_ask(_RUNS, run_ids), store_platform) if run_ids else []


def _ask(statement: str, run_ids: Sequence[int] | None = None) -> list[tuple[Any, ...]]:
    return sql.rows(
        statement,
        {"merchant": tenancy.current_merchant_id(), "since": now() - SHOWN_FOR, "most": SHOWN_MOST,
         "ids": None if run_ids is None else list(run_ids)[:SHOWN_MOST]},
    )  # fmt: skip


def _progress(rows: Iterable[tuple[Any, ...]], store_platform: str) -> list[Progress]:
    """Sort the counts of bulk exports by what became of the orders, the newest export first."""
    found: dict[int, Progress] = {}
    for _, pk, state, reason, number, total, left, by, at in sorted(rows, key=lambda row: (-row[1], -row[4], row[3])):
        if pk not in found:
            run = BulkExport(pk=pk, total=total, left=left, created_by=by, created_at=at)
            found[pk] = Progress(
                run, total, created_url=_url(pk, state="created"), moving_url=_url(pk, state="imported,sending,unknown")
            )
        one = found[pk]
        title = sentence(reason, {"store_platform": store_platform}, part="title") if reason else ""
        cause = Cause(_small(title), number, _url(pk, state=state, reason=reason))
        if state == "created":
            one.created += number
        elif state == "held":
            one.held.append(cause)
        elif state in ("skipped", "canceled"):
            one.others.append(cause)
        elif state in ("imported", "waiting") and reason not in ("", "QUEUED", "SENDING"):
            one.waiting.append(cause)
        else:
            one.moving += number
    for one in found.values():
        # Orders that are gone, erased with their account, are told rather than left out of the sum.
        gone = (
            one.total - one.created - one.on_hold - one.waits - one.moving - sum(cause.number for cause in one.others)
        )
        if gone:
            one.others.append(Cause("no longer here", gone, ""))
    return list(found.values())


def _small(title: str) -> str:
    """Return a title as it stands inside a sentence; names such as FBA keep their capitals."""
    return (
        title[:1].lower() + title[1:]
        if title[1:2].islower() and not title.startswith(tuple(STOREFRONTS.values()))
        else title
    )


def _url(run_id: int, **pairs: str) -> str:
    asked = [(name, value) for name, value in pairs.items() if value]
    return f"{reverse('orders:list')}?{urlencode([*asked, ('run', str(run_id))])}"
