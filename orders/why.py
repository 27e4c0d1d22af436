"""The panel that says why an order is not in the store, and the one thing to do about it. Pure: data in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.platforms import STOCK_RULES
from orders import reasons
from orders.models import Order, OrderLine
from salestio.lib.text import counted
from salestio.templatetags.ui import ahead, moment

TONES = {"held": "stop", "waiting": "wait", "unknown": "ask", "sending": "work"}
ICONS = {"held": "alert", "waiting": "clock", "unknown": "help", "sending": "refresh"}


@dataclass(frozen=True, slots=True)
class Why:
    """Title, sentence, what is short, the one action, and what happens by itself."""

    tone: str
    icon: str
    title: str
    sentence: str
    items: Sequence[dict[str, Any]] = ()
    candidates: Sequence[tuple[str, Sequence[str]]] = ()
    action: str = ""
    """export, match, address, reconnect, check, adopt, marketplace, settings or nothing."""
    label: str = ""
    line: int = 0
    """Which line the match dialog opens for."""
    notes: Sequence[str] = field(default_factory=tuple)


def _title(order: Order, storefront: str, data: dict[str, Any]) -> str:
    items = data.get("items", []) if order.reason_code == "OUT_OF_STOCK" else []
    skus = data.get("skus", [])
    titles = {
        "OUT_OF_STOCK": f"Not in your store yet: {counted(reasons.missing_units(items), 'unit')} "
        f"{'is' if reasons.missing_units(items) == 1 else 'are'} missing",
        "NO_MATCH": f"Not in your store yet: {counted(len(skus) or 1, 'product')} "
        f"{'is' if len(skus) <= 1 else 'are'} missing in {storefront}",
        "AMBIGUOUS_SKU": "Not in your store yet: several products fit",
        "SKU_CHANGED": "Not in your store yet: a SKU was edited",
        "ADDRESS_REJECTED": f"Not in your store yet: {storefront} refuses the address",
        "ADDRESS_WITHHELD": "Not in your store yet: the address is yours to add",
        "OPTIONS_MISSING": "Not in your store yet: mandatory options are missing",
        "CANCEL_REQUESTED": "Not in your store yet: a cancellation is being decided",
        "NO_RATE": "Not in your store yet: no exchange rate",
        "CURRENCY_NOT_IN_STORE": f"Not in your store yet: no {data.get('currency', 'such currency')} in {storefront}",
        "BUYER_GONE": "Not in your store yet: the buyer's data was erased",
        "ADDRESS_MISSING": "Waiting for the delivery address",
        "TOTAL_MISMATCH": "Not in your store yet: the total does not add up",
        "STORE_REFUSED": f"Not in your store yet: {storefront} refuses the order",
        "UNKNOWN_TOO_LONG": f"No answer from {storefront}: look there",
        "TWO_FOUND": f"Found more than once in {storefront}",
        "CONFLICT": f"{storefront} has an order with this id already",
        "NOT_PAID_YET": "Not paid yet",
        "GONE_IN_STORE": f"No longer in {storefront}",
        "RECONNECT_NEEDED": "Waiting for a connection",
        "STORE_UNINSTALLED": f"The app was removed from {storefront}",
    }
    if order.reason_code in titles:
        return titles[order.reason_code]
    by_state = {
        "held": "Not in your store yet",
        "waiting": "Waiting, and tried again by itself",
        "unknown": f"Checking with {storefront}",
        "sending": f"Being created in {storefront} now",
        "skipped": "Not created in your store",
        "canceled": "Canceled before it reached your store",
        "imported": "On its way to your store",
    }
    return by_state.get(order.export_state, "Not in your store yet")


def _sentence(order: Order, data: dict[str, Any], storefront: str) -> str:
    if order.reason_code == "OUT_OF_STOCK":
        return "Unable to reserve inventory. Nothing of this order is reserved, so no stock is blocked."
    if order.reason_code == "NO_MATCH":
        return f"{reasons.sentence('NO_MATCH', data)}. Match the line to a product, or create a product with this SKU."
    if order.reason_code:
        return reasons.sentence(order.reason_code, data)
    return f"It is sent to {storefront} as soon as it is its turn."


def _notes(order: Order, data: dict[str, Any]) -> list[str]:
    found = []
    cure = reasons.sentence(order.reason_code, data, part="cure") if order.reason_code else ""
    if cure:
        found.append(cure)
    if order.reason_code == "OUT_OF_STOCK" and (rule := STOCK_RULES.get(order.store.platform, "")):
        found.append(rule)
    tries = f"tried {counted(order.attempts, 'time')}" if order.attempts else ""
    if order.next_attempt_at and order.export_state in ("waiting", "unknown", "held"):
        word = "Next look" if order.export_state != "waiting" else "Next try"
        when = f"{word} {moment(order.next_attempt_at)}, {ahead(order.next_attempt_at)}"
        found.append(f"{when} · {tries}" if tries else when)
    elif tries:
        found.append(tries.capitalize())
    return found


def _action(order: Order) -> tuple[str, str]:
    code = order.reason_code
    if order.export_state in ("sending", "canceled") or code in ("NOT_PAID_YET", "SKU_CHANGED_DONE"):
        return "", ""
    wanted = reasons.REASONS[code].action if code in reasons.REASONS else "export"
    if code == "TWO_FOUND":
        return "open", "Open in the store"
    if code == "CANCEL_REQUESTED":
        # Sending what the buyer wants to cancel is never the main button; Export stays in Order Details.
        return "marketplace", f"Decide on {reasons.MARKETPLACES.get(order.platform, 'the marketplace')}"
    if code == "CONFLICT":
        return "adopt", "Adopt it"
    if code == "GONE_IN_STORE":
        return "again", "Create again…"
    return {
        "export": ("export", "Check stock and export" if code == "OUT_OF_STOCK" else "Export now"),
        "match": ("match", "Choose the product"),
        "reconnect": ("reconnect", "Open Accounts"),
        "address": ("address", "Enter the address" if code == "ADDRESS_WITHHELD" else "Change the address"),
        "settings": ("settings", "Open settings"),
        "check": ("check", "Check now"),
        "open": ("open", "Open in the store"),
    }.get(wanted, ("", ""))


def build(order: Order, lines: Sequence[OrderLine]) -> Why | None:
    """Return the panel, or None for an order that is in the store and has nothing to say."""
    gone = order.reason_code == "GONE_IN_STORE"
    if order.export_state == "created" and not gone:
        return None
    data = dict(order.reason_data) | {
        "platform": order.platform, "store_platform": order.store.platform, "order": order.marketplace_order_id,
        "account": order.reason_data.get("account") or order.account.name,
    }  # fmt: skip
    storefront = reasons.STOREFRONTS.get(order.store.platform, "your store")
    items = data.get("items", []) if order.reason_code == "OUT_OF_STOCK" else []
    shown = [
        dict(item) | {"missing": max(int(item.get("wanted", 0)) - max(int(item.get("available", 0)), 0), 0)}
        for item in items
    ]
    ambiguous = data.get("items", []) if order.reason_code == "AMBIGUOUS_SKU" else []
    action, label = _action(order)
    unmatched = next((line.number for line in lines if not line.variant_id), lines[0].number if lines else 0)
    return Why(
        tone="stop" if gone else TONES.get(order.export_state, ""),
        icon="alert" if gone else ICONS.get(order.export_state, "info"),
        title=_title(order, storefront, data),
        sentence=_sentence(order, data, storefront),
        items=shown,
        candidates=[
            (item.get("seller_sku") or item.get("title", ""), item.get("candidates", [])) for item in ambiguous
        ],
        action=action,
        label=label,
        line=unmatched,
        notes=_notes(order, data),
    )
