"""Suggestions for unmatched marketplace SKUs, from the merchant's own store only, and accepting them (F47). In a scope.

Nothing is applied by itself. An accepted suggestion is an SKU mapping like any other, marked as such; deleting it undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import MarketplaceAccount, Store
from inventory import coverage, mappings, sql
from inventory.coverage import Unmatched
from inventory.domain.suggest import Product, Shelf, Suggestion, Wanted
from inventory.models import SkuMapping
from salestio import tenancy

MOST_PRODUCTS = 100_000
MOST_AT_ONCE = 500
"""How many *accept all* takes in one go, the best first."""
SURE = 80
"""From here on *accept all* takes them, unless the merchant says otherwise."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """An unmatched SKU and what it might be."""

    unmatched: Unmatched
    suggestion: Suggestion | None
    shared: bool = False
    """Several products of the store have this very SKU, so no mapping can tell them apart."""

    @property
    def score(self) -> int:
        return self.suggestion.score if self.suggestion else 0


def shelf(store_id: int) -> Shelf:
    """Return the store's sellable products, ready to be looked through. One query."""
    rows = sql.rows(
        """SELECT sku, barcode, product_title, options FROM inventory_variant
           WHERE merchant_id = %s AND store_id = %s AND deleted_at IS NULL AND active AND sku <> '' ORDER BY id LIMIT %s""",
        [tenancy.current_merchant_id(), store_id, MOST_PRODUCTS],
    )
    return Shelf([Product(sku, barcode, title, _label(options)) for sku, barcode, title, options in rows])


def _label(options: object) -> str:
    pairs = sql.parsed(options)
    return " / ".join(str(value) for _, value in pairs if value != "Default Title")


def suggest(unmatched: Sequence[Unmatched]) -> list[Suggested]:
    """Return each of these with its best suggestion, in their order."""
    shelves = {store_id: shelf(store_id) for store_id in sorted({one.store_id for one in unmatched})}
    # An item id is a number of the marketplace's own: like no SKU, and at times like a barcode by chance.
    found = []
    for one in unmatched:
        products, sku = shelves[one.store_id], "" if one.by_item else one.sku
        fit = products.suggest(Wanted(sku, one.title, one.variation))
        found.append(Suggested(one, fit, shared=sku.strip() in products.shared))
    return found


def accept(wanted: Sequence[tuple[int, str, str]], *, actor: str) -> list[SkuMapping]:
    """Save suggestions as mappings of their account: (account id, marketplace SKU, store SKU) each.

    Those that are mapped already, or whose product or account is gone, are left out. Raises `CannotMap`.
    """
    accounts = {row.pk: row for row in MarketplaceAccount.objects.select_related("store")}
    by_store: dict[Store, list[tuple[MarketplaceAccount, str, str]]] = {}
    for account_id, seller_sku, sku in wanted:
        if account := accounts.get(account_id):
            by_store.setdefault(account.store, []).append((account, seller_sku, sku))
    made = []
    for store, rows in by_store.items():
        there = mappings.skus_there(store, [sku for _, _, sku in rows])
        taken = set(
            SkuMapping.objects.filter(
                store_id=store.pk, seller_sku__in=[seller_sku for _, seller_sku, _ in rows]
            ).values_list("account_id", "seller_sku")
        )
        for account, seller_sku, sku in rows:
            if sku not in there or (account.pk, seller_sku) in taken:
                continue
            saved = mappings.save(
                store=store, account=account, seller_sku=seller_sku, sku=sku, actor=actor, origin=mappings.BY_SUGGESTION
            )
            made.append(saved.mapping)
    return made


def accept_all(least: int, *, actor: str) -> list[SkuMapping]:
    """Accept every suggestion with at least this score, as they are now."""
    found = [one for one in suggest(coverage.measure().unmatched) if one.suggestion and one.score >= least]
    found.sort(key=lambda one: -one.score)
    wanted = [
        (one.unmatched.account_id, one.unmatched.sku, one.suggestion.product.sku)
        for one in found[:MOST_AT_ONCE]
        if one.suggestion
    ]
    return accept(wanted, actor=actor)


def accepted() -> list[SkuMapping]:
    """Return the newest mappings that came from suggestions, to be undone where one was wrong."""
    rows = SkuMapping.objects.select_related("account", "store").filter(origin=mappings.BY_SUGGESTION)
    return list(rows.order_by("-pk")[:20])
