"""SKU mappings: a merchant's own rows that say what a marketplace's SKU is in the store (F35, F45, F46). Inside a scope.

A marketplace's SKU is one store SKU, several units of it (multipack), or several store SKUs (bundle). Where a line has no
SKU its item id stands for it (eBay item id, Etsy listing id, ASIN). A change emits `mapping.changed`, so that orders
waiting for the SKU are matched again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from accounts import preferences
from accounts.models import MarketplaceAccount, Store
from inventory import sql
from inventory.domain.mapping_file import LONGEST_SKU, MOST_PARTS, MOST_UNITS, Parts
from inventory.models import SkuMapping, Variant
from salestio import routes, tenancy

PAGE = 50
BY_SUGGESTION = "suggestion"
BY_FILE = "file"
_BREAK = re.compile(r"[\r\n\v\f\x00\x85\u2028\u2029]")


class CannotMap(ValueError):
    """A mapping that makes no sense; `field` says where, the text why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Saved:
    """A mapping as saved; `new` is False when it replaced what the seller SKU meant before."""

    mapping: SkuMapping
    new: bool
    known: bool
    """Whether the store has products with all its SKUs now. A mapping may be made before the product."""


def save(
    *,
    store: Store,
    account: MarketplaceAccount | None,
    seller_sku: str,
    sku: str = "",
    quantity: int = 1,
    parts: Sequence[tuple[str, int]] = (),
    actor: str,
    origin: str = "",
    instead_of: SkuMapping | None = None,
) -> Saved:
    """Say that `seller_sku` (of one account, or of all with None) is the store's `sku`, or a bundle's `parts`.

    `parts` are (store SKU, units in one sold) and are used instead of `sku` and `quantity`. `instead_of` is a mapping this
    one takes the place of, when its seller SKU or account changed. Raises `CannotMap`.
    """
    seller_sku = seller_sku.strip()
    _check_sku("seller_sku", seller_sku, "Type the SKU as the marketplace has it")
    wanted = _checked_parts(parts or ((sku, quantity),))
    if account is not None and account.store_id != store.pk:
        raise CannotMap("account", f"Orders of {account.name} go to another store")
    (first, units), *more = wanted
    key: dict[str, Any] = {
        "merchant_id": tenancy.current_merchant_id(), "store_id": store.pk, "account": account, "seller_sku": seller_sku,
    }  # fmt: skip
    # Which of several products with the SKU was chosen stays with the SKU, not with another one.
    chosen_one = SkuMapping.objects.filter(**key, sku=first).values_list("variant_ref", flat=True).first()
    mapping, new = SkuMapping.objects.update_or_create(
        **key,
        defaults={
            "sku": first, "quantity": units, "more": [list(part) for part in more], "created_by": actor[:160],
            "origin": origin, "variant_ref": chosen_one,
        },
    )  # fmt: skip
    if instead_of is not None and instead_of.pk != mapping.pk:
        delete([instead_of.pk])
    routes.emit("mapping.changed", store_id=store.pk, seller_skus=[seller_sku])
    there = skus_there(store, [part for part, _ in wanted])
    return Saved(mapping, new, all(part in there for part, _ in wanted))


def _check_sku(field: str, text: str, empty: str) -> None:
    if not text:
        raise CannotMap(field, empty)
    if len(text) > LONGEST_SKU or _BREAK.search(text):
        raise CannotMap(field, f"A SKU has at most {LONGEST_SKU} letters, all on one line")


def _checked_parts(parts: Sequence[tuple[str, int]]) -> Parts:
    """Return the parts, each SKU once. Raises `CannotMap`."""
    found: dict[str, int] = {}
    for sku, units in parts:
        _check_sku("sku", sku.strip(), "Type the SKU as your store has it")
        if not 1 <= units <= MOST_UNITS:
            raise CannotMap("quantity", f"A quantity is a whole number from 1 to {MOST_UNITS:,}")
        found[sku.strip()] = found.get(sku.strip(), 0) + units
    if len(found) > MOST_PARTS:
        raise CannotMap("sku", f"A bundle has at most {MOST_PARTS} different products")
    if any(units > MOST_UNITS for units in found.values()):
        raise CannotMap("quantity", f"A quantity is a whole number from 1 to {MOST_UNITS:,}")
    return tuple(found.items())


