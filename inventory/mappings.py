"""SKU mappings: a merchant's own rows that say which store SKU a marketplace's SKU is (F35). Call inside a scope.

A change emits `mapping.changed`, so that orders waiting for the SKU are matched again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import MarketplaceAccount, Store
from inventory.models import SkuMapping, Variant
from salestio import routes, tenancy

PAGE = 50


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
    """Whether the store has a product with this SKU now. A mapping may be made before the product."""


def save(*, store: Store, account: MarketplaceAccount | None, seller_sku: str, sku: str, actor: str) -> Saved:
    """Say that `seller_sku` (of one account, or of all with None) is the store's `sku`. Raises `CannotMap`."""
    seller_sku, sku = seller_sku.strip(), sku.strip()
    if not seller_sku:
        raise CannotMap("seller_sku", "Type the SKU as the marketplace has it")
    if not sku:
        raise CannotMap("sku", "Type the SKU as your store has it")
    for field, text in (("seller_sku", seller_sku), ("sku", sku)):
        if len(text) > 255 or "\x00" in text:
            raise CannotMap(field, "A SKU has at most 255 letters")
    if account is not None and account.store_id != store.pk:
        raise CannotMap("account", f"Orders of {account.name} go to another store")
    mapping, new = SkuMapping.objects.update_or_create(
        merchant_id=tenancy.current_merchant_id(), store_id=store.pk, account=account, seller_sku=seller_sku,
        defaults={"sku": sku, "quantity": 1, "more": [], "created_by": actor[:160]},
    )  # fmt: skip
    routes.emit("mapping.changed", store_id=store.pk, seller_skus=[seller_sku])
    known = Variant.objects.filter(store_id=store.pk, sku=sku, deleted_at=None).exists()
    return Saved(mapping, new, known)


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


def found(*, text: str = "", account_id: int | None = None) -> QuerySet[SkuMapping]:
    """Return the mappings whose seller SKU or store SKU begins with the text, newest first."""
    rows = SkuMapping.objects.select_related("account", "store").order_by("-pk")
    if text:
        rows = rows.filter(Q(seller_sku__istartswith=text) | Q(sku__istartswith=text))
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    return rows


def unknown_skus(mappings: Iterable[SkuMapping]) -> set[int]:
    """Return the ids of those mappings whose store SKU is not in the store at the moment. One query."""
    rows = list(mappings)
    wanted = {row.sku for row in rows}
    stores = {row.store_id for row in rows}
    there = set(
        Variant.objects.filter(store_id__in=stores, sku__in=wanted, deleted_at=None).values_list("store_id", "sku")
    )
    return {row.pk for row in rows if (row.store_id, row.sku) not in there}
