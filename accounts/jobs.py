"""What salestio/jobs.py runs for each merchant: (merchant id, time) → what was done, empty for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F, Q

from accounts import connect, connections, credentials, erasure, signing, warning
from accounts.models import Credential, MarketplaceAccount, Merchant, Store
from connectors.contract.errors import ConnectorError
from salestio import routes, tenancy

log = structlog.get_logger(__name__)


def token_warnings(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Open an alert for each account whose permission ends soon, mail once a threshold, expire those where it has ended.

    The setting `token_warning_days` says when (F7). Permissions without an end are left alone.
    """
    said: dict[str, Any] = {}
    with tenancy.scope(merchant_id):
        chosen = warning.thresholds(Merchant.objects.get(pk=merchant_id))
        ending = Credential.objects.select_related("account").filter(
            account__state=MarketplaceAccount.State.ACTIVE, refresh_expires_at__lte=at + timedelta(days=max(chosen))
        )
        for credential in ending:
            account, ends = credential.account, credential.refresh_expires_at
            if account is None or ends is None:
                continue
            if ends <= at:
                credentials.expire(account, "permission_ended")
                said[account.name] = "expired"
                continue
            days = (ends - at).days
            date = f"{ends:%a} {ends.day} {ends:%b, %H:%M} UTC"
            data = {"name": account.name, "id": account.pk, "date": date, "days": days}
            routes.emit("alert.open", kind="account_ends_soon", key=str(account.pk), data=data)
            warning.ends_soon(account, ends, days, chosen=chosen)
            said[account.name] = f"{days} days left"
        # A renewed permission lasts longer again, or the merchant wants to be told later: the banner goes.
        for account in MarketplaceAccount.objects.exclude(name__in=said):
            routes.emit("alert.close", kind="account_ends_soon", key=str(account.pk))
    return said


def refresh_tokens(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Renew tokens that come to 80 % of their life within the next minutes, so that no call waits for it."""
    with tenancy.scope(merchant_id):
        soon = Credential.objects.select_related("store", "account").filter(
            Q(store__state=Store.State.ACTIVE) | Q(account__state=MarketplaceAccount.State.ACTIVE),
            access_expires_at__isnull=False,
            access_issued_at__isnull=False,
            access_expires_at__lte=at + (F("access_expires_at") - F("access_issued_at")) * (1 - credentials.REFRESH_AT),
        )
        due = [row.store or row.account for row in soon]
    done = 0
    for target in due:
        if target is None:
            continue
        try:
            connections.tokens_for(target).current()
            done += 1
        except ConnectorError as error:
            # The connection itself says what is wrong; the next run, or the next call, tries again.
            log.warning("a token could not be renewed ahead of time", platform=target.platform, error=error.message)
    return {"renewed": done} if done else {}


def erase_uninstalled(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Erase stores after their grace period; drop old sign-in attempts and consents while at it."""
    signing.forget_old_attempts()
    connect.forget_old_states()
    erased = erasure.erase_due(merchant_id, at)
    return {"erased": erased} if erased else {}
