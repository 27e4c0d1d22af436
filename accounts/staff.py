"""People of a store's staff who use the app inside its control panel: seen, and removed by the platform's word (F2)."""

from __future__ import annotations

from django.utils.timezone import now

from accounts import audit
from accounts.frame import FrameClaims
from accounts.models import StorePerson, StoreRoute
from salestio import tenancy


def seen(claims: FrameClaims) -> None:
    """Note that a person opened the app; one who was removed is let in again, for the platform just vouched for them."""
    route = StoreRoute.objects.filter(platform=claims.platform, key=claims.store_key).first()
    if route is None:
        return
    with tenancy.scope(route.merchant_ref):
        StorePerson.objects.update_or_create(
            store_id=route.store_ref,
            remote_id=claims.user_id,
            defaults={"email": claims.email, "owner": claims.owner, "last_seen_at": now(), "removed_at": None},
        )


def remove(platform: str, store_key: str, user_id: str) -> None:
    """The platform took the app away from this person: their pages stop working at once. Twice does no harm."""
    route = StoreRoute.objects.filter(platform=platform, key=store_key).first()
    if route is None:
        return
    with tenancy.scope(route.merchant_ref):
        person, _ = StorePerson.objects.get_or_create(store_id=route.store_ref, remote_id=user_id)
        if person.removed_at is None:
            StorePerson.objects.filter(pk=person.pk).update(removed_at=now())
            audit.note(actor=platform, action="store.person_removed", subject=person.email or user_id)


def is_removed(platform: str, store_key: str, user_id: str) -> bool:
    """Say whether the platform took the app away from this person."""
    route = StoreRoute.objects.filter(platform=platform, key=store_key).first()
    if route is None:
        return False
    with tenancy.scope(route.merchant_ref):
        return StorePerson.objects.filter(
            store_id=route.store_ref, remote_id=user_id, removed_at__isnull=False
        ).exists()
