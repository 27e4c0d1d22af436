"""One table: event name → the functions that act on it. The only place where one app's event meets another's function.

Names are strings, imported at first use, so no app imports its neighbor for this. `NOW` runs in the transaction that
emits; `LATER` writes one outbox row a handler in that transaction, done afterwards with attempts and backoff.
`QUESTIONS` have one function each and give an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

NOW: dict[str, tuple[str, ...]] = {
    "store.connected": ("inventory.catalog.on_store_connected", "accounts.connect.on_store_connected"),
    "store.restored": ("orders.waking.on_store_restored",),
    "account.connected": ("orders.pull.on_account_connected",),
    "account.restored": ("orders.pull.on_account_connected", "orders.waking.on_account_restored"),
    "stock.changed": ("orders.waking.on_stock_changed",),
    "stock.read": ("orders.waking.on_stock_read",),
    "catalog.changed": ("orders.waking.on_catalog_changed",),
    "mapping.changed": ("orders.waking.on_mapping_changed",),
    "settings.changed": ("orders.waking.on_settings_changed", "salestio.outbox.dispatch.on_settings_changed"),
    "buyer.erase": ("orders.personal.on_erase",),
    "merchant.erase": ("orders.personal.on_merchant_erase",),
    "store.erase": ("orders.erasing.on_store_erase",),
    "connection.expired": ("accounts.warning.has_expired",),
    "alert.open": ("notifications.alerts.raise_alert",),
    "alert.close": ("notifications.alerts.close",),
}
"""What each event carries: stock.changed/read(store_id, variant_ids) · catalog.changed(store_id, skus, title_keys) ·
mapping.changed(store_id, seller_skus) · settings.changed(store_id) · store.connected/restored(store_id) ·
account.connected/restored(account_id) · buyer.erase(store_id, order_ids, email) · merchant.erase() · store.erase(store_id) ·
alert.open(kind, key, data) · alert.close(kind, key). A name that stands in the table alone takes what its function takes."""

LATER: dict[str, tuple[str, ...]] = {
    "order.canceled_while_sending": ("orders.steps.cancel.cancel_in_store",),
    "order.misplaced": ("inventory.move.move_part",),
}

READING: frozenset[str] = frozenset(
    {"accounts.checking.check_connection", "accounts.warning.mail", "orders.archives.fetch"}
)
"""Outbox handlers that change nothing outside; all others wait in read-only mode (F13)."""

QUESTIONS: dict[str, str] = {
    "orders.to_place": "orders.placing.to_place",
    "orders.placed": "orders.placing.placed",
    "inventory.due_lanes": "inventory.lanes.due_lanes",
    "orders.turns": "orders.waking.turns",
    "orders.stock_waits": "orders.waking.stock_waits",
    "orders.buyer_email": "orders.domain.buyer_email.buyer_email",
    "orders.per_hour": "orders.activity.per_hour",
    "orders.sold": "orders.sold.by_sku",
    "orders.import_lag": "orders.freshness.import_lag",
    "mail.send": "notifications.mail.send",
    "orders.hear": "orders.hearing.hear",
    "orders.account_revoked": "orders.hearing.revoked",
    "orders.forget_buyer": "orders.hearing.forget_buyer",
    "read_only.stops_row": "accounts.read_only.stops_row",
}


@cache
def resolve(name: str) -> Callable[..., Any]:
    """Return the function of a dotted name. Raises ImportError or AttributeError when there is none."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)


def emit(event: str, **facts: Any) -> None:
    """Tell an event, inside the transaction that makes it true. Raises KeyError for a name that is in no table."""
    if event not in NOW and event not in LATER:
        raise KeyError(f"{event} stands in no table of salestio/routes.py")
    for name in NOW.get(event, ()):
        resolve(name)(**facts)
    if event in LATER:
        from salestio.outbox import dispatch

        subject = {name: value for name, value in facts.items() if name not in ("key", "store_id")}
        for name in LATER[event]:
            dispatch.owe(handler=name, key=str(facts.get("key", "")), store_id=facts.get("store_id"), subject=subject)


def ask(question: str, **facts: Any) -> Any:
    """Ask another app. Raises KeyError for a question nobody answers."""
    return resolve(QUESTIONS[question])(**facts)
