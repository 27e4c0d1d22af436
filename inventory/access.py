"""The one door to a merchant's stores and accounts on the mapping page. Call inside a scope."""

from __future__ import annotations

from accounts.models import MarketplaceAccount, Store
from salestio import tenancy


def stores() -> list[Store]:
    """Return the active merchant's stores, oldest first."""
    return list(Store.objects.filter(merchant_id=tenancy.current_merchant_id()).order_by("pk"))


def accounts() -> list[MarketplaceAccount]:
    """Return the active merchant's marketplace accounts with their stores, oldest first."""
    mine = MarketplaceAccount.objects.select_related("store").filter(merchant_id=tenancy.current_merchant_id())
    return list(mine.order_by("pk"))
