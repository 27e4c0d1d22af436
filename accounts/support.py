"""Support opens one merchant, with a reason, for half an hour, to look: an ordinary scope and an audit row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now

from accounts import audit
from salestio import tenancy

KEY = "support"
MINUTES = 30


@dataclass(frozen=True, slots=True)
class Opened:
    """A merchant opened by support."""

    merchant_id: int
    reason: str
    until: datetime


def open_merchant(request: HttpRequest, merchant_id: int, *, reason: str) -> None:
    """Let this staff session look at one merchant until `MINUTES` have passed.

    Raises ValueError without a reason, PermissionError for somebody who is not staff.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why you open this merchant")
    if not request.user.is_authenticated or not request.user.is_staff:
        raise PermissionError("only support staff may open a merchant")
    with tenancy.scope(merchant_id):
        audit.note(actor=f"support {request.user}", action="support.opened", reason=reason)
    request.session[KEY] = {
        "merchant": merchant_id,
        "reason": reason[:200],
        "until": (now() + timedelta(minutes=MINUTES)).isoformat(),
    }


def leave(request: HttpRequest) -> None:
    """Close the opened merchant; closing twice does no harm."""
    request.session.pop(KEY, None)


def opened(request: HttpRequest) -> Opened | None:
    """Return what this session opened, or None when nothing is, time is up, or the user is no longer staff."""
    kept: Any = request.session.get(KEY)
    if not isinstance(kept, dict) or not getattr(request.user, "is_staff", False):
        return None
    until = datetime.fromisoformat(kept["until"])
    if until <= now():
        leave(request)
        return None
    return Opened(int(kept["merchant"]), str(kept["reason"]), until)
