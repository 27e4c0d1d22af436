"""What the order's log says: event code → a sentence and a tone. Codes inside, sentences at the edge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from orders import archives, reasons
from orders.models import OrderEvent, Status
from salestio.lib.text import counted
from salestio.templatetags.ui import span

RULES = {
    "account_mapping": ("SKU mapping", "this account"),
    "mapping": ("SKU mapping", "all accounts"),
    "sku": ("Exact SKU", ""),
    "barcode": ("Barcode", ""),
    "title": ("Title + variation", ""),
    "person": ("Chosen by hand", ""),
    "custom": ("No product", "a line of its own"),
}
"""Match rule → its name on the page, and its second line."""

SENTENCES: dict[str, tuple[str, str]] = {
    "IMPORTED": ("ok", "Imported from {marketplace}{delay}."),
    "STATUS": ("calm", "{marketplace} says {after_word} (was {before_word})."),
    "ID_CHANGED": ("calm", "{marketplace} gave this order another id when it was paid: {after} (was {before})."),
    "LINES_CHANGED": ("wait", "{marketplace} changed the lines: {units} units now."),
    "ADDRESS_CHANGED": ("calm", "{marketplace} changed the address."),
    "WITHOUT_PRODUCT": ("work", "What no product of {storefront} has stands in the order as a line of its own (your setting)."),
    "MATCHED": ("ok", "Every line matched to a product: {rule_words}."),
    "RESERVED": ("ok", "{unit_words} reserved."),
    "CREATED": ("ok", "In your store as {store_order}."),
    "FOUND_AFTER_ALL": ("ok", "Found in your store as {store_order}: the first call had worked. Nothing was sent twice."),
    "ALREADY_EXISTS_LINKED": ("ok", "Already exists in your store, linked: {store_order}."),
    "ADOPTED": ("ok", "Linked to {store_order} by hand."),
    "EXPORT_ASKED": ("work", "Export asked for{anyway_words}."),
    "SENDING_AGAIN": ("ask", "Every look-up came back empty, so it is sent once more."),
    "SAID_NOT_THERE": ("ask", "A person looked and says it is not in the store: sent again."),
    "WORKER_LOST": ("ask", "The worker stopped while {storefront} was being asked. Looked up before any second try."),
    "GAVE_UP": ("stop", "Stopped trying by itself. {reason_words}"),
    "RELEASED": ("calm", "{unit_words} released."),
    "CANCELED_WHILE_SENDING": ("wait", "Canceled on {marketplace} while it was being sent; {store_order} is canceled in your store."),
    "CANCELED_IN_STORE": ("calm", "{store_order} was canceled in your store."),
    "CHANGED_AFTER_CREATION": ("wait", "{marketplace} changed this order after it was created ({what}). Look at {store_order}."),
    "TOTAL_DIFFERS": ("stop", "{storefront} made the total {store}; the buyer paid {paid} {currency}."),
    "LEFT_OUT": ("calm", "Created without {left_out_words}."),
    "LINE_MATCHED": ("work", "Line {line} matched to {sku} by hand{remember_words}."),
    "LINE_CHANGED": ("work", "Line {line} matched to {sku} by hand{remember_words}."),
    "ADDRESS_EDITED": ("work", "Delivery address changed by hand."),
    "BUYER_ERASED": ("calm", "Buyer's personal data erased: {why}."),
    "STOCK_CHANGED": ("work", "Stock changed in {storefront}. Tried again."),
    "WOKEN": ("work", "{why_words} Tried again."),
    "GONE_IN_STORE": ("stop", "{reason_words}"),
    "CUSTOMIZATION_KEPT": ("ok", "What the buyer chose for line {line} was fetched from {marketplace}."),
    "CUSTOMIZATION_FAILED": ("wait", "What the buyer chose for line {line} could not be fetched: {problem_words}"),
    "CUSTOMIZATION_ASKED": ("work", "Fetching what the buyer chose for line {line} again."),
    "CUSTOMIZATION_LINK_ENDED": ("work", "The shared link to the customization of line {line} was ended."),
    "CUSTOMIZATION_LINK_MADE": ("work", "A new shared link to the customization of line {line} was made."),
    "SHIPPED": ("ok", "Shipped: {carrier} {tracking}."),
}  # fmt: skip
TONES = {
    "OUT_OF_STOCK": "stop", "NO_MATCH": "stop", "AMBIGUOUS_SKU": "stop", "NOT_PAID_YET": "calm", "NO_ANSWER": "ask",
    "THROTTLED": "wait", "STORE_DOWN": "wait", "RECONNECT_NEEDED": "wait", "STORE_UNINSTALLED": "wait", "CANCELED": "calm", "PAID_TOGETHER": "calm",
    "FBA_FILTERED": "calm", "FBM_FILTERED": "calm", "IMPORT_OFF": "calm", "ADDRESS_MISSING": "wait", "ADDRESS_WITHHELD": "wait", "CANCEL_REQUESTED": "wait", "FBA_NOT_SHIPPED": "calm",
}  # fmt: skip
LEFT_OUT = {
    "phone": "the phone number, which {storefront} refuses; it stands in the order's note",
    "email": "the buyer's e-mail address, which {storefront} does not take; it stands in the order's note",
    "customer": "a customer of its own: in {storefront} it is a guest's",
}
"""What of an order a store would not take, in words."""
PROBLEMS = frozenset({"stop", "wait", "ask"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log, ready to show."""

    at: datetime
    tone: str
    text: str
    who: str
    detail: str
    more: str
    attempt: int

    @property
    def css(self) -> str:
        return f"tone is-{self.tone}{' problem' if self.tone in PROBLEMS else ''}" if self.tone != "calm" else "tone"


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def _lowered(words: str) -> str:
    """Return a name as it stands within a sentence: *exact SKU*, *SKU mapping*, *title + variation*."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _facts(event: OrderEvent, platform: str, store_platform: str) -> _Known:
    data = dict(event.data) if isinstance(event.data, Mapping) else {}
    seconds = data.get("seconds")
    statuses = dict(Status.choices)
    rules = [_lowered(RULES[rule][0]) for rule in data.get("rules", []) if rule in RULES]
    units = data.get("units")
    remembered = {"account": ", kept for this account", "all": ", kept for all accounts"}
    facts = _Known(data)
    facts.update(
        marketplace=reasons.MARKETPLACES.get(platform, "the marketplace"),
        storefront=reasons.STOREFRONTS.get(store_platform, "the store"),
        delay=f", {span(seconds)} after it changed there"
        if isinstance(seconds, (int, float)) and seconds < 86400
        else "",
        after_word=statuses.get(str(data.get("after")), data.get("after", "—")),
        before_word=statuses.get(str(data.get("before")), data.get("before", "—")),
        rule_words=", ".join(rules) or "by rule",
        unit_words=counted(int(units), "unit") if isinstance(units, int) else "Units",
        anyway_words=", with stock going below zero" if data.get("create_anyway") else "",
        remember_words=remembered.get(str(data.get("remember", "")), ""),
        store_order=data.get("store_order") or data.get("name") or "an order",
        reason_words=_reason(
            str(data.get("reason") or event.code), data | {"platform": platform, "store_platform": store_platform}
        ),
        problem_words=archives.sentence(str(data.get("problem", "")), platform),
        left_out_words=", and without ".join(
            LEFT_OUT[part].format(storefront=reasons.STOREFRONTS.get(store_platform, "the store"))
            for part in data.get("parts", [])
            if part in LEFT_OUT
        )
        or "a part the store refuses",
        why_words=str(data.get("why", "Something changed.")),
    )
    return facts


def _reason(code: str, data: Mapping[str, Any]) -> str:
    return reasons.sentence(code, data) if code in reasons.REASONS else ""


def line(event: OrderEvent, platform: str, store_platform: str) -> LogLine:
    """Return one event as the merchant reads it; an unknown code shows as its own words, never as an error."""
    data = dict(event.data) if isinstance(event.data, Mapping) else {}
    known = data | {"platform": platform, "store_platform": store_platform}
    if event.code in SENTENCES:
        tone, pattern = SENTENCES[event.code]
        text = pattern.format_map(_facts(event, platform, store_platform))
    elif event.code in reasons.REASONS:
        tone = TONES.get(event.code, "stop")
        text = reasons.sentence(event.code, known)
    else:
        tone, text = "calm", event.code.replace("_", " ").capitalize() + "."
    exact = reasons.sentence(event.code, known, part="store_text") if event.code in reasons.REASONS else ""
    hidden = {
        k: v
        for k, v in data.items()
        if k not in ("platform", "store_platform", "account", "order") and v not in ("", None, [])
    }
    more = json.dumps(hidden, ensure_ascii=False, indent=1) if hidden and event.code != "IMPORTED" else ""
    return LogLine(
        at=event.at, tone=tone, text=text, who=event.actor or settings.BRAND_NAME, detail=exact, more=more,
        attempt=event.attempt,
    )  # fmt: skip


def lines(events: Sequence[OrderEvent], platform: str, store_platform: str) -> list[LogLine]:
    """Return the log, in the order given."""
    return [line(event, platform, store_platform) for event in events]