def chosen(ids: Iterable[int]) -> list[SkuMapping]:
    """Return those of these mappings that there are, with their accounts, newest first."""
    return list(SkuMapping.objects.select_related("account").filter(pk__in=list(ids)).order_by("-pk"))


def delete(ids: Iterable[int]) -> int:
    """Remove these mappings; return how many there were."""
    rows = list(SkuMapping.objects.filter(pk__in=list(ids)).order_by("pk"))
    SkuMapping.objects.filter(pk__in=[row.pk for row in rows]).delete()
    by_store: dict[int, list[str]] = {}
    for row in rows:
        by_store.setdefault(row.store_id, []).append(row.seller_sku)
    for store_id, seller_skus in by_store.items():
        routes.emit("mapping.changed", store_id=store_id, seller_skus=seller_skus)
    return len(rows)


def found(*, text: str = "", account_id: int | None = None, general: bool = False) -> QuerySet[SkuMapping]:
    """Return the mappings whose seller SKU or one of whose store SKUs begins with the text, newest first.

    `general` leaves those for all accounts only.
    """
    rows = SkuMapping.objects.select_related("account", "store").order_by("-pk")
    if text:
        inside = "[" + sql.json(text)[:-1]  # a part's SKU in the JSON text begins after ["
        rows = rows.filter(Q(seller_sku__istartswith=text) | Q(sku__istartswith=text) | Q(more__icontains=inside))
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    elif general:
        rows = rows.filter(account=None)
    return rows


def skus_there(store: Store, skus: Iterable[str]) -> set[str]:
    """Return those of these SKUs that a product of the store has now, compared as the store's setting says. One query."""
    wanted = sorted(set(skus))
    if preferences.read(store)["sku_case_sensitive"]:
        return {
            row[0]
            for row in sql.rows(
                """SELECT DISTINCT sku FROM inventory_variant
                   WHERE merchant_id = %s AND store_id = %s AND sku = ANY(%s) AND deleted_at IS NULL""",
                [tenancy.current_merchant_id(), store.pk, wanted],
            )
        }
    there = {
        row[0]
        for row in sql.rows(
            """SELECT DISTINCT lower(sku) FROM inventory_variant
               WHERE merchant_id = %s AND store_id = %s AND lower(sku) = ANY(%s) AND deleted_at IS NULL""",
            [tenancy.current_merchant_id(), store.pk, [sku.lower() for sku in wanted]],
        )
    }
    return {sku for sku in wanted if sku.lower() in there}


def preferred_products(mappings: Iterable[SkuMapping]) -> dict[int, str]:
    """Return mapping id → title of the product it prefers, where others have the same SKU now. At most two queries."""
    refs = {row.pk: row for row in mappings if row.variant_ref is not None and not row.more}
    if not refs:
        return {}
    several = sql.rows(
        """SELECT v.id FROM inventory_variant v
           WHERE v.merchant_id = %s AND v.id = ANY(%s) AND v.deleted_at IS NULL AND v.active AND EXISTS (
               SELECT 1 FROM inventory_variant o
               WHERE o.merchant_id = v.merchant_id AND o.store_id = v.store_id AND o.id <> v.id
                 AND lower(o.sku) = lower(v.sku) AND o.deleted_at IS NULL AND o.active)""",
        [tenancy.current_merchant_id(), sorted({row.variant_ref for row in refs.values()})],
    )
    products = Variant.objects.in_bulk([pk for (pk,) in several])
    found = {pk: products.get(row.variant_ref) for pk, row in refs.items()}
    return {
        pk: product.title
        for pk, product in found.items()
        if product is not None and product.sku.strip().casefold() == refs[pk].sku.casefold()
    }


def unknown_skus(mappings: Iterable[SkuMapping]) -> dict[int, list[str]]:
    """Return mapping id → those of its store SKUs that are not in the store at the moment; a query a store."""
    by_store: dict[int, list[SkuMapping]] = {}
    for row in mappings:
        by_store.setdefault(row.store_id, []).append(row)
    missing: dict[int, list[str]] = {}
    for rows in by_store.values():
        there = skus_there(rows[0].store, [sku for row in rows for sku, _ in row.target])
        for row in rows:
            gone = [sku for sku, _ in row.target if sku not in there]
            if gone:
                missing[row.pk] = gone
    return missing
