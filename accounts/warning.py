"""Mails about connections: one that ends soon (F7), and one that has ended (F151). Banners come from the alerts.

An outbox row a mail, so that a mail server that is away delays it and nothing is told twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import audit, preferences, read_only
from accounts.models import AuditEntry, MarketplaceAccount, Membership, Merchant, Role, Store
from connectors import registry
from connectors.contract.errors import TransientError
from salestio import routes, tenancy

HANDLER = "accounts.warning.mail"
WARNED = "token.warned"


def thresholds(merchant: Merchant) -> list[int]:
    """Return how many days before its end a permission is told, the longest first."""
    return [int(day) for day in str(preferences.value(merchant, "token_warning_days")).split(",")]


def ends_soon(account: MarketplaceAccount, ends: datetime, days: int, *, chosen: list[int]) -> None:
    """Owe the mail of the threshold that is reached, once. In the merchant's scope."""
    reached = [day for day in chosen if days < day]
    if not reached:
        return
    subject = f"{account.pk} {ends:%Y-%m-%d} {min(reached)}"
    if AuditEntry.objects.filter(action=WARNED, subject=subject).exists():
        return
    audit.note(actor=settings.BRAND_NAME, action=WARNED, subject=subject, after={"days": days})
    _owe(account, "connection_ends", f"{account.pk}:{subject}", days=days, date=f"{ends:%a} {ends.day} {ends:%b %Y}")


def has_expired(target: Store | MarketplaceAccount) -> None:
    """Owe the mail that a connection has ended, if the merchant wants such mails. In the merchant's scope."""
    if preferences.value(Merchant.objects.get(pk=target.merchant_id), "mail_account_expired"):
        _owe(target, "connection_expired", f"{type(target).__name__}:{target.pk}:expired")


def _owe(target: Store | MarketplaceAccount, template: str, key: str, **facts: Any) -> None:
    from salestio.outbox import dispatch

    store_id = target.pk if isinstance(target, Store) else target.store_id
    kind = "store" if isinstance(target, Store) else "account"
    dispatch.owe(
        handler=HANDLER, key=key[:160], store_id=store_id,
        subject={"template": template, "kind": kind, "pk": target.pk, "facts": facts},
    )  # fmt: skip


def mail(merchant_id: int, template: str, kind: str, pk: int, facts: dict[str, Any]) -> None:
    """Send one mail to those who are told. An outbox handler; raises `TransientError` when it was not taken.

    A copied database mails nobody: the place it was copied from does.
    """
    from salestio.outbox.dispatch import NotYet

    model: Any = Store if kind == "store" else MarketplaceAccount
    with tenancy.scope(merchant_id):
        if read_only.of_installation(merchant_id) is not None:
            raise NotYet(settings.TIMES.read_only)
        target = model.objects.filter(pk=pk).first()
        merchant = Merchant.objects.get(pk=merchant_id)
        wanted = bool(preferences.value(merchant, "mail_account_expired"))
        address = str(preferences.value(merchant, "mail_account_expired_to"))
    if target is None or (template == "connection_ends" and not target.is_active):
        return
    context = facts | {
        "merchant": merchant.name,
        "name": target.name,
        "platform": registry.platform(target.platform).label,
        "is_store": kind == "store",
        "link": settings.WEB_URL
        + (reverse("accounts:list") if kind == "store" else reverse("accounts:edit", args=[pk])),
    }
    people = [address] if wanted and address else _owners(merchant_id)
    taken = [routes.ask("mail.send", template=template, to=one, context=context) for one in people]
    if people and not any(taken):
        raise TransientError("The mail server did not take the mail")


def _owners(merchant_id: int) -> list[str]:
    found = Membership.objects.filter(merchant_ref=merchant_id, role=Role.OWNER, user__is_active=True)
    return list(found.order_by("pk").values_list("user__email", flat=True))
