"""Writing the mirror of a store's catalog: in bulk, only what changed, locks in the order of ids.

Every function runs inside an open `tenancy.scope`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.timezone import now

from connectors.contract.types import StoreLocation, StoreVariant
from inventory import sql, stock
from inventory.domain.suggest import barcode_forms
from inventory.models import Location, Variant
from salestio import routes, tenancy
from salestio.lib.text import title_key

_FIELDS = (
    "product_id", "item_id", "sku", "barcode", "product_title", "options", "title_key", "price", "image_url", "tracked",
    "oversell_allowed", "requires_shipping", "is_bundle", "active", "visible", "tags", "source_updated_at", "deleted_at",
)  # fmt: skip
_MATCHING = ("sku", "title_key", "active", "visible", "deleted_at")
"""What decides which line means the variant."""
_LIMITS = ("tracked", "oversell_allowed")
"""What decides whether its units are limited at all."""


def save(store_id: int, items: Sequence[StoreVariant], as_of: datetime) -> None:
    """Store variants and their figures as the store's catalog told them; `as_of` is before that read left.

    A variant we hold in a newer version is left as it is. Tells which SKUs and titles became or ceased to be matchable.
    """
    told = {item.id: item for item in items}
    if not told:
        return
    known = {
        row.remote_id: row
        for row in Variant.objects.filter(store_id=store_id, remote_id__in=told)
        .order_by("id")
        .select_for_update(no_key=True)
    }
    write: list[Variant] = []
    skus: set[str] = set()
    keys: set[str] = set()
    limits: list[int] = []
    for remote_id, item in told.items():
        facts, row = _facts(item), known.get(remote_id)
        if row is not None and _is_newer(row, item):
            continue
        changed = [name for name in _FIELDS if row is None or getattr(row, name) != facts[name]]
        if not changed:
            continue
        if any(name in _MATCHING for name in changed):
            skus |= {item.sku, row.sku if row else ""}
            keys |= {facts["title_key"], row.title_key if row else ""}
        if "barcode" in changed:
            # A seller SKU may be the barcode itself (F43), however it is written.
            skus.update(barcode_forms(facts["barcode"]))
        if row is not None and any(name in _LIMITS for name in changed):
            limits.append(row.pk)
        made = Variant(store_id=store_id, merchant_id=tenancy.current_merchant_id(), remote_id=remote_id, **facts)
        write.append(made)
    if write:
        Variant.objects.bulk_create(
            write, update_conflicts=True, unique_fields=["store", "remote_id"], update_fields=list(_FIELDS)
        )
    stock.set_from_store(
        store_id=store_id,
        readings=[(item.item_id, place, units) for item in told.values() for place, units in item.figures],
        as_of=as_of,
        items=[item.item_id for item in told.values()],
    )
    if limits:
        routes.emit("stock.changed", store_id=store_id, variant_ids=sorted(limits))
    _tell(store_id, skus, keys)


def _facts(item: StoreVariant) -> dict[str, Any]:
    """Return the row's fields for a variant, cut to what the columns hold; its SKU is trimmed, as it is compared."""
    parts = [item.product_title, *(part for option in item.options for part in option)]
    return {
        "product_id": item.product_id,
        "item_id": item.item_id,
        "sku": item.sku.strip()[:255],
        "barcode": item.barcode[:120],
        "product_title": item.product_title[:500],
        "options": [list(option) for option in item.options],
        "title_key": title_key(parts),
        "price": item.price,
        "image_url": item.image_url if len(item.image_url) <= 500 else "",
        "tracked": item.tracked,
        "oversell_allowed": item.oversell_allowed,
        "requires_shipping": item.requires_shipping,
        "is_bundle": item.is_bundle,
        "active": item.active,
        "visible": item.visible,
        "tags": list(item.tags),
        "source_updated_at": item.updated_at,
        "deleted_at": None,
    }


def _is_newer(row: Variant, item: StoreVariant) -> bool:
    return bool(row.source_updated_at and item.updated_at and row.source_updated_at > item.updated_at)


# ── what is gone ─────────────────────────────────────────────────────────────────────────────────────────────────────


def remove_unread(store_id: int, since: datetime) -> int:
    """After a whole sync that began at `since`: remove what it did not find; return how many."""
    rows = Variant.objects.filter(store_id=store_id, deleted_at=None).exclude(figures_as_of__gte=since)
    return _remove(store_id, rows.values_list("pk", flat=True))


def remove_others(store_id: int, kept: Mapping[str, Collection[str]]) -> int:
    """Remove the variants of these products that are not among those named; return how many."""
    named = [remote_id for some in kept.values() for remote_id in some]
    rows = Variant.objects.filter(store_id=store_id, deleted_at=None, product_id__in=list(kept))
    return _remove(store_id, rows.exclude(remote_id__in=named).values_list("pk", flat=True))


def _remove(store_id: int, ids: Iterable[int]) -> int:
    """Mark variants as gone. Their rows stay: orders and the ledger name them, and units kept for orders stay kept."""
    rows = list(Variant.objects.filter(pk__in=list(ids), deleted_at=None).order_by("id").select_for_update(no_key=True))
    if rows:
        Variant.objects.filter(pk__in=[row.pk for row in rows]).update(deleted_at=now(), active=False, reread_at=None)
        _tell(store_id, (row.sku for row in rows), (row.title_key for row in rows))
    return len(rows)


def _tell(store_id: int, skus: Iterable[str], title_keys: Iterable[str]) -> None:
    """Tell that variants with these SKUs or titles came, went or changed, so that waiting orders are matched again.

    Among the SKUs are the forms of new barcodes: what a line's SKU may be.
    """
    some, keys = sorted({sku for sku in skus if sku}), sorted({key for key in title_keys if key})
    if some or keys:
        routes.emit("catalog.changed", store_id=store_id, skus=some, title_keys=keys)


# ── locations ────────────────────────────────────────────────────────────────────────────────────────────────────────


def save_locations(store_id: int, found: Sequence[StoreLocation]) -> None:
    """Store the locations; one that is gone becomes inactive, because stock rows and the ledger name it.

    Where a location begins or ceases to count, every variant's available changes: their waiting orders are woken.
    """
    before = _counting(store_id)
    Location.objects.bulk_create(
        [
            Location(
                store_id=store_id,
                merchant_id=tenancy.current_merchant_id(),
                remote_id=one.id,
                name=one.name[:200],
                active=one.active,
                fulfills_online=one.fulfills_online,
            )
            for one in sorted(found, key=lambda one: one.id)
        ],
        update_conflicts=True,
        unique_fields=["store", "remote_id"],
        update_fields=["name", "active", "fulfills_online"],
    )
    Location.objects.filter(store_id=store_id, active=True).exclude(remote_id__in=[one.id for one in found]).update(
        active=False
    )
    other = before ^ _counting(store_id)
    if other:
        variant_ids = [
            row[0]
            for row in sql.rows(
                "SELECT DISTINCT variant_id FROM inventory_stock WHERE location_id = ANY(%s) AND figure <> 0",
                [sorted(other)],
            )
        ]
        if variant_ids:
            routes.emit("stock.changed", store_id=store_id, variant_ids=sorted(variant_ids))


def _counting(store_id: int) -> set[int]:
    return set(
        Location.objects.filter(store_id=store_id, active=True, fulfills_online=True).values_list("pk", flat=True)
    )
