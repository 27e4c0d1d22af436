"""The mirror of a store's catalog: locations, products, variants, and the figures that come with them.

The first sync reads everything page by page and goes on where it stopped; later ones read what changed since the
newest change seen, by the store's own clock, with an overlap; once a day everything is read again, which finds what no
webhook told (deletions). Figures go through `stock.set_from_store` with the time before that page's read left.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts import connections, credentials
from accounts.models import Store
from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited
from connectors.contract.types import Page, StoreVariant
from inventory import mirror, poll, sql
from inventory.lanes import SYNC_CATALOG
from salestio import doorbell, tenancy

log = logging.getLogger(__name__)

PRODUCTS_A_CALL = 50


@dataclass(slots=True)
class _Cursor:
    """Where a sync is; kept in `Store.catalog_cursor` with each page it follows."""

    full: bool
    started: datetime
    """Our database's time when this sync began: a variant not read since is gone."""
    token: str = ""
    newest: datetime | None = None
    """The newest change seen, by the store's own clock."""

    @classmethod
    def read(cls, store: Store, now: datetime) -> _Cursor:
        kept = store.catalog_cursor or {}
        newest = datetime.fromisoformat(kept["newest"]) if kept.get("newest") else None
        if kept.get("started"):
            return cls(bool(kept["full"]), datetime.fromisoformat(kept["started"]), str(kept.get("token", "")), newest)
        day = timedelta(seconds=settings.TIMES.nightly)
        last_full = datetime.fromisoformat(kept["full_at"]) if kept.get("full_at") else None
        full = newest is None or last_full is None or last_full < now - day
        return cls(full, now, "", newest)

    def see(self, page: Page[StoreVariant]) -> None:
        changes = [variant.updated_at for variant in page.items if variant.updated_at]
        self.newest = max([*changes, *([self.newest] if self.newest else [])], default=None)
        self.token = page.next_token

    def json(self, *, done: bool, full_at: str) -> dict[str, Any]:
        kept: dict[str, Any] = {"newest": self.newest.isoformat() if self.newest else "", "full_at": full_at}
        if done:
            return kept | ({"full_at": self.started.isoformat()} if self.full else {})
        return kept | {"full": self.full, "started": self.started.isoformat(), "token": self.token}

    def since(self) -> datetime | None:
        """Return what to ask changes from; None asks for everything."""
        if self.full or self.newest is None:
            return None
        return self.newest - timedelta(seconds=settings.TIMES.sweep_overlap)


# ── the sync ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def sync(merchant_id: int, store_id: int) -> int:
    """Bring a store's mirror up to date if that is due; return how many variants were read.

    Called outside any scope. One at a time a store, by a lease that each page renews. A platform that fails puts it
    off, and it goes on with the page it failed at; nothing is raised for it.
    """
    found = _claim(merchant_id, store_id)
    if found is None:
        return 0
    store, cursor = found
    seen = 0
    try:
        _read_locations(merchant_id, store)
        while True:
            as_of = database_now(merchant_id)
            page = connections.storefront(store).list_variants(after_token=cursor.token, updated_after=cursor.since())
            seen += len(page.items)
            cursor.see(page)
            _save_page(merchant_id, store, cursor, page.items, as_of)
            if not cursor.token:
                return seen
    except ConnectorError as error:
        _put_off(merchant_id, store, error)
        return seen


def database_now(merchant_id: int) -> datetime:
    """Return the database's time now. To be taken before a read leaves."""
    with tenancy.scope(merchant_id):
        ((at,),) = sql.rows("SELECT clock_timestamp()", [])
    return at


def _claim(merchant_id: int, store_id: int) -> tuple[Store, _Cursor] | None:
    with tenancy.scope(merchant_id):
        claimed = sql.rows(
            """UPDATE accounts_store SET catalog_lease_until = now() + make_interval(secs => %s)
               WHERE id = %s AND state = 'active' AND catalog_next_at <= now()
                 AND (catalog_lease_until IS NULL OR catalog_lease_until < now()) RETURNING now()""",
            [settings.TIMES.lease, store_id],
        )
        if not claimed:
            return None
        store = Store.objects.get(pk=store_id)  # its catalog_next_at tells later whether somebody asked again
    return store, _Cursor.read(store, claimed[0][0])


