"""An order that another connector made in the store: it carries the marketplace's id, but none of our keys."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract.types import DraftLine, InventoryRule, StoreOrderDraft


def make_foreign_order(storefront: Any, reference: str) -> str:
    """Create it through the store's own API and return its name."""
    found = storefront.create_order(
        StoreOrderDraft(
            reference=reference, key=f"another-app:{reference}", source="Amazon", currency="USD", total=Decimal("1.00"),
            processed_at=datetime.now(UTC), inventory=InventoryRule.NONE,
            lines=(DraftLine(title="Made by another app", quantity=1, unit_price=Decimal("1.00")),), name=reference,
        )
    )  # fmt: skip
    return str(found.name)
