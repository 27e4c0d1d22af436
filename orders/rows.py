"""What one line of the Orders list shows, as plain data: no query happens while a template renders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from connectors.contract.types import PersonalDetails
from orders import links, personal, reasons
from orders.models import Buyer, Order
from salestio.lib.crypto import UnreadableSecret
from salestio.templatetags.ui import moment, span

LATE_RISK = timedelta(hours=12)

SHORT_WORDS = {
    "ADDRESS_REJECTED": "Address refused",
    "ADDRESS_WITHHELD": "{marketplace} withholds the address",
    "CANCEL_REQUESTED": "A cancellation is being decided",
    "OPTIONS_MISSING": "Mandatory options are missing",
    "NOT_PAID_YET": "Waits for payment on {marketplace}",
    "QUEUED": "",
    "SENDING": "",
}
"""Where the list says it shorter than the order page."""


@dataclass(frozen=True, slots=True)
class Button:
    """The one action of a row: a link to where it is done."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """One order of the list."""

    pk: int
    url: str
    platform: str
    marketplace_order_id: str
    account: str
    extra: str
    updated_at: datetime
    buyer: str
    items: str
    total: Decimal | None
    currency: str
    status: str
    raw_status: str
    state: str
    words: str
    button: Button | None
    ship_by: datetime | None
    ship_note: str
    late: bool
    store_name: str
    store_url: str
    market_url: str
    version: str


def buyers_of(orders: Sequence[Order]) -> dict[int, PersonalDetails]:
    """Return the buyers of these orders that are not erased. One query."""
    found: dict[int, PersonalDetails] = {}
    for buyer in Buyer.objects.filter(order_id__in=[order.pk for order in orders]).only("order_id", "sealed"):
        try:
            found[buyer.order_id] = personal.unseal(buyer.sealed)
        except UnreadableSecret:
            continue
    return found


def buyer_name(order: Order, details: PersonalDetails | None) -> str:
    """Return the buyer's name, or what stands in its place."""
    if details is None:
        return "Buyer erased"
    name = details.buyer_name or (details.shipping.name if details.shipping else "")
    if name:
        return name
    word = reasons.own_word(order.platform, theirs=True) if order.fulfilled_by == "marketplace" else ""
    return f"{word} Order" if word else "Name not given"


def words(order: Order) -> str:
    """Return the reason in two lines at most, with the next try where one is set."""
    data = order.reason_data | {"platform": order.platform, "store_platform": order.store.platform}
    if order.export_state == "created" or not order.reason_code:
        return ""
    if order.reason_code in SHORT_WORDS:
        marketplace = reasons.MARKETPLACES.get(order.platform, "the marketplace")
        return SHORT_WORDS[order.reason_code].format(marketplace=marketplace)
    text = reasons.sentence(order.reason_code, data)
    if order.export_state == "waiting" and order.next_attempt_at:
        text += f" Next try {moment(order.next_attempt_at)}"
    return text


def button(order: Order, url: str) -> Button | None:
    """Return the row's button: where the one action of this reason is done."""
    reason = reasons.REASONS.get(order.reason_code)
    if reason is None or order.export_state not in ("held", "waiting"):
        return None
    if reason.action == "match":
        return Button("Match", f"{url}#lines")
    if reason.action == "reconnect":
        return Button("Reconnect", f"{url}#why")
    if reason.action == "address":
        return Button("Fix address", f"{url}#why") if order.export_state == "held" else None
    if order.export_state == "held":
        return Button("Review", url)
    return None


def ship_note(order: Order, now: datetime) -> tuple[str, bool]:
    """Return what stands under *Ship by* ("4 h left", "late") and whether it is urgent."""
    if order.ship_by is None or order.status not in ("paid", "partially_shipped") or order.fulfilled_by != "merchant":
        return "", False
    left = order.ship_by - now
    if left < timedelta(0):
        return "late", True
    if left < LATE_RISK:
        return f"{span(left.total_seconds()).split(' ')[0]} {span(left.total_seconds()).split(' ')[1]} left", True
    return "", False


def version(order: Order) -> str:
    """Return a short word that changes whenever the row would look different."""
    parts = (order.revision, order.export_state, order.reason_code, order.state_since, order.next_attempt_at, order.status,
             order.store_order_name, order.total, order.attempts)  # fmt: skip
    return hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def build(orders: Sequence[Order], details: Mapping[int, PersonalDetails], query: str = "") -> list[Row]:
    """Return the rows of these orders; `query` is the list's own address, kept for previous and next."""
    now = timezone.now()
    tail = f"?{query}" if query else ""
    # An order's address stands below the list's; asking the resolver fifty times costs more than the rows.
    prefix = reverse("orders:list")
    found = []
    for order in orders:
        url = f"{prefix}{order.pk}/{tail}"
        note, late = ship_note(order, now)
        sites = order.account.sites or []
        extra = [order.site] if order.site and len(sites) > 1 else []
        if order.fulfilled_by == "marketplace":
            extra.append(reasons.own_word(order.platform, theirs=True) or "ships itself")
        found.append(
            Row(
                pk=order.pk, url=url, platform=order.platform, marketplace_order_id=order.marketplace_order_id,
                account=order.account.name, extra=" · ".join(extra), updated_at=order.source_updated_at,
                buyer=buyer_name(order, details.get(order.pk)), items=order.item_summary, total=order.total,
                currency=order.currency, status=order.status, raw_status=order.raw_status, state=order.export_state,
                words=words(order), button=button(order, url), ship_by=order.ship_by if note or _to_ship(order) else None,
                ship_note=note, late=late, store_name=order.store_order_name or order.store_order_id.rsplit("/", 1)[-1],
                store_url=links.store_url(order), market_url=links.marketplace_url(order), version=version(order),
            )
        )  # fmt: skip
    return found


def _to_ship(order: Order) -> bool:
    return order.status in ("paid", "partially_shipped") and order.fulfilled_by == "merchant"
