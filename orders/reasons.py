"""Reason code → the sentence a merchant reads, what they can do, and the originals' exact words for the log.

Codes inside, sentences at the edge. A sentence says what happened and what happens next; `{names}` come from the
order's `reason_data`. `docs/reasons.md` lists every code (a test holds it to that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.platforms import FIRST_MARKETPLACE, FIRST_STOREFRONT, SHIPPING_WORDS, SHORT_TEXTS
from accounts.platforms import MARKETPLACES as MARKETPLACES
from accounts.platforms import STOREFRONTS as STOREFRONTS
from salestio.lib.text import counted


@dataclass(frozen=True, slots=True)
class Reason:
    """How one reason reads."""

    code: str
    title: str
    """The cause in a few words, for lists by cause."""
    sentence: str
    action: str = ""
    """The one button: export, match, reconnect, address, settings, check, open, none."""
    cure: str = ""
    """What happens by itself."""
    store_text: str = ""
    """The exact sentence of FEATURES 1.5, kept for the log and for search; a store's own may stand for OUT_OF_STOCK."""


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


_ALL = (
    Reason("QUEUED", "On its way", "On its way to your store.", "", "It is sent as soon as it is its turn."),
    Reason("SENDING", "Being sent", "{storefront} is being asked to create this order.", "", "The answer comes within a minute."),
    Reason("NOT_PAID_YET", "Not paid yet", "Waits for payment on {marketplace}.", "", "It goes on by itself once {marketplace} says it is paid."),
    Reason(
        "OUT_OF_STOCK", "Out of stock", "{stock_sentence}", "export",
        "Tried by itself as soon as stock changes.", "Unable to reserve inventory",
    ),
    Reason(
        "NO_MATCH", "Missing products", "Missing products in {storefront}: SKU: {skus}{why_words}", "match",
        "Tried again by itself when a product with this SKU appears.",
        "{brand} can't export {marketplace} order #{order} into your {storefront} store. "
        "Reason: Missing products in {storefront}: SKU: {skus}",
    ),
    Reason(
        "AMBIGUOUS_SKU", "Several products fit", "{ambiguous_sentence}", "match",
        "Choose one; nothing is guessed.",
    ),
    Reason(
        "SKU_CHANGED", "SKU was edited", "Export is off: the SKU of {skus} was edited after import. Change the line to match it again.", "match",
        "Nothing is sent until the line is matched again.",
    ),
    Reason("IMPORT_OFF", "Import is off", "Orders of {account} are not created in {storefront} (your setting).", "export", "Export creates this one."),
    Reason("FBA_FILTERED", "{their_word}", "{their_orders} are not created (your setting).", "export", "{marketplace} ships it; your stock is not touched."),
    Reason("FBM_FILTERED", "{your_word}", "Only {their_orders_within} are created (your setting).", "export", "Export creates this one."),
    Reason("FBA_NOT_SHIPPED", "{their_word}, not shipped", "Waits until {marketplace} has shipped it.", "", "{their_orders} are created once {marketplace} ships them."),
    Reason("BUYER_GONE", "Buyer's data erased", "The buyer's name and address were erased here, so the store order would have none.", "export", "Export sends it without them."),
    Reason("ADDRESS_MISSING", "No address yet", "{marketplace} has not given the delivery address yet.", "address", "It is read again by itself."),
    Reason(
        "ADDRESS_WITHHELD", "Address withheld", "{marketplace} does not give this app the delivery address of this order.", "address",
        "Copy the address from {marketplace} and enter it here; the order goes on at once.",
    ),
    Reason(
        "CANCEL_REQUESTED", "Cancellation asked for", "A cancellation of this order is being decided on {marketplace}.", "export",
        "It goes on by itself if the cancellation is declined, and ends if it is granted.",
    ),
    Reason("ADDRESS_REJECTED", "Address refused", "{storefront} refuses the address: “{texts}”", "address", "Change the address, then export."),
    Reason("TOTAL_MISMATCH", "Total differs", "{mismatch_sentence}", "export", "Nothing is sent while the sum is wrong."),
    Reason(
        "NO_RATE", "No exchange rate", "There is no exchange rate from {currency} to {store_currency} of {day} or the week before.", "settings",
        "Tried again by itself when rates are read; without conversion it is created in {currency}.",
    ),
    Reason(
        "CURRENCY_NOT_IN_STORE", "Currency not in store", "Your store takes no orders in {currency}; it has {currencies}.", "settings",
        "Add {currency} in your store, or turn on “Convert orders to default shop currency”; the order goes on at once.",
    ),
    Reason("STORE_REFUSED", "{storefront} refuses", "{storefront} refuses this order: “{texts}”", "export", "Tried again only when you say so."),
    Reason(
        "OPTIONS_MISSING", "Mandatory options", "{storefront} wants mandatory product options to be filled: {names}.", "settings",
        "Turn on “Fill mandatory product options” in the store's settings, and give its text where an option wants one; the order goes on at once.",
        "Missing MandatoryProductOptions. Please reach support to activate product mandatory options for order creation.",
    ),
    Reason("STORE_DOWN", "Store does not answer", "{storefront} does not answer.", "export", "Tried again by itself; nothing is lost."),
    Reason("THROTTLED", "Pause", "{storefront} asks for a pause.", "export", "Sent by itself when the pause is over."),
    Reason("RECONNECT_NEEDED", "Connection expired", "The connection to {connection} has expired.", "reconnect", "Goes on by itself once it is connected again."),
    Reason("READ_ONLY", "Read-only mode", "Read-only mode is on for {where}: nothing is sent.", "settings", "Sent by itself once read-only mode is switched off."),
    Reason("STORE_UNINSTALLED", "App removed", "The app was removed from {storefront}.", "reconnect", "Goes on by itself once the app is installed again."),
    Reason("NO_ANSWER", "No answer", "{unknown_sentence}", "check", "Nothing is sent twice."),
    Reason("UNKNOWN_TOO_LONG", "No answer for long", "{storefront} has not said for {minutes} minutes whether this order exists. Look in {storefront} for {order}.", "check", "Nothing is sent again by itself."),
    Reason("TWO_FOUND", "Found twice", "{storefront} has this order {count} times: {names}. Nothing was deleted.", "open", "Cancel the one that is too much, in {storefront}."),
    Reason("CONFLICT", "Already in the store", "{names} in {storefront} carries this order's id. It was made by someone else.", "open", "Adopt it, or export to create a second one."),
    Reason("UNREADABLE", "Could not be read", "This order could not be read whole: {problem}", "export", "It is read again by itself at the next change."),
    Reason("FAULT", "Our fault", "Something in {brand} broke while working on this order ({problem}). We have been told.", "export", "Tried again by itself."),
    Reason("TOO_OLD", "Older than 50 days", "The order is older than 50 days, and {storefront} does not let us look that far back.", "export", "Export sends it after you have looked."),
    Reason("CANCELED", "Canceled", "Canceled on {marketplace} before it reached your store.", "none", ""),
    Reason("PAID_TOGETHER", "Paid together", "The buyer paid this together with other purchases: {marketplace} made one order of them, {whole}.", "none", ""),
    Reason("REFUNDED", "Refunded", "Refunded on {marketplace} before it reached your store.", "export", ""),
    Reason("BEFORE_CONNECTION", "From before", "Bought before {account} was connected; fetched by hand.", "export", "Export creates this one."),
    Reason("SHIPPED_BEFORE", "Shipped before", "It was shipped before it was imported here; such orders are not created (your choice).", "export", "Export creates this one, as shipped."),
    Reason("GONE_IN_STORE", "Gone in the store", "{names} was {how} in {storefront}. Nothing is made again by itself.", "export", "Export offers to create it again."),
)  # fmt: skip

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}


