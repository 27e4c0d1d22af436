"""How much of what sells on marketplaces is matched to the store, and what is not, best sold first (F48). Inside a scope.

Counted are the SKUs that orders of the last 90 days named. Listings that never sold are not known here yet: they come with
the listings themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from accounts import preferences
from accounts.models import Store
from inventory import sql
from inventory.mappings import preferred_products
from inventory.models import SkuMapping
from salestio import routes, tenancy

DAYS = 90
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A marketplace SKU that is no product of the store at the moment."""

    store_id: int
    account_id: int
    platform: str
    sku: str
    by_item: bool
    """The lines have no SKU; this is the marketplace's item id."""
    title: str
    variation: tuple[tuple[str, str], ...]
    recent_units: int
    units: int
    waiting_lines: int
    why: str

    @property
    def words(self) -> str:
        """Return title and variation in one line."""
        label = ", ".join(f"{name} {value}" for name, value in self.variation)
        return f"{self.title}: {label}" if label else self.title


@dataclass(frozen=True, slots=True)
class Cover:
    """The meter: how many SKUs are matched of how many, and the others."""

    total: int
    unmatched: tuple[Unmatched, ...]

    @property
    def matched(self) -> int:
        return self.total - len(self.unmatched)

    @property
    def percent(self) -> int:
        """Return whole percents, never 100 while one is missing."""
        return 100 * self.matched // self.total if self.total else 100

    @property
    def recent(self) -> int:
        """Return how many of the unmatched sold in the last 30 days."""
        return sum(1 for one in self.unmatched if one.recent_units)


def measure() -> Cover:
    """Return the active merchant's coverage; the unmatched by units sold in 30 days."""
    moment = now()
    sold: list[dict[str, Any]] = routes.ask(
        "orders.sold", since=moment - timedelta(days=DAYS), recent=moment - timedelta(days=RECENT_DAYS)
    )
    if not sold:
        return Cover(0, ())
    by_store: dict[int, list[dict[str, Any]]] = {}
    for row in sold:
        by_store.setdefault(row["store_id"], []).append(row)
    stores = Store.objects.in_bulk(list(by_store))
    unmatched = [one for pk, rows in by_store.items() for one in _of_store(stores[pk], rows)]
    unmatched.sort(key=lambda one: (-one.recent_units, -one.units, one.sku))
    return Cover(len(sold), tuple(unmatched))


def _of_store(store: Store, rows: Sequence[Mapping[str, Any]]) -> list[Unmatched]:
    exact = preferences.read(store)["sku_case_sensitive"]
    names = sorted({row["sku"] for row in rows})
    mapped = list(SkuMapping.objects.filter(store_id=store.pk, seller_sku__in=names))
    targets = {(mapping.account_id, mapping.seller_sku): mapping for mapping in mapped}
    wanted = set(names) | {sku for mapping in mapped for sku, _ in mapping.target}
    times = _times(store, wanted, exact=exact)
    chosen = preferred_products(mapped)
    found = []
    for row in rows:
        mapping = targets.get((row["account_id"], row["sku"])) or targets.get((None, row["sku"]))
        settled = mapping is not None and mapping.pk in chosen
        why = "" if settled else _why(row, mapping.target if mapping else None, times, exact=exact)
        if why:
            given = {name: row[name] for name in ("store_id", "account_id", "platform", "sku", "by_item", "title",
                                                  "recent_units", "units", "waiting_lines")}  # fmt: skip
            variation = tuple((str(name), str(value)) for name, value in json.loads(row["variation"] or "[]"))
            found.append(Unmatched(**given, variation=variation, why=why))
    return found


def _times(store: Store, skus: set[str], *, exact: bool) -> dict[str, int]:
    """Return SKU form → how many sellable products have it."""
    form = "sku" if exact else "lower(sku)"
    rows = sql.rows(
        f"""SELECT {form}, count(*) FROM inventory_variant
            WHERE merchant_id = %s AND store_id = %s AND {form} = ANY(%s) AND deleted_at IS NULL AND active GROUP BY 1""",  # noqa: S608
        [tenancy.current_merchant_id(), store.pk, [sku if exact else sku.lower() for sku in sorted(skus)]],
    )
    return {row[0]: row[1] for row in rows}


def _why(
    row: Mapping[str, Any], target: Sequence[tuple[str, int]] | None, times: Mapping[str, int], *, exact: bool
) -> str:
    """Return why a SKU is unmatched, empty when it is matched: mapping, exact SKU, else how its last order went."""

    def there(sku: str) -> int:
        return times.get(sku if exact else sku.lower(), 0)

    if target is not None:
        gone = [sku for sku, _ in target if not there(sku)]
        if gone:
            return f"Mapped to {', '.join(gone)}, which is not in your store"
        several = next((sku for sku, _ in target if there(sku) > 1), "")
        return f"Mapped to {several}; {there(several)} products of your store have this SKU" if several else ""
    if not row["by_item"] and there(row["sku"]) == 1:
        return ""
    if not row["by_item"] and there(row["sku"]) > 1:
        return f"{there(row['sku'])} products of your store have this SKU"
    if row["matched_by"] in ("title", "barcode"):
        return ""
    return "No product or mapping has it"
