"""The one door to a merchant's stores, accounts, mappings and mapping files on their pages. Call inside a scope."""

from __future__ import annotations

from django.http import Http404

from accounts.models import MarketplaceAccount, Store
from inventory.models import MappingUpload, SkuMapping
from salestio import tenancy


def stores() -> list[Store]:
    """Return the active merchant's stores, oldest first."""
    return list(Store.objects.filter(merchant_id=tenancy.current_merchant_id()).order_by("pk"))


def accounts() -> list[MarketplaceAccount]:
    """Return the active merchant's marketplace accounts with their stores, oldest first."""
    mine = MarketplaceAccount.objects.select_related("store").filter(merchant_id=tenancy.current_merchant_id())
    return list(mine.order_by("pk"))


def mapping_for(pk: int) -> SkuMapping:
    """Return the active merchant's mapping with store and account. Raises `Http404` when there is none."""
    found = SkuMapping.objects.select_related("store", "account").filter(
        merchant_id=tenancy.current_merchant_id(), pk=pk
    )
    row = found.first()
    if row is None:
        raise Http404("There is no such mapping.")
    return row


def upload_for(pk: int) -> MappingUpload:
    """Return the active merchant's mapping file with store and account. Raises `Http404` when there is none."""
    found = MappingUpload.objects.select_related("store", "account").filter(
        merchant_id=tenancy.current_merchant_id(), pk=pk
    )
    row = found.first()
    if row is None:
        raise Http404("There is no such file.")
    return row
