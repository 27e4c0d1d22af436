"""What the parts of bundle and multipack lines are, with their stock, for the order page. Call inside a scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts import connections
from accounts.models import Store
from inventory.models import Stock, Variant
from orders.models import OrderLine


@dataclass(frozen=True, slots=True)
class PartShown:
    """One product of a bundle line: how many of it the whole line takes, and how many are left over all locations."""

    units: int
    sku: str
    title: str
    url: str
    """The product's page in the store's admin."""
    available: int | None
    """None where the store does not track it."""
    gone: bool = False

    @property
    def short(self) -> bool:
        return self.available is not None and self.available < 0


def of(lines: Sequence[OrderLine], store: Store) -> Mapping[int, tuple[PartShown, ...]]:
    """Return line id → its parts, of those lines that have parts. Two queries at the most, none without bundles."""
    ids = sorted({variant_id for line in lines for variant_id, _ in line.parts})
    if not ids:
        return {}
    variants = {variant.pk: variant for variant in Variant.objects.filter(pk__in=ids)}
    left: dict[int, int] = {}
    for variant_id, figure, reserved in Stock.objects.filter(variant_id__in=ids).values_list(
        "variant_id", "figure", "reserved"
    ):
        left[variant_id] = left.get(variant_id, 0) + figure - reserved
    return {
        line.pk: tuple(
            _shown(store, variants.get(pk), left.get(pk, 0), units * line.quantity) for pk, units in line.parts
        )
        for line in lines
        if line.parts
    }


def _shown(store: Store, variant: Variant | None, left: int, units: int) -> PartShown:
    if variant is None or variant.deleted_at is not None:
        return PartShown(units, variant.sku if variant else "", "No longer in the store", "", None, gone=True)
    url = connections.product_page(store, variant.product_id)
    return PartShown(units, variant.sku, variant.title, url, left if variant.tracked else None)
