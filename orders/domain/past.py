"""What becomes of older orders a merchant asks for (F30). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Shipped(StrEnum):
    """What becomes of orders that were shipped before they were imported."""

    IMPORT_ONLY = "import_only"
    CREATE = "create"
    CREATE_AND_TAKE = "create_and_take"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(one.value, LABELS[one]) for one in cls]


LABELS = {
    Shipped.IMPORT_ONLY: "Import only: shown here, not created in the store",
    Shipped.CREATE: "Create as shipped, stock untouched",
    Shipped.CREATE_AND_TAKE: "Create as shipped, and take the units from stock",
}


@dataclass(frozen=True, slots=True)
class Past:
    """A merchant's choices for one back-fill."""

    shipped: Shipped = Shipped.IMPORT_ONLY
    open_too: bool = False
    """Orders from before the connection that are not shipped yet are created too."""

    @property
    def takes_stock(self) -> bool:
        """Say whether shipped orders take their units from stock."""
        return self.shipped is Shipped.CREATE_AND_TAKE

    def leaves_out(self, *, shipped: bool, before_connection: bool) -> str:
        """Return the reason code with which an order that could be created is left out, "" when it is created.

        An order of the time since the connection that is not shipped goes the way every new order goes.
        """
        if shipped and self.shipped is Shipped.IMPORT_ONLY:
            return "BEFORE_CONNECTION" if before_connection else "SHIPPED_BEFORE"
        if not shipped and before_connection and not self.open_too:
            return "BEFORE_CONNECTION"
        return ""
