"""What a marketplace pushes, by queue or by HTTP: a hint becomes rows in one transaction, and the order is read again.

Called where no merchant is known yet; routing tables without row-level security lead to the merchants concerned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.timezone import now

from accounts.models import AccountRoute, MarketplaceAccount
from orders import personal, pull
from orders.models import BuyerRoute
from salestio import tenancy
from salestio.inbox import drain as inbox


def hear(
    *, platform: str, seller_key: str, message_id: str, order_ids: Sequence[str], at: datetime | None = None,
    hint: dict[str, Any] | None = None,
) -> int:  # fmt: skip
    """Store a message about orders for every account of this seller (one a region); return how many were new.

    A seller we do not know is not ours to hear: nothing is stored.
    """
    taken = 0
    routes = AccountRoute.objects.filter(platform=platform, key=seller_key)
    for merchant_id, account_id in routes.values_list("merchant_ref", "account_ref"):
        with tenancy.scope(merchant_id):
            fresh = inbox.receive(
                platform=platform, topic="marketplace_order", event_id=f"{account_id}:{message_id}",
                account_id=account_id, object_ids=list(order_ids), triggered_at=at,
            )  # fmt: skip
            if not fresh:
                continue
            pull.hear(account_id, list(order_ids), hint=hint)
            MarketplaceAccount.objects.filter(pk=account_id).update(last_push_at=now())
            taken += 1
    return taken


def revoked(*, platform: str, seller_key: str, message_id: str, at: datetime | None = None) -> int:
    """Note that a seller took our permission away; acted on by the inbox. Returns how many accounts are concerned."""
    routes = list(AccountRoute.objects.filter(platform=platform, key=seller_key))
    for route in routes:
        with tenancy.scope(route.merchant_ref):
            inbox.receive(
                platform=platform, topic="account_revoked", event_id=f"{route.account_ref}:{message_id}",
                account_id=route.account_ref, object_ids=[str(route.account_ref)], triggered_at=at,
            )  # fmt: skip
    return len(routes)


def forget_buyer(*, platform: str, users: Sequence[str], message_id: str, at: datetime | None = None) -> int:
    """Note that a marketplace's user asks to be forgotten, for every merchant who sold to them; return their number.

    The message names a person, so only the ids of the orders concerned are stored.
    """
    hashes = [personal.user_hash(platform, user) for user in users if user]
    by_merchant: dict[int, set[int]] = defaultdict(set)
    found = BuyerRoute.objects.filter(platform=platform, user_hash__in=hashes)
    for merchant_id, order_id in found.values_list("merchant_ref", "order_ref"):
        by_merchant[merchant_id].add(order_id)
    for merchant_id, order_ids in sorted(by_merchant.items()):
        with tenancy.scope(merchant_id):
            inbox.receive(
                platform=platform, topic="erase_buyer", event_id=message_id,
                object_ids=[str(order_id) for order_id in sorted(order_ids)], triggered_at=at,
            )  # fmt: skip
    return len(by_merchant)
