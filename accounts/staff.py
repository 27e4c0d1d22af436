"""People of a store's staff who use the app inside its control panel: seen, and removed by the platform's word (F2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import now

from accounts import audit
from accounts.frame import FrameClaims
from accounts.models import Store, StorePerson, StoreRoute
from salestio import tenancy

CLOCKS_APART = timedelta(seconds=10)
"""How much the platform's clock, which tells whole seconds, may be behind ours."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands with a store now, whatever their token was given for."""

    out: bool = False
    """The platform took the app away from them, or from the store."""
    owner: bool = False


def seen(claims: FrameClaims, *, vouched_at: datetime | None) -> bool:
    """Note that a person opened the app; False when they may not: the platform took the app away from them since.

    `vouched_at` is when the platform vouched for them: one who was removed is let in again only by a later word.
    """
    route = StoreRoute.objects.filter(platform=claims.platform, key=claims.store_key).first()
    if route is None:
        return True
    with tenancy.scope(route.merchant_ref):
        here = StorePerson.objects.filter(store_id=route.store_ref)
        gone = (
            here.filter(remote_id=claims.user_id, removed_at__isnull=False).values_list("removed_at", flat=True).first()
        )
        if gone is not None and (vouched_at is None or vouched_at < gone):
            return False
        others = here.filter(owner=True).exclude(remote_id=claims.user_id)
        # A payload is good for a day: one from before the store was handed on makes nobody its owner again.
        owner = claims.owner and not (vouched_at and others.filter(last_seen_at__gt=vouched_at + CLOCKS_APART).exists())
        if owner:
            # A store has one owner: whoever was it before is one of the staff now.
            others.update(owner=False)
        StorePerson.objects.update_or_create(
            store_id=route.store_ref,
            remote_id=claims.user_id,
            defaults={"email": claims.email, "owner": owner, "last_seen_at": now(), "removed_at": None},
        )
    return True


def remove(platform: str, store_key: str, user_id: str, *, at: datetime | None = None) -> None:
    """The platform took the app away from this person: their pages stop working at once. Twice does no harm.

    `at` is when the platform said so, by its own clock.
    """
    route = StoreRoute.objects.filter(platform=platform, key=store_key).first()
    if route is None:
        return
    with tenancy.scope(route.merchant_ref):
        person, _ = StorePerson.objects.get_or_create(store_id=route.store_ref, remote_id=user_id)
        if person.removed_at is None:
            StorePerson.objects.filter(pk=person.pk).update(removed_at=min(at or now(), now()))
            audit.note(actor=platform, action="store.person_removed", subject=person.email or user_id)


def standing(platform: str, store_key: str, user_id: str) -> Standing:
    """Return how this person stands with the store: a token outlives what the platform says meanwhile."""
    route = StoreRoute.objects.filter(platform=platform, key=store_key).first()
    if route is None:
        return Standing()
    with tenancy.scope(route.merchant_ref):
        uninstalled = Store.objects.filter(pk=route.store_ref, uninstalled_at__isnull=False).exists()
        person = StorePerson.objects.filter(store_id=route.store_ref, remote_id=user_id).first()
    removed = person is not None and person.removed_at is not None
    return Standing(out=uninstalled or removed, owner=person is not None and person.owner)
