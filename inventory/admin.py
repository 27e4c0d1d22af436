"""The support workbench for stock: variants, figures, reservations, the ledger, SKU mappings; figures are read again."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import F, Q
from django.utils.safestring import SafeString

from inventory import refresh, watching
from inventory.models import LedgerEntry, Location, Reservation, SkuMapping, Stock, Variant
from salestio import tenancy
from salestio.workbench import Call, Deed, Workbench, as_number, table

LEDGER_SHOWN = 200


def _read_now(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        store_id = Variant.objects.values_list("store_id", flat=True).get(pk=call.pk)
    read = refresh.read_now(call.merchant_id, store_id, variant_ids=[call.pk])
    return "its figures were read" if read else "it was deleted in the store; nothing to read"


def _read_soon(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        asked = watching.read_soon([call.pk])
    return "a reading is due now" if asked else "a reading was due already"


@admin.register(Variant)
class VariantAdmin(Workbench):
    """A variant with its figures at every location."""

    list_display = ("sku", "title", "merchant", "store", "active", "deleted_at", "figures_as_of", "reread_at")
    list_select_related = ("merchant", "store")
    panels = ("figures", "reservations", "mapped_from")
    search_help_text = "SKU, our id, the store's id of variant, product or stock item, merchant's id, shop"
    deeds: ClassVar = (
        Deed("read_now", "Read its figures now", _read_now, most=10),
        Deed("read_soon", "Make its reading due", _read_soon, most=500),
    )

    def where(self, term: str) -> Q:
        """Find from the stores outward: the variants' indexes are led by merchant and store."""
        found = super().where(term) | Q(remote_id=term, merchant_id=F("store__merchant_id"))
        for name in ("sku", "item_id", "product_id"):
            found |= Q(**{name: term, "merchant_id": F("store__merchant_id")})
        return found | Q(store__key__iexact=term)

    exact = ("merchant_id", "store_id")

    @admin.display(description="Figures")
    def figures(self, variant: Variant) -> SafeString:
        rows = Stock.objects.select_related("location").filter(variant_id=variant.pk).order_by("pk")
        return table(
            ("Stock row", "Location", "Store's figure", "Reserved", "Available", "Read (UTC)", "Version"),
            (
                (row.pk, row.location or "anywhere", row.figure, row.reserved, row.figure - row.reserved, row.figure_as_of,
                 row.version)
                for row in rows
            ),
        )  # fmt: skip

    @admin.display(description="Counting reservations")
    def reservations(self, variant: Variant) -> SafeString:
        stocks = list(Stock.objects.filter(variant_id=variant.pk).values_list("pk", flat=True))
        rows = Reservation.objects.filter(stock_id__in=stocks, state__in=Reservation.COUNTING).order_by("pk")
        return table(
            ("Order", "Units", "State", "Stock row", "Placed", "Made", "Handed over"),
            (
                (row.order_ref, row.quantity, row.get_state_display(), row.stock_id, row.placed, row.created_at,
                 row.handed_over_at)
                for row in rows[:LEDGER_SHOWN]
            ),
        )  # fmt: skip

    @admin.display(description="SKU mappings to it")
    def mapped_from(self, variant: Variant) -> SafeString:
        rows = SkuMapping.objects.select_related("account").filter(
            merchant_id=variant.merchant_id, store_id=variant.store_id, sku=variant.sku
        )
        return table(
            ("Seller SKU", "Account", "By", "At"),
            ((row.seller_sku, row.account or "all", row.created_by, row.created_at) for row in rows[:LEDGER_SHOWN]),
        )


@admin.register(Stock)
class StockAdmin(Workbench):
    """A variant's figure and reserved units at one location, with its ledger."""

    list_display = ("id", "variant", "location", "merchant", "figure", "reserved", "figure_as_of", "version")
    list_select_related = ("merchant", "variant", "location")
    panels = ("movements",)
    exact = ("variant_id", "location_id")
    search_help_text = "Id of the stock row, variant or location"

    @admin.display(description="Ledger")
    def movements(self, stock: Stock) -> SafeString:
        rows = LedgerEntry.objects.filter(stock_id=stock.pk).order_by("-pk")[:LEDGER_SHOWN]
        return table(
            ("At (UTC)", "Kind", "Figure", "Reserved", "Order", "Cause"),
            (
                (row.at, row.kind, f"{row.figure_change:+d}", f"{row.reserved_change:+d}", row.order_ref, row.cause)
                for row in rows
            ),
        )


@admin.register(Reservation)
class ReservationAdmin(Workbench):
    """Units promised to an order's line."""

    list_display = (
        "id",
        "order_ref",
        "variant",
        "merchant",
        "quantity",
        "state",
        "created_at",
        "handed_over_at",
        "ended_at",
    )
    list_filter = ("state",)
    list_select_related = ("merchant", "variant")
    search_help_text = "Our id of the order, or of the reservation"

    def where(self, term: str) -> Q:
        number = as_number(term)
        return Q(pk__in=()) if number is None else Q(pk=number) | Q(order_ref=number)


@admin.register(SkuMapping)
class SkuMappingAdmin(Workbench):
    """Merchants' own rows: this seller SKU is that SKU."""

    list_display = ("seller_sku", "sku", "account", "merchant", "store", "created_by", "created_at")
    list_select_related = ("merchant", "store", "account")
    exact = ("seller_sku", "sku", "merchant_id", "store_id", "account_id")
    search_help_text = "Seller SKU, SKU, id of merchant, store or account"


@admin.register(Location)
class LocationAdmin(Workbench):
    """Places of stores that hold stock."""

    list_display = ("name", "store", "merchant", "active", "fulfills_online", "remote_id")
    list_filter = ("active", "fulfills_online")
    list_select_related = ("merchant", "store")
    exact = ("remote_id", "name", "merchant_id", "store_id")
    search_help_text = "Name, the store's id, id of merchant or store"