def own_word(platform: str, *, theirs: bool) -> str:
    """Return the marketplace's own word for who ships an order (FBA, FBM), "" where it has none."""
    return SHIPPING_WORDS.get(platform, ("", ""))[theirs]


def who_ships(platform: str, *, theirs: bool) -> str:
    """Return who ships an order in the marketplace's own word, or in a plain phrase where it has none."""
    if word := own_word(platform, theirs=theirs):
        return word
    return f"Shipped by {MARKETPLACES.get(platform, 'the marketplace')}" if theirs else "Shipped by you"


def _shipping_words(platform: str) -> dict[str, str]:
    label = MARKETPLACES.get(platform, "the marketplace")
    word = own_word(platform, theirs=True)
    return {
        "their_word": who_ships(platform, theirs=True),
        "your_word": who_ships(platform, theirs=False),
        "their_orders": f"{word} orders" if word else f"Orders {label} ships itself",
        "their_orders_within": f"{word} orders" if word else f"orders {label} ships itself",
    }


def missing_units(items: list[Mapping[str, Any]]) -> int:
    """Return how many units are short in all."""
    return sum(max(int(item["wanted"]) - max(int(item["available"]), 0), 0) for item in items)


def stock_sentence(data: Mapping[str, Any]) -> str:
    """Return "2 ordered, 1 available at Portland Warehouse: SKU", every short line named."""
    parts = []
    for item in data.get("items", []):
        where = f" at {item['location']}" if item.get("location") else ""
        text = f"{item['wanted']} ordered, {item['available']} available{where}: {item['sku'] or item['seller_sku']}"
        if item.get("ahead") and int(item["available"]) >= int(item["wanted"]):
            text += f" (kept for {item['ahead']}, which was paid earlier)"
        parts.append(text)
    return "; ".join(parts) or "A unit is missing"


