"""Read-only mode (F13): reads go on, every outgoing change waits as a row, nothing is sent.

Switched on by the merchant for everything, one store or one account (the setting `read_only`), for the whole
installation by `SALESTIO_READ_ONLY`, or by itself where the database turns out to be a copy (`salestio/fingerprint.py`).
Whoever is about to send asks `stops`; the outbox asks `stops_row`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts import audit, preferences
from accounts.models import MarketplaceAccount, Merchant, Store
from salestio import fingerprint, routes, tenancy

CODE = "READ_ONLY"
EVERYTHING = "all stores and accounts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where read-only mode is on, in words; `copied_from` is the host a copied database was used at before."""

    words: str
    copied_from: str = ""
    by_operator: bool = False


def of_installation(merchant_id: int) -> Place | None:
    """Return why nothing of this merchant may be sent from this installation, None when it may."""
    if settings.READ_ONLY:
        return Place("this installation", by_operator=True)
    other = fingerprint.elsewhere()
    if other is None or merchant_id in other.lifted:
        return None
    return Place("this installation", copied_from=other.host)


def chosen(target: Store | MarketplaceAccount) -> str:
    """Return what the merchant's setting stops at this store or account, "" when nothing. Reads `target.merchant`."""
    if not preferences.value(target, "read_only"):
        return ""
    return str(target) if "read_only" in target.settings else EVERYTHING


def stops(*, store: Store | None = None, account: MarketplaceAccount | None = None, merchant_id: int) -> str:
    """Return for what read-only mode is on, in words, or "" when a change may be sent to this store or account.

    One query, besides the merchant's row where it was not selected along. In the merchant's scope.
    """
    whole = of_installation(merchant_id)
    if whole is not None:
        return whole.words
    return (chosen(store) if store is not None else "") or (chosen(account) if account is not None else "")


def stops_account(account: MarketplaceAccount) -> bool:
    """Say whether nothing may be sent to this marketplace account; opens its own scope."""
    with tenancy.scope(account.merchant_id):
        return bool(stops(account=account, merchant_id=account.merchant_id))


def stops_row(*, handler: str, store_id: int | None, subject: Mapping[str, Any]) -> str:
    """Answer the outbox: why this row must wait, "" when it may go. Rows that only read always may."""
    if handler in routes.READING:
        return ""
    merchant_id = tenancy.current_merchant_id()
    store = Store.objects.select_related("merchant").filter(pk=store_id).first() if store_id else None
    account = _account_of(subject)
    if store is None and account is None:
        whole = of_installation(merchant_id)
        everything = Merchant.objects.get(pk=merchant_id).settings.get("read_only")
        return whole.words if whole else EVERYTHING if everything else ""
    return stops(store=store, account=account, merchant_id=merchant_id)


def _account_of(subject: Mapping[str, Any]) -> MarketplaceAccount | None:
    accounts = MarketplaceAccount.objects.select_related("merchant")
    if subject.get("account_id"):
        return accounts.filter(pk=subject["account_id"]).first()
    if subject.get("order_id"):
        # Not imported: orders stand above accounts. The reverse relation is Django's own.
        return accounts.filter(orders=subject["order_id"]).first()
    return None


def going(store_id: int) -> list[int]:
    """Return the accounts of a store whose orders may be sent now. In the merchant's scope."""
    store = Store.objects.select_related("merchant").filter(pk=store_id).first()
    if store is None or stops(store=store, merchant_id=store.merchant_id):
        return []
    fed = MarketplaceAccount.objects.select_related("merchant").filter(store_id=store_id)
    return [account.pk for account in fed if not chosen(account)]


# ── what pages show ──────────────────────────────────────────────────────────────────────────────────────────────────


def shown(merchant: Merchant, stores: Sequence[Store], accounts: Sequence[MarketplaceAccount]) -> Place | None:
    """Return for what the banner says that read-only mode is on; None when everything is sent.

    One query in production; elsewhere a moved database is only noted, which the workers do.
    """
    whole = of_installation(merchant.pk) if settings.READ_ONLY or settings.MODE == "production" else None
    if whole is not None:
        return whole
    every: list[Store | MarketplaceAccount] = [*stores, *accounts]
    for target in every:
        # Known already: spares a query each.
        target.merchant = merchant
    stopped = [target for target in every if chosen(target)]
    if not stopped:
        return None
    if len(stopped) == len(every) and any(chosen(target) == EVERYTHING for target in stopped):
        return Place(EVERYTHING)
    return Place(", ".join(str(target) for target in stopped))


# ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────────────


def lift(merchant_id: int, *, actor: str) -> bool:
    """An owner says that this copied installation is the right one for their merchant; False when nothing was on.

    Opens its own scope. What waited goes on at once.
    """
    with tenancy.scope(merchant_id):
        whole = of_installation(merchant_id)
        if whole is None or whole.by_operator:
            return False
        fingerprint.lift(merchant_id)
        audit.note(actor=actor, action="read_only.lifted", subject="installation", before={"host": whole.copied_from})
        _go_on()
    return True


def accept_installation(*, actor: str) -> int:
    """Support says that this installation is the right one for everybody; return for how many merchants work goes on."""
    with tenancy.unscoped("read-only"):
        merchants = list(Merchant.objects.order_by("pk").values_list("pk", flat=True))
    fingerprint.accept()
    for merchant_id in merchants:
        with tenancy.scope(merchant_id):
            audit.note(actor=actor, action="read_only.lifted", subject="installation")
            _go_on()
    return len(merchants)


def _go_on() -> None:
    for store_id in Store.objects.filter(~Q(state=Store.State.DISABLED)).values_list("pk", flat=True):
        routes.emit("settings.changed", store_id=store_id)
