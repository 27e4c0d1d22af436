"""Looking over a store after connecting, and every night (F9): what is right, what only the merchant can mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from connectors import checks
from connectors.bigcommerce import setup
from connectors.bigcommerce.client import Client
from connectors.bigcommerce.facts import SHIPPED, Facts
from connectors.contract.errors import AccessDenied, ConnectorError
from connectors.contract.types import Finding

_INSTALL_AGAIN = "Open the app in the store's control panel and agree to the permissions it asks for."


def look_over(client: Client, facts: Facts) -> list[Finding]:
    """Return what was looked at. Raises `ConnectorError` when the store itself cannot be read."""
    facts.forget()
    store = facts.store()
    clock = checks.clock("BigCommerce", client.clock_offset)
    return [_open(store), *_rights(client), *_webhooks(client), *_stock(facts), clock]


def _open(store: dict[str, Any]) -> Finding:
    """Say whether the store is there to sell; only a store that is suspended or gone cannot take orders."""
    status = str(store.get("status") or "")
    bad = status in ("suspended", "cancelled", "expired", "terminated")
    return Finding(
        "store",
        not bad,
        f"The store is {status or 'open'}." if bad else f"The store {store.get('name') or ''} answers.",
        "Settle the store's plan with BigCommerce." if bad else "",
    )


def _rights(client: Client) -> Iterator[Finding]:
    """Try one small read a right; the token's list of scopes is not to be read."""
    tried: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("orders", "orders", lambda: client.order_statuses()),
        ("products", "products", lambda: client.products({"limit": 1})),
        ("inventory", "inventory", lambda: next(client.inventory({"product_id:in": "1"}, kind="stock"), None)),
        ("locations", "inventory locations", lambda: client.locations({"is_default": "true"})),
    )
    for code, words, call in tried:
        try:
            call()
        except AccessDenied:
            yield Finding(f"right_{code}", False, f"We may not read the store's {words}.", _INSTALL_AGAIN)
        except ConnectorError:
            yield Finding(f"right_{code}", None, f"The store's {words} could not be read now.")
        else:
            yield Finding(f"right_{code}", True, f"We may read the store's {words}.")


def _webhooks(client: Client) -> Iterator[Finding]:
    try:
        missing = setup.missing_hooks(client.hooks())
    except ConnectorError:
        yield Finding("webhooks", None, "The store's webhooks could not be read now.")
        return
    yield Finding(
        "webhooks",
        not missing,
        f"The store does not tell us about {', '.join(missing)}." if missing else "The store tells us what changes.",
        "Set the store up again." if missing else "",
    )


def _stock(facts: Facts) -> Iterator[Finding]:
    try:
        rule = facts.stock_rule()
    except ConnectorError:
        yield Finding("stock_setting", None, "The store's inventory settings could not be read now.")
        return
    if rule.behavior == SHIPPED:
        yield Finding(
            "stock_setting",
            True,
            "The store lowers its stock when an order is completed or shipped; until then we keep the units ourselves.",
        )
    else:
        yield Finding(
            "stock_setting",
            True,
            "The store lowers its stock when an order is placed. Orders that must not take stock (Fulfillment by Amazon,"
            " already shipped) cannot be created in it.",
        )
    if rule.restocks is False:
        yield Finding(
            "restock_setting",
            False,
            "The store does not give units back when an order is canceled.",
            "Switch on stock adjustment for refunded and cancelled orders in the store's inventory settings.",
        )
