"""Everything the order page shows, gathered in a handful of queries into plain data. Call inside a scope."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts import connections
from accounts.platforms import ORDER_PAGES, STOCK_RULES
from connectors.contract.types import PersonalDetails
from inventory.models import Location, Reservation, Stock, Variant
from orders import countries, line_parts, links, log_words, personal, reasons, rows, why, wishes
from orders import filters as order_filters
from orders.domain.matching import CUSTOM
from orders.domain.tax_modes import INCLUDED
from orders.domain.tax_modes import MODES as TAX_MODES
from orders.listing import Listing
from orders.models import Buyer, Order, OrderEvent, OrderLine, StoreOrder
from orders.wishes import LineWishes
from salestio.lib.crypto import UnreadableSecret
from salestio.lib.text import counted, spoken
from salestio.templatetags.ui import ahead, in_money, moment

EVENTS_SHOWN = 60
_UNMATCHED = ("NO_MATCH", "AMBIGUOUS_SKU", "SKU_CHANGED")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the rail; `look` is done, here or empty."""

    name: str
    look: str
    tone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LineShown:
    """One line of the order with the product it was matched to."""

    number: int
    title: str
    variation: str
    seller_sku: str
    sku: str
    product_url: str
    image_url: str
    rule: str
    rule_note: str
    note: str
    quantity: int
    shipped: str
    available: str
    unit_price: str
    total: str
    may_change: bool
    digital: bool
    asked: LineWishes | None = None
    parts: tuple[line_parts.PartShown, ...] = ()
    """Bundle or multipack: what it is made of."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the payment."""

    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class Payment:
    """What the buyer paid, as terms that close; `off` is the difference when they do not."""

    terms: list[Term]
    total: str
    currency: str
    adds_up: bool
    off: str
    pending: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoreMoney:
    """How the store order's total came about, where it is not simply what the buyer paid."""

    total: str
    currency: str
    mode: str
    left_out: str = ""
    converted: str = ""
    rate: str = ""


@dataclass(frozen=True, slots=True)
class ExportButton:
    """The Export button of Order Details: whether it may be pressed, and why not."""

    label: str
    enabled: bool
    why_not: str
    again: bool = False
    anyway: bool = False
    """Whether *Create anyway…* stands beside it."""