def _save_page(merchant_id: int, store: Store, cursor: _Cursor, items: Sequence[StoreVariant], as_of: datetime) -> None:
    """Save one page, its figures and the cursor in one transaction; after the last page, end the sync."""
    done = not cursor.token
    with tenancy.scope(merchant_id):
        mirror.save(store.pk, items, as_of)
        if done and cursor.full:
            mirror.remove_unread(store.pk, cursor.started)
        kept = store.catalog_cursor or {}
        store.catalog_cursor = cursor.json(done=done, full_at=str(kept.get("full_at", "")))
        if not done:
            sql.run(
                """UPDATE accounts_store SET catalog_cursor = %s::jsonb,
                          catalog_lease_until = now() + make_interval(secs => %s) WHERE id = %s""",
                [sql.json(store.catalog_cursor), settings.TIMES.lease, store.pk],
            )
            return
        sql.run(
            """UPDATE accounts_store SET catalog_lease_until = NULL, catalog_synced_at = now(),
                      catalog_cursor = CASE WHEN catalog_next_at = %(asked)s THEN %(cursor)s::jsonb ELSE '{}' END,
                      catalog_next_at = CASE WHEN catalog_next_at = %(asked)s
                                             THEN now() + make_interval(secs => %(pause)s) ELSE now() END
               WHERE id = %(store)s""",
            {
                "asked": store.catalog_next_at,
                "cursor": sql.json(store.catalog_cursor),
                "pause": settings.TIMES.figure_age,
                "store": store.pk,
            },
        )
        poll.ask_old(store.pk)


def _read_locations(merchant_id: int, store: Store) -> None:
    found = connections.storefront(store).locations()
    with tenancy.scope(merchant_id):
        mirror.save_locations(store.pk, found)


def _put_off(merchant_id: int, store: Store, error: ConnectorError) -> None:
    """Go on later with the page that failed; a token of a page that is too old begins the sync again."""
    wait = error.retry_after if isinstance(error, RateLimited) else settings.TIMES.settle_again
    log.warning("the catalog could not be read", extra={"store": store.pk, "error": type(error).__name__})
    with tenancy.scope(merchant_id):
        if isinstance(error, AuthorizationExpired):
            credentials.expire(store, "refused")
        stale = getattr(error, "code", "") == "page_token"
        sql.run(
            """UPDATE accounts_store SET catalog_lease_until = NULL,
                      catalog_cursor = CASE WHEN %s THEN '{}' ELSE catalog_cursor END,
                      catalog_next_at = now() + make_interval(secs => %s) WHERE id = %s""",
            [stale, wait, store.pk],
        )


# ── single products, and what others tell ────────────────────────────────────────────────────────────────────────────


def read_products(merchant_id: int, store_id: int, product_ids: Collection[str]) -> None:
    """Read these products again and bring the mirror up to date; one that is gone is removed. Outside any scope.

    Raises `ConnectorError`: the message that asked for it is acted on again later.
    """
    with tenancy.scope(merchant_id):
        store = Store.objects.get(pk=store_id)
    if not store.is_active:
        return  # the sync after reconnecting reads everything
    asked = sorted(product_ids)
    for start in range(0, len(asked), PRODUCTS_A_CALL):
        some = asked[start : start + PRODUCTS_A_CALL]
        as_of = database_now(merchant_id)
        found = connections.storefront(store).get_products(some)
        with tenancy.scope(merchant_id):
            mirror.save(store_id, [variant for variants in found.values() for variant in variants], as_of)
            # A variant that its product no longer has is gone, like a product that came back empty.
            mirror.remove_others(
                store_id, {product: [variant.id for variant in variants] for product, variants in found.items()}
            )


def read_locations(merchant_id: int, store_id: int) -> None:
    """Read the store's locations again. Outside any scope; raises `ConnectorError`."""
    with tenancy.scope(merchant_id):
        store = Store.objects.get(pk=store_id)
    if store.is_active:
        _read_locations(merchant_id, store)


def sync_soon(store_id: int, *, whole: bool = False) -> None:
    """Make a sync due now, a whole one if asked, in an open scope; rings the lane after the commit."""
    sql.run(
        """UPDATE accounts_store SET catalog_next_at = now(),
                  catalog_cursor = CASE WHEN %s THEN '{}' ELSE catalog_cursor END WHERE id = %s""",
        [whole, store_id],
    )
    doorbell.ring(SYNC_CATALOG, tenancy.current_merchant_id(), store_id)


def on_store_connected(*, store_id: int) -> None:
    """A store was connected, or connected again: read its catalog whole."""
    sync_soon(store_id, whole=True)
