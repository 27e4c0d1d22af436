"""The first-run checklist (F12): what is still to be done before orders flow. Call inside a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts import connections, preferences
from accounts.models import MarketplaceAccount, Merchant, Store
from inventory.models import Location, Variant
from salestio.lib.text import counted, listed


@dataclass(frozen=True, slots=True)
class Step:
    """One row: done or not, what stands there, and the button to its page."""

    title: str
    text: str
    done: bool
    button: str
    url: str


def steps(merchant: Merchant, stores: Sequence[Store], accounts: Sequence[MarketplaceAccount]) -> list[Step]:
    """Return the four steps to the first order."""
    active = [account for account in accounts if account.is_active]
    store = next((one for one in stores if one.is_active), None)
    products = Variant.objects.filter(store=store, deleted_at=None).count() if store else 0
    places = list(Location.objects.filter(store=store, active=True).values_list("pk", "name")) if store else []
    chosen = preferences.read(store).get("default_location") if store else None
    named = dict(places).get(chosen or 0, "")
    importing = bool(preferences.read(merchant)["import_orders"])
    install = connections.app_market_page(stores[0].platform) if stores else reverse("accounts:add-store")
    reading = "." if store and store.catalog_synced_at else " so far; reading goes on."
    names = listed([account.name for account in active])
    return [
        Step(
            "Connect your store",
            f"{store.name}: {counted(products, 'product variant')} read{reading}"
            if store
            else "Install the app in your store; it opens here by itself.",
            store is not None,
            "" if store else "Install again" if stores else "Add store",
            "" if store else install,
        ),
        Step(
            "Connect a marketplace account",
            f"{names}." if active else "New paid orders are read from it every few seconds.",
            bool(active),
            "Add another" if active else "Add Account",
            reverse("accounts:add"),
        ),
        Step(
            "Choose the stock location",
            named or _places(len(places)),
            bool(places),
            "Change" if store else "",
            reverse("accounts:store-settings", args=[store.pk]) if store else "",
        ),
        Step(
            "Let orders be created",
            "On: paid orders become store orders by themselves."
            if importing
            else "Off: orders are imported, none is created by itself.",
            importing,
            "Settings",
            reverse("accounts:settings"),
        ),
    ]


def _places(number: int) -> str:
    if number > 1:
        return f"All {number} locations together."
    return "The only location of your store." if number else "Read with your products."