class OrderPage:
    """One order, ready to show."""

    def __init__(self, order: Order, query: str = "", *, masked: bool = False, framed: bool = False) -> None:
        self.order = order
        self.query = query
        self.lines = list(OrderLine.objects.select_related("variant").filter(order_id=order.pk).order_by("number"))
        self.events = list(OrderEvent.objects.filter(order_id=order.pk).order_by("-pk")[:EVENTS_SHOWN])
        self.reserved = self._reserved()
        self.parts = line_parts.of(self.lines, order.store)
        self.buyer: Buyer | None = getattr(order, "buyer", None)
        self.details = self._open()
        self.asked = wishes.of_order(order, self.details, masked=masked, framed=framed)
        self.buyer_notes = self.details.buyer_notes.strip() if self.details else ""
        if masked and self.buyer_notes:
            self.buyer_notes = personal.MASK
        self.storefront = reasons.STOREFRONTS.get(order.store.platform, "your store")
        self.marketplace = reasons.MARKETPLACES.get(order.platform, "the marketplace")

    def _reserved(self) -> int:
        states = Reservation.objects.filter(order_ref=self.order.pk).values_list("state", flat=True)
        return sum(1 for state in states if state != "released")

    def _open(self) -> PersonalDetails | None:
        try:
            return personal.unseal(self.buyer.sealed) if self.buyer else None
        except UnreadableSecret:
            return None

    # ── versions: what a poll compares ───────────────────────────────────────────────────────────────────────────

    @property
    def version(self) -> str:
        latest = self.events[0].pk if self.events else 0
        parts = (
            rows.version(self.order),
            latest,
            self.reserved,
            [(line.variant_id, line.quantity_shipped) for line in self.lines],
            [asked.archive for asked in self.asked.values()],
        )
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    # ── the head ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def marketplace_url(self) -> str:
        return links.marketplace_url(self.order)

    @property
    def marketplace_page(self) -> str:
        return ORDER_PAGES.get(self.order.platform, self.marketplace)

    @property
    def store_url(self) -> str:
        return links.store_url(self.order)

    @property
    def service(self) -> str:
        """Return the marketplace's shipping service in words."""
        return spoken(self.order.service_level)

    @property
    def shipped_by(self) -> str:
        """Return who ships the order, with the marketplace's own word where it has one."""
        theirs = self.order.fulfilled_by == "marketplace"
        word = reasons.own_word(self.order.platform, theirs=theirs)
        if theirs:
            return f"{self.marketplace} ({word})" if word else self.marketplace
        return f"Merchant ({word})" if word else "You"

    @property
    def tags(self) -> list[str]:
        """Return what stands beside the status: that the marketplace ships it, that it replaces another order."""
        found = []
        if self.order.fulfilled_by == "marketplace":
            found.append(reasons.who_ships(self.order.platform, theirs=True))
        if self.order.replacement_of:
            found.append("Replacement")
        return found

    @property
    def program_notes(self) -> list[str]:
        """Return what the marketplace's programs ask of whoever packs this order."""
        known = connections.program_notes(self.order.platform)
        return [known[name] for name in self.order.programs if name in known]

    @property
    def address_withheld(self) -> bool:
        """Say whether the marketplace will never give this app the address, and nobody has entered it."""
        return "address" in self.order.withheld and not self.order.has_address

    @property
    def settings_url(self) -> str:
        """Return the settings in which the reason's cure is chosen."""
        if self.order.reason_code == "OPTIONS_MISSING":
            return reverse("accounts:store-settings", args=[self.order.store_id])
        return reverse("accounts:account-settings", args=[self.order.account_id])

    @property
    def served_from(self) -> str:
        """Return where a routing rule serves the order from, and the rule; empty without one."""
        if not self.order.routed_by:
            return ""
        place = Location.objects.filter(pk=self.order.location_ref or 0).values_list("name", flat=True).first()
        where = place or ("a location that is gone" if self.order.location_ref else f"{self.storefront} decides")
        return f"{where}, by the rule “{self.order.routed_by}”"

    @property
    def store_name(self) -> str:
        return self.order.store_order_name or self.order.store_order_id.rsplit("/", 1)[-1]

    @property
    def ship_words(self) -> str:
        """Return "ship by Mon 23 Nov, 23:59 (in 2 days 15 h)", empty when nothing is to be shipped."""
        note, _ = rows.ship_note(self.order, timezone.now())
        order = self.order
        if (
            order.ship_by is None
            or order.status not in ("paid", "partially_shipped")
            or order.fulfilled_by != "merchant"
        ):
            return ""
        return f"ship by {moment(order.ship_by)} ({'late' if note == 'late' else ahead(order.ship_by)})"

    @property
    def ship_late(self) -> bool:
        return rows.ship_note(self.order, timezone.now())[1]

    # ── the rail ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def rail(self) -> list[Step]:
        order = self.order
        at = {event.code: event.at for event in reversed(self.events)}
        created = order.export_state == "created"
        matched = sum(1 for line in self.lines if line.variant_id or line.matched_by)
        all_matched = bool(self.lines) and matched == len(self.lines)
        tone = {"held": "is-stop", "waiting": "is-wait", "unknown": "is-ask", "sending": "is-work"}.get(
            order.export_state, ""
        )
        names = ["Imported", "Matched", "Reserved", "In store", "Shipped"]
        notes = [
            moment(order.imported_at, seconds=True),
            f"{matched} of {counted(len(self.lines), 'line')}" if matched or created else "",
            counted(order.units, "unit") if self.reserved else "",
            moment(order.exported_at, seconds=True) if created and order.exported_at else "",
            "",
        ]
        when = at.get("MATCHED") or at.get("WITHOUT_PRODUCT")
        if when and all_matched:
            notes[1] = f"{moment(when, seconds=True)} · {notes[1]}"
        done = [True, all_matched or created, bool(self.reserved) or created, created, order.status == "shipped"]
        here = self._stands_at(done)
        steps = []
        for number, name in enumerate(names):
            if number == here:
                words = notes[number] if number == 0 and not tone else self._since()
                steps.append(Step(name, "here", tone or "is-work", words))
            elif done[number] and (here is None or number < here or number == 4):
                steps.append(Step(name, "done", "", notes[number]))
            else:
                steps.append(Step(name, ""))
        return steps

    def _since(self) -> str:
        words = {"held": "On hold since", "waiting": "Waiting since", "unknown": "Checking since", "sending": "Sending since",
                 "skipped": "Skipped", "canceled": "Canceled"}.get(self.order.export_state, "")  # fmt: skip
        return f"{words} {moment(self.order.state_since, seconds=True)}" if words else ""

    def _stands_at(self, done: list[bool]) -> int | None:
        order = self.order
        if order.export_state == "created":
            return None
        if order.reason_code in _UNMATCHED:
            return 1
        if order.reason_code == "OUT_OF_STOCK":
            return 2
        if order.reason_code in ("NOT_PAID_YET", "UNREADABLE", "ADDRESS_MISSING", "ADDRESS_WITHHELD"):
            return 0
        if order.export_state == "imported" or order.reason_code == "CANCEL_REQUESTED":
            return next((number for number in range(1, 4) if not done[number]), 3)
        return 3

    # ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def why(self) -> why.Why | None:
        return why.build(self.order, self.lines)

    @property
    def log(self) -> list[log_words.LogLine]:
        return log_words.lines(self.events, self.order.platform, self.order.store.platform)

    @property
    def lines_shown(self) -> list[LineShown]:
        short = {
            item.get("line_id") or item.get("seller_sku"): item for item in self.order.reason_data.get("items", [])
        }
        return [self._line(line, short) for line in self.lines]

    def _line(self, line: OrderLine, short: dict[Any, dict[str, Any]]) -> LineShown:
        order, variant = self.order, line.variant
        untried = "Not matched" if order.reason_code in _UNMATCHED else "Not matched yet"
        rule, note = log_words.RULES.get(line.matched_by, (untried, ""))
        variation = ", ".join(f"{name} {value}" for name, value in line.variation)
        missing = short.get(line.pk) or short.get(line.seller_sku) if order.reason_code == "OUT_OF_STOCK" else None
        price = line.item_total / line.quantity if line.item_total is not None and line.quantity else None
        named = (variant.sku if variant else line.matched_sku) or (variant.title if variant else "")
        return LineShown(
            number=line.number, title=line.title, variation=variation, seller_sku=line.seller_sku,
            sku=named if named != line.seller_sku and not line.parts else "", product_url=self._product_url(variant),
            image_url=variant.image_url if variant else "", rule=rule,
            rule_note=note or (variation if line.matched_by == "title" else ""), note=line.match_note,
            quantity=line.quantity,
            shipped=f"{line.quantity_shipped} of {line.quantity} already shipped"
            if 0 < line.quantity_shipped < line.quantity else "",
            available=f"{missing['available']} available" if missing and "available" in missing else "",
            unit_price=in_money(price, order.currency), total=in_money(line.item_total, order.currency),
            may_change=order.export_state not in ("created", "canceled", "sending", "unknown"),
            digital=line.digital,
            asked=self.asked.get(line.remote_id),
            parts=self.parts.get(line.pk, ()),
        )  # fmt: skip

    def _product_url(self, variant: Variant | None) -> str:
        return connections.product_page(self.order.store, variant.product_id) if variant is not None else ""

    @property
    def matched_words(self) -> str:
        own = sum(1 for line in self.lines if line.matched_by == CUSTOM)
        matched = sum(1 for line in self.lines if line.variant_id or line.matched_by) - own
        if not self.lines:
            return ""
        if own == len(self.lines):
            return f"No product in {self.storefront}: {'a line of its own' if own == 1 else 'lines of their own'}"
        if matched == len(self.lines):
            return (
                f"All {matched} matched to products in {self.storefront}"
                if matched > 1
                else f"Matched to a product in {self.storefront}"
            )
        return f"{matched} of {len(self.lines)} matched to products in {self.storefront}"

    @property
    def title_words(self) -> str:
        return f"{counted(len(self.lines), 'line')}, {counted(sum(line.quantity for line in self.lines), 'unit')}"

    @property
    def payment(self) -> Payment:
        """Return the payment box; it says whether the terms add up to what the buyer paid (MECHANISMS 9)."""
        order = self.order
        zero = Decimal(0)

        def add(name: str) -> Decimal:
            return sum((getattr(line, name) or zero for line in self.lines), zero)

        parts = [
            ("Subtotal", add("item_total")),
            (f"{self.marketplace} Shipping", add("shipping")),
            ("Gift wrap", add("gift_wrap")),
            ("Fees", add("other")),
            ("Promotion", -(add("discount") + add("shipping_discount"))),
            ("Tax", add("tax")),
        ]
        total = order.total if order.total is not None else zero
        paid_terms = sum((amount for _, amount in parts), zero)
        terms = [
            Term(label, in_money(amount, order.currency)) for label, amount in parts if amount or label == "Subtotal"
        ]
        off = total - paid_terms
        withheld = any(line.tax_collected_by_marketplace for line in self.lines)
        return Payment(
            terms=terms, total=in_money(order.total, order.currency), currency=order.currency, adds_up=off == 0,
            off=in_money(off, order.currency), pending=order.total is None,
            note=f"Tax was collected by {self.marketplace}." if withheld else "",
        )  # fmt: skip

    @property
    def store_money(self) -> StoreMoney | None:
        """Return how the store order's total came about; None while there is none, or it is what the buyer paid."""
        rows = StoreOrder.objects.filter(order_id=self.order.pk).exclude(state="refused").order_by("-generation")
        money = rows.values_list("money", flat=True).first()
        if not money or (money["tax_mode"] == INCLUDED and "rate" not in money):
            return None
        currency = money["currency"]
        percent = f", {money['tax_percent']} %" if "tax_percent" in money else ""
        left_out = Decimal(money["difference"])
        rated = "rate" in money
        day = date.fromisoformat(money["rate_date"]) if rated else None
        return StoreMoney(
            total=in_money(Decimal(money["total"]), currency), currency=currency,
            mode="" if money["tax_mode"] == INCLUDED else f"{TAX_MODES[money['tax_mode']]}{percent}",
            left_out=in_money(left_out, currency) if left_out else "",
            converted=in_money(Decimal(money["converted"]), currency) if rated else "",
            rate=f"1 {money['paid_currency']} = {money['rate']} {currency}, {money['rate_source']}, {day.day} {day:%b %Y}"
            if day else "",
        )  # fmt: skip

    @property
    def export_button(self) -> ExportButton:
        order = self.order
        state, code = order.export_state, order.reason_code
        short = state == "held" and code == "OUT_OF_STOCK"
        if code == "GONE_IN_STORE":
            return ExportButton("Create again…", True, "", again=True)
        if state == "created":
            return ExportButton("Export", False, f"In your store as {self.store_name}")
        if code == "SKU_CHANGED":
            return ExportButton("Export", False, "The SKU was edited after import. Change the line to match it again")
        if state == "canceled":
            return ExportButton("Export", False, "The order was canceled")
        if code == "NOT_PAID_YET":
            return ExportButton("Export", False, f"Not paid on {self.marketplace} yet")
        if code == "TWO_FOUND":
            return ExportButton("Export", False, f"It is in {self.storefront} more than once already")
        if state in ("unknown",) or code == "UNKNOWN_TOO_LONG":
            return ExportButton("Check now", True, "")
        if state == "sending":
            return ExportButton("Export", True, "")
        return ExportButton("Export", True, "", anyway=short)

    @property
    def address_lines(self) -> list[str]:
        address = self.details.shipping if self.details else None
        if address is None:
            return []
        place = ", ".join(
            part for part in (address.city, " ".join(filter(None, (address.region, address.postal_code)))) if part
        )
        country = countries.name(address.country)
        wanted = (address.company, address.line1, address.line2, address.line3, place, country, address.phone)
        return [text for text in wanted if text]

    @property
    def buyer_name(self) -> str:
        return rows.buyer_name(self.order, self.details)

    @property
    def erase_words(self) -> str:
        if self.buyer is None:
            return "Erased, as promised to the buyer. Country and totals are kept."
        day = timezone.localtime(self.buyer.delete_after)
        return f"Erased 30 days after delivery, at the latest on {day.day} {day:%b %Y}."

    @property
    def stock_rule(self) -> str:
        """Return why *Create anyway* may be refused by the store, "" where it is not."""
        return STOCK_RULES.get(self.order.store.platform, "")

    @property
    def stock_lines(self) -> list[dict[str, Any]]:
        """Return what *Create anyway* would do to stock: SKU, place, before, after."""
        found = []
        for item in self.order.reason_data.get("items", []):
            available = int(item.get("available", 0))
            found.append({"sku": item.get("sku") or item.get("seller_sku"), "location": item.get("location", ""),
                          "before": available, "after": available - int(item.get("wanted", 0)),
                          "missing": max(int(item.get("wanted", 0)) - max(available, 0), 0)})  # fmt: skip
        return found

    def neighbors(self) -> tuple[int | None, int | None]:
        """Return the newer and the older order in the list the merchant came from."""
        return Listing(order_filters.parse(QueryDict(self.query))).neighbors(self.order)

    @property
    def exported_seconds(self) -> float | None:
        order = self.order
        return (order.exported_at - order.imported_at).total_seconds() if order.exported_at else None


def available_of(variant_ids: list[int]) -> dict[int, int]:
    """Return per variant what is available over all locations: Σ figure − Σ reserved. One query."""
    found: dict[int, int] = {}
    for variant_id, figure, reserved in Stock.objects.filter(variant_id__in=variant_ids).values_list(
        "variant_id", "figure", "reserved"
    ):
        found[variant_id] = found.get(variant_id, 0) + figure - reserved
    return found
