"""A store installed a moment ago, offered to the merchant whose owner pressed *Add store*: sealed, in the browser's hands.

BigCommerce's frame gets no cookie of ours, so there nobody can prove to be that owner; an e-mail address BigCommerce tells
proves nothing to us. The grant therefore travels, readable to us alone, to the window in which they pressed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils.timezone import now

from accounts.frame import FrameClaims
from connectors.contract.types import Grant
from salestio.lib.crypto import UnreadableSecret

KIND = "store offer"


@dataclass(frozen=True, slots=True)
class Offer:
    """A store's fresh grant, and who installed the app in it."""

    grant: Grant
    person: FrameClaims

    @property
    def made_at(self) -> datetime:
        """Return when the platform vouched for the person (UTC)."""
        return datetime.fromtimestamp(self.person.vouched_at, UTC)


def seal(offer: Offer) -> str:
    """Return the offer as text for an address, good for as long as a consent may take (`TIMES.connect_state`)."""
    grant, person = offer.grant, offer.person
    said = {
        "kind": KIND,
        "grant": [grant.key, grant.access_token, list(grant.scopes)],
        "person": [person.platform, person.user_id, person.email, person.owner, person.vouched_at],
    }
    return settings.KEY_RING.seal(json.dumps(said)).decode()


def read(text: str) -> Offer | None:
    """Return what was sealed, None for anything else and for what is too old."""
    try:
        said = json.loads(settings.KEY_RING.open(text.encode()))
    except (UnreadableSecret, ValueError):
        return None
    if not isinstance(said, dict) or said.get("kind") != KIND:
        return None
    key, token, scopes = said["grant"]
    platform, user_id, email, owner, vouched_at = said["person"]
    offer = Offer(
        Grant(key=key, access_token=token, scopes=tuple(scopes)),
        FrameClaims(platform, key, user_id, email, owner, vouched_at),
    )
    old = (now() - offer.made_at).total_seconds() > settings.TIMES.connect_state
    return None if old else offer
