"""Pages inside a store's admin: the store's session token instead of a cookie (MECHANISMS 18).

Browsers keep no third-party cookies, so in the frame every request proves itself with a token of one minute that the
store's admin hands to our script: as `Authorization: Bearer …`, and on the first load as `id_token` in the address.
A request with such a token needs no CSRF token: another site cannot make the browser send it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import connections, frame, staff
from accounts.models import Membership, Role, StoreRoute
from connectors.contract.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at an embedded page: a person of the store's staff, proven by the store."""

    platform: str
    store_key: str
    staff_id: str
    token: str
    known: bool
    """Whether the store belongs to a merchant of ours already."""
    email: str = ""
    owner: bool = False
    """The store's platform says that this is the store's owner."""


def identify(request: HttpRequest) -> bool:
    """Set merchant, role and actor from a session token; return False when the request carries none.

    A token that is not good leaves the request without a merchant: it never falls back to a cookie.
    """
    request.embedded = None  # type: ignore[attr-defined]
    token = _token(request)
    if not token:
        return False
    request.user = AnonymousUser()
    # Another site cannot make a browser send this header, so a bad token gets its 401 and not a CSRF error.
    request._dont_enforce_csrf_checks = bool(request.headers.get("Authorization"))  # type: ignore[attr-defined]
    claims = frame.read(token)
    if claims is not None:
        return _in_control_panel(request, claims, token)
    try:
        platform, key, person = connections.visitor(token)
    except ConnectorError:
        request.embedded_refused = True  # type: ignore[attr-defined]
        return True
    _show_in(request, Visitor(platform, key, person, token, False))
    return True


def enter(request: HttpRequest, claims: frame.FrameClaims) -> None:
    """Let in a person whom the store's platform vouched for just now (its signed payload): from here on by our token."""
    request.user = AnonymousUser()
    _in_control_panel(request, claims, frame.mint(claims))


def _in_control_panel(request: HttpRequest, claims: frame.FrameClaims, token: str) -> bool:
    standing = staff.standing(claims.platform, claims.store_key, claims.user_id)
    owner = claims.owner and standing.owner
    visitor = Visitor(claims.platform, claims.store_key, claims.user_id, token, False, claims.email, owner)
    if standing.out:
        request.embedded_refused = True  # type: ignore[attr-defined]
        return True
    request.frame_token = frame.mint(claims)  # type: ignore[attr-defined]
    _show_in(request, visitor)
    return True


def _show_in(request: HttpRequest, visitor: Visitor) -> None:
    """Set who may frame the page, the visitor, and the merchant if the store is one of ours."""
    request.frame_script = connections.frame_script(visitor.platform)  # type: ignore[attr-defined]
    request.frame_ancestors = connections.frame_ancestors(visitor.platform, visitor.store_key)  # type: ignore[attr-defined]
    route = StoreRoute.objects.filter(platform=visitor.platform, key=visitor.store_key).first()
    request.embedded = replace(visitor, known=route is not None)  # type: ignore[attr-defined]
    if route is not None:
        _become(request, route.merchant_ref, visitor)


def _become(request: Any, merchant_id: int, visitor: Visitor) -> None:
    member = None
    if visitor.staff_id:
        member = (
            Membership.objects.select_related("user")
            .filter(merchant_ref=merchant_id, platform_user=visitor.staff_id)
            .first()
        )
    request.merchant_id = merchant_id
    # Whom the store lets into the app may work with it; what only an owner may do needs a member linked to them, or the
    # store's platform saying that this is its owner.
    request.role = member.role if member else Role.OWNER if visitor.owner else Role.MANAGER
    request.actor = str(member.user) if member else f"store staff {visitor.email or visitor.staff_id}".strip()
    # `request.user` stays nobody: the link to a member was made with the address the store told, which anybody may
    # write into their own store. It says what they may do at this merchant, not that they are that person elsewhere.
    request.memberships = [member] if member else []


def _token(request: HttpRequest) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    if request.method not in ("GET", "HEAD"):
        return ""
    return request.GET.get("id_token", "")


def looks_embedded(request: HttpRequest) -> bool:
    """Say whether the request comes from a frame in a store's admin, with a token or with one that ran out."""
    return (
        getattr(request, "embedded", None) is not None
        or getattr(request, "embedded_refused", False)
        or request.GET.get("embedded") == "1"
    )


def reloaded_in_frame(request: HttpRequest) -> bool:
    """Say whether a frame was loaded again by the browser itself, which keeps the address but not our token."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def resume(request: HttpRequest) -> HttpResponse:
    """Answer a reload within a control panel: a page whose script asks for this address again with the token that the
    tab still holds. Any control panel may frame it; it holds nothing of anybody."""
    request.frame_ancestors = connections.control_panels()  # type: ignore[attr-defined]
    return render(request, "accounts/frame_again.html", {"bare": True})


def bounce(request: HttpRequest) -> HttpResponse:
    """Answer a request whose token ran out: a script gets 401 and asks again, a page load gets a page that fetches a
    fresh token and comes back. The page is framed only by the shop it names, and holds nothing of anybody."""
    shop = request.GET.get("shop", "")
    platform = connections.framed_by(shop)
    script = connections.frame_script(platform) if platform else None
    if request.method not in ("GET", "HEAD") or request.headers.get("Authorization"):
        response = HttpResponse("The session token is missing or ran out.", status=401, content_type="text/plain")
        if script is not None:
            response[script.again] = "1"
        return response
    if platform and connections.is_store_key(platform, shop):
        request.frame_ancestors = connections.frame_ancestors(platform, shop)  # type: ignore[attr-defined]
        request.frame_script = script  # type: ignore[attr-defined]
    query = {name: value for name, value in request.GET.items() if name not in ("id_token", "hmac", "timestamp")}
    context = {"target": f"{request.path}?{urlencode(query)}", "script": script, "bare": True}
    status = 401 if getattr(request, "embedded_refused", False) else 200
    return render(request, "accounts/embedded_bounce.html", context, status=status)
