"""*Add store*: who may bring a store into a merchant, by the state that their own browser holds (MECHANISMS 18)."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest
from django.utils.timezone import now

from accounts import connect
from accounts.access import may
from accounts.models import ConnectState, Membership, Role
from salestio.lib.crypto import token_hash

SESSION = "join"
"""Session key of the state of an *Add store* that has begun."""


def pressed(request: HttpRequest, platform: str) -> ConnectState:
    """Return the *Add store* that this browser began. Raises `ConnectRefused` for none, an old one or somebody else's."""
    row = connect.begun(request.session.get(SESSION, ""), platform=platform, session=request.session)
    # Begun in a store's admin, nobody is signed in here: the state itself is bound to this browser.
    if row.user_id is not None and row.merchant_ref is not None:
        if request.user.pk != row.user_id:
            raise connect.ConnectRefused(
                "You are signed in as somebody else now. Start again from Accounts.", "state_user"
            )
        member = Membership.objects.filter(user_id=row.user_id, merchant_ref=row.merchant_ref).first()
        if member is None or not may(member.role, Role.OWNER):
            raise connect.ConnectRefused("You may not add stores to this merchant any more.", "role")
    return row


def take(request: HttpRequest, platform: str) -> ConnectState:
    """Use up the *Add store* that this browser began, and return it. Raises `ConnectRefused`."""
    pressed(request, platform)
    return connect.claim(request.session.pop(SESSION), platform=platform, session=request.session)


def hashed_address(email: str) -> str:
    """Return what a state keeps of an e-mail address."""
    return token_hash(f"address:{email.strip().lower()}")


def somebody_adds(platform: str, email: str) -> bool:
    """Say whether a person of this address pressed *Add store* minutes ago. A hint of what to ask them, no proof."""
    waiting = ConnectState.objects.filter(
        platform=platform, payload__join=True, used_at=None, expires_at__gt=now()
    )  # fmt: skip
    known = Q(user__email__iexact=email, user__is_active=True) | Q(payload__by=hashed_address(email))
    return bool(email) and waiting.filter(known).exists()
