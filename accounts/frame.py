"""Our own short-lived token for pages inside a store's control panel that has no session tokens of its own.

BigCommerce's signed payload is good for a day and travels in an address, so it opens the app once; from then on each
request carries this token, which lives an hour and is renewed with every answer (stores.md 3.1, MECHANISMS 18).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.core import signing

PREFIX = "frm_"
LIFE_SECONDS = 3600
_SALT = "accounts.frame"


@dataclass(frozen=True, slots=True)
class FrameClaims:
    """Who looks at the page: a person of the store's staff, as the store's platform told at the first load."""

    platform: str
    store_key: str
    user_id: str
    email: str = ""
    owner: bool = False


def mint(claims: FrameClaims) -> str:
    """Return a token good for an hour."""
    return PREFIX + signing.dumps(asdict(claims), salt=_SALT)


def read(token: str) -> FrameClaims | None:
    """Return what a token says, or None for one that is not ours or too old."""
    if not token.startswith(PREFIX):
        return None
    try:
        return FrameClaims(**signing.loads(token.removeprefix(PREFIX), salt=_SALT, max_age=LIFE_SECONDS))
    except (signing.BadSignature, TypeError):
        return None
