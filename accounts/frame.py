"""Our own short-lived token for pages inside a store's control panel that has no session tokens of its own.

BigCommerce's signed payload is good for a day and travels in an address, so it opens the app once; from then on each
request carries this token, which lives an hour and is renewed with every answer (stores.md 3.1, MECHANISMS 18). After
half a day the platform has to vouch for the person again, however busy the page was.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from django.core import signing

PREFIX = "frm_"
LIFE_SECONDS = 3600
VOUCHED_SECONDS = 12 * 3600
"""How long renewals go on without the platform saying again who looks at the page."""
_SALT = "accounts.frame"


@dataclass(frozen=True, slots=True)
class FrameClaims:
    """Who looks at the page: a person of the store's staff, as the store's platform told at the first load."""

    platform: str
    store_key: str
    user_id: str
    email: str = ""
    owner: bool = False
    vouched_at: int = field(default_factory=lambda: int(time.time()))
    """When the platform said so, in seconds since 1970; renewals keep it."""


def mint(claims: FrameClaims) -> str:
    """Return a token good for an hour, and never for longer than the platform's word counts."""
    return PREFIX + signing.dumps(asdict(claims), salt=_SALT)


def read(token: str) -> FrameClaims | None:
    """Return what a token says, or None for one that is not ours or too old."""
    if not token.startswith(PREFIX):
        return None
    try:
        claims = FrameClaims(**signing.loads(token.removeprefix(PREFIX), salt=_SALT, max_age=LIFE_SECONDS))
    except (signing.BadSignature, TypeError):
        return None
    return claims if time.time() - claims.vouched_at < VOUCHED_SECONDS else None