def ambiguous_sentence(data: Mapping[str, Any]) -> str:
    """Return "SKU X exists on 2 products: A, B", every such SKU named."""
    parts = []
    for item in data.get("items", []):
        label = f"SKU {item['seller_sku']}" if item.get("seller_sku") else f"“{item.get('title', '')}”"
        parts.append(
            f"{label} exists on {counted(len(item['candidates']), 'product')}: {', '.join(item['candidates'])}"
        )
    return "; ".join(parts) or "More than one product fits"


def mismatch_sentence(data: Mapping[str, Any]) -> str:
    """Return what the buyer paid, what the lines make, and the difference."""
    if data.get("paid"):
        return (
            f"The lines add up to {data.get('sum')} {data.get('currency')}, the buyer paid {data['paid']}: "
            f"a difference of {data.get('difference')}."
        )
    return str(data.get("problem") or "The order does not add up.")


def said(texts: Sequence[str]) -> str:
    """Return what a store said in one text: its sentences one after the other, else parted by semicolons."""
    return "".join(text + (" " if text.endswith(".") else "; ") for text in texts[:-1]) + "".join(texts[-1:])


def unknown_sentence(data: Mapping[str, Any], storefront: str) -> str:
    """Return what we asked, when, and when we look again."""
    asked = str(data.get("asked_at", ""))[11:19]
    again = str(data.get("again_at", ""))[11:19]
    text = f"We asked {storefront} to create this order at {asked} UTC and got no answer."
    if again:
        text += f" Checking again at {again} ({data.get('look', 1)} of {data.get('looks', 4)}); nothing is sent twice."
    return text


def sentence(code: str, data: Mapping[str, Any], *, part: str = "sentence") -> str:
    """Return the words of a reason with its numbers and names filled in; `part` is a field of `Reason`."""
    reason = REASONS.get(code)
    if reason is None:
        return code
    storefront = STOREFRONTS.get(str(data.get("store_platform", FIRST_STOREFRONT)), "your store")
    filled = _Gaps(data)
    filled.setdefault("brand", settings.BRAND_NAME)
    filled["storefront"] = storefront
    filled.update(_shipping_words(str(data.get("platform", FIRST_MARKETPLACE))))
    filled["marketplace"] = MARKETPLACES.get(str(data.get("platform", FIRST_MARKETPLACE)), "the marketplace")
    # Each of these reads data of its own reason: the items of a stock shortage are no candidates of a SKU.
    if code == "OUT_OF_STOCK":
        filled["stock_sentence"] = stock_sentence(data)
    elif code == "AMBIGUOUS_SKU":
        filled["ambiguous_sentence"] = ambiguous_sentence(data)
    elif code == "TOTAL_MISMATCH":
        filled["mismatch_sentence"] = mismatch_sentence(data)
    elif code == "NO_ANSWER":
        filled["unknown_sentence"] = unknown_sentence(data, storefront)
    filled["skus"] = ", ".join(data.get("skus", [])) or "—"
    # With the list of SKUs itself unchanged: programs and people search for that sentence.
    filled["why_words"] = f" ({'; '.join(data['notes'])})" if data.get("notes") else ""
    filled["names"] = ", ".join(data.get("names", [])) or "—"
    filled["texts"] = said(data.get("texts", [])) or "no reason given"
    text = str(getattr(reason, part))
    if part == "store_text" and code == "OUT_OF_STOCK":
        text = SHORT_TEXTS.get(str(data.get("store_platform", FIRST_STOREFRONT)), text)
    return text.format_map(filled)
