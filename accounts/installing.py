"""Installing the app: a first install makes merchant, store and owner; a known store lands where it was."""

from __future__ import annotations

from dataclasses import dataclass

from accounts import connect, merchants
from accounts.models import Credential, Membership, Merchant, Role, Store
from connectors.contract.types import Grant
from salestio import tenancy


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation led to."""

    merchant_id: int
    store: Store
    new: bool


def works(platform: str, key: str) -> bool:
    """Say whether this store is connected and holds tokens, so that opening it needs no consent."""
    route = connect.store_route(platform, key)
    if route is None:
        return False
    with tenancy.scope(route.merchant_ref):
        store = Store.objects.filter(pk=route.store_ref, state=Store.State.ACTIVE).first()
        return store is not None and Credential.objects.filter(store=store).exclude(access_sealed=b"").exists()


def install(platform: str, grant: Grant, *, join: int | None, actor: str, staff_id: str = "") -> Installed:
    """Make or revive the store of a fresh grant. Calls the store; call it outside a transaction.

    `join` is the merchant who pressed *Add store*. A store known already lands in its own merchant, and is refused when
    that is another one. Raises `connect.ConnectRefused`, `ConnectorError`.
    """
    info = connect.store_info(platform, grant)
    route = connect.store_route(platform, grant.key)
    first = route is None and join is None
    if route is not None:
        merchant_id = route.merchant_ref
        if join is not None and join != merchant_id:
            raise connect.ConnectRefused(
                f"{info.name} belongs to another merchant. Sign in there, or ask our support.", "other_merchant"
            )
    elif join is not None:
        merchant_id = join
    else:
        merchant_id = merchants.create(info.name or grant.key, timezone=info.timezone).pk
    try:
        store, new = connect.keep_store(merchant_id, platform, grant, info, actor=actor or f"{platform} install")
    except connect.ConnectRefused:
        if first:
            # Two first installs ran at once and the other won: take back the merchant nobody will ever see.
            with tenancy.scope(merchant_id):
                Merchant.objects.filter(pk=merchant_id).delete()
            return _lost_race(platform, grant)
        raise
    if first:
        owner = merchants.welcome_owner(
            email=info.email, name="", merchant_id=merchant_id, store_name=info.name or grant.key
        )
        if owner is not None and staff_id:
            Membership.objects.filter(user=owner, merchant_ref=merchant_id, role=Role.OWNER).update(
                platform_user=staff_id
            )
    return Installed(merchant_id, store, new)


def _lost_race(platform: str, grant: Grant) -> Installed:
    route = connect.store_route(platform, grant.key)
    if route is None:
        raise connect.ConnectRefused("The installation did not finish. Open the app from your store.", "race")
    with tenancy.scope(route.merchant_ref):
        return Installed(route.merchant_ref, Store.objects.get(pk=route.store_ref), False)
