"""Erasing on request and after the grace period: what a store platform's privacy rules and F14 ask for.

Orders' personal data is erased by the orders app, asked through `routes`; here go tokens, people's access and names.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.timezone import now

from accounts import audit, connections, credentials
from accounts.models import ApiToken, AuditEntry, Invitation, MarketplaceAccount, Membership, Merchant, Store, User
from salestio import routes, tenancy

GRACE = timedelta(days=30)
ERASED = "erased"


def erase_store(merchant_id: int, store: Store, *, actor: str) -> None:
    """Erase a store's data, and with the last store the merchant's; inside the merchant's scope."""
    credentials.drop(store)
    Store.objects.filter(pk=store.pk).update(email="", state_reason=ERASED, settings={}, state_since=now())
    accounts = list(MarketplaceAccount.objects.filter(store=store))
    for account in accounts:
        credentials.drop(account)
        connections.forget(account)
    MarketplaceAccount.objects.filter(store=store).update(
        state=MarketplaceAccount.State.DISABLED, state_reason=ERASED, state_since=now()
    )
    connections.forget(store)
    audit.note(actor=actor, action="store.erased", subject=store.key)
    if not Store.objects.exclude(state_reason=ERASED).exists():
        _erase_merchant(merchant_id)
    else:
        routes.emit("store.erase", store_id=store.pk)


def _erase_merchant(merchant_id: int) -> None:
    """Erase what is personal of a merchant; the row stays, because a store key belongs to one merchant for ever."""
    routes.emit("merchant.erase")
    people = list(Membership.objects.filter(merchant_ref=merchant_id).values_list("user_id", flat=True))
    Membership.objects.filter(merchant_ref=merchant_id).delete()
    Invitation.objects.filter(merchant_ref=merchant_id).delete()
    ApiToken.objects.filter(merchant_ref=merchant_id, revoked_at=None).update(revoked_at=now())
    Merchant.objects.filter(pk=merchant_id).update(settings={})
    # What was done stays in the book; who it was, and the addresses among the values, do not.
    AuditEntry.objects.filter(actor__contains="@").update(actor="a person")
    AuditEntry.objects.filter(subject__contains="@").update(subject="a person")
    AuditEntry.objects.update(before=None, after=None)
    _erase_people(people)


def _erase_people(user_ids: list[int]) -> None:
    elsewhere = Membership.objects.filter(user_id__in=user_ids).values_list("user_id", flat=True)
    User.objects.filter(pk__in=user_ids, is_staff=False).exclude(pk__in=list(elsewhere)).delete()


def erase_due(merchant_id: int, at: datetime) -> int:
    """Erase this merchant's stores whose grace period after uninstalling is over; return how many (F14)."""
    erased = 0
    with tenancy.scope(merchant_id):
        for store in Store.objects.select_for_update().filter(
            state_reason="uninstalled", uninstalled_at__lt=at - GRACE
        ):
            erase_store(merchant_id, store, actor="grace period over")
            erased += 1
    return erased
