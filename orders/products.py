"""Finding a store's products by what a person types, for the Change dialog. Call inside a scope."""

from __future__ import annotations

from django.db.models import Q

from inventory.models import Variant
from salestio.lib.text import words

SHOWN = 20


def find(store_id: int, text: str) -> list[Variant]:
    """Return up to 20 sellable variants: exact SKU first, then SKUs that begin so, then titles with all the words."""
    text = text.replace("\x00", "").strip()
    mine = Variant.objects.filter(store_id=store_id, deleted_at=None, active=True)
    if not text:
        return list(mine.order_by("product_title", "pk")[:SHOWN])
    found = {v.pk: v for v in mine.filter(Q(sku=text) | Q(barcode=text)).order_by("pk")[:SHOWN]}
    if len(found) < SHOWN:
        found |= {v.pk: v for v in mine.filter(sku__istartswith=text).order_by("sku")[:SHOWN] if v.pk not in found}
    if len(found) < SHOWN:
        titled = mine
        for word in words(text)[:6]:
            titled = titled.filter(
                Q(product_title__icontains=word) | Q(options__icontains=word) | Q(sku__icontains=word)
            )
        found |= {v.pk: v for v in titled.order_by("product_title", "pk")[:SHOWN] if v.pk not in found}
    return list(found.values())[:SHOWN]
