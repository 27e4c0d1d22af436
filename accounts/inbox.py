"""What a store tells us about itself: called by the inbox's drain with a batch of rows, outside any scope.

Each takes (merchant_id, store_id, object_ids, rows) and may be called twice for the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from accounts import audit, connect, connections, credentials, erasure
from accounts.models import MarketplaceAccount, Store
from connectors.contract.types import StoreInfo
from salestio import routes, tenancy


class Message(Protocol):
    """What these functions read of an inbox row."""

    event_id: str
    triggered_at: Any
    received_at: Any


def on_uninstalled(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """Stop the store's jobs and drop its tokens, unless the app was installed again after the message was sent."""
    with tenancy.scope(merchant_id):
        store = Store.objects.filter(pk=store_id).first()
        if store is None:
            return
        if any((row.triggered_at or row.received_at) >= store.authorized_at for row in rows):
            connect.uninstall_store(merchant_id, store_id)


def on_store(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """Read the store's name, currency and the like again. Raises `ConnectorError`; the inbox tries again."""
    with tenancy.scope(merchant_id):
        store = Store.objects.filter(pk=store_id, state=Store.State.ACTIVE).first()
    if store is None:
        return
    info: StoreInfo = connections.storefront(store).info()
    with tenancy.scope(merchant_id):
        Store.objects.filter(pk=store_id).update(
            name=info.name[:120] or store.name,
            currency=info.currency or store.currency,
            timezone=info.timezone or store.timezone,
            country=info.country[:2],
            plan=info.plan[:60],
            email=info.email,
            facts=connect.facts_of(info),
            **({"scopes": list(info.scopes)} if info.scopes else {}),
        )


def on_scopes(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """The store granted or took away permissions: read them, and set up again what they allow."""
    on_store(merchant_id, store_id, object_ids, rows)
    with tenancy.scope(merchant_id):
        connect.on_store_connected(store_id)


def on_redact_customer(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """Erase a customer's data by the orders named; what goes by e-mail address was done at the door."""
    with tenancy.scope(merchant_id):
        routes.emit("buyer.erase", store_id=store_id, order_ids=list(object_ids), email="")
        audit.note(actor="store platform", action="buyer.erased", subject=f"{len(object_ids)} orders named")


def on_redact_store(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """Erase the store, as asked 48 hours after the app was removed; not if it was installed again meanwhile."""
    with tenancy.scope(merchant_id):
        store = Store.objects.select_for_update().filter(pk=store_id).first()
        if store is not None and store.state_reason == "uninstalled":
            erasure.erase_store(merchant_id, store, actor="store platform")


def on_data_request(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """Tell the merchant that a customer asks for their data; the answer goes from the merchant to the customer."""
    with tenancy.scope(merchant_id):
        store = Store.objects.get(pk=store_id)
        data = {"name": store.name, "orders": [str(one) for one in object_ids][:50]}
        for row in rows:
            routes.emit("alert.open", kind="data_request", key=row.event_id[:160], data=data)
        audit.note(actor="store platform", action="buyer.data_requested", subject=store.name, after=data)


def on_account_revoked(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Message]) -> None:
    """A seller took our permission away: stop the account and ask for a reconnect, unless they agreed again since."""
    with tenancy.scope(merchant_id):
        for account in MarketplaceAccount.objects.filter(pk__in=[int(one) for one in object_ids]):
            if any((row.triggered_at or row.received_at) >= account.authorized_at for row in rows):
                credentials.expire(account, "revoked")
