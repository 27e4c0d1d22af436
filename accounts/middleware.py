"""Who is asking, for which merchant, and the scope in which a page is read.

A merchant comes from the verified session (or, embedded, from the store's session token), never from a parameter.
GET and HEAD run whole, rendering included, in the merchant's scope; other methods open their own short scopes, because
they may call a platform, and so do GET views marked `@calls_out`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from accounts import embedded, support
from accounts.models import Membership, Merchant, Role, Store
from salestio import tenancy

OPEN_PATHS = ("/admin/", "/api/", "/webhooks/", "/static/", "/healthz", "/readyz", "/metrics")
"""Doors with a lock of their own (admin, API tokens, signed webhooks) or with nothing of a merchant behind them."""

CHOSEN = "merchant"
"""Session key of the merchant a user with several has chosen."""


class MerchantMiddleware:
    """Set merchant_id, merchant, role, actor, stores and store on the request, and open the scope for reading."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A thread serves many merchants; the time zone of the last one must not stay.
        timezone.deactivate()
        request.merchant_id = None  # type: ignore[attr-defined]
        request.merchant = None  # type: ignore[attr-defined]
        request.role = ""  # type: ignore[attr-defined]
        request.actor = ""  # type: ignore[attr-defined]
        request.support = None  # type: ignore[attr-defined]
        request.stores = ()  # type: ignore[attr-defined]
        request.store = None  # type: ignore[attr-defined]
        if request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        # Before CsrfViewMiddleware's process_view: a request with a bearer token needs no cookie and no CSRF token.
        if not embedded.identify(request):
            _identify_by_session(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.path.startswith(OPEN_PATHS) or getattr(view, "login_required", True) is False:
            return None
        merchant_id = request.merchant_id  # type: ignore[attr-defined]
        if merchant_id is None:
            return _ask_to_sign_in(request)
        if request.method not in ("GET", "HEAD"):
            with tenancy.scope(merchant_id):
                load(request, merchant_id)
            return None
        if getattr(view, "calls_out", False):
            with tenancy.scope(merchant_id):
                load(request, merchant_id)
            return None
        with tenancy.scope(merchant_id):
            load(request, merchant_id)
            response = view(request, *args, **kwargs)
            render = getattr(response, "render", None)
            if callable(render) and not getattr(response, "is_rendered", True):
                response = render()
        return response


def _zone(name: str) -> ZoneInfo:
    """Return the merchant's time zone; UTC for a name this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def load(request: HttpRequest, merchant_id: int) -> None:
    """Set merchant, stores and store on the request; inside the merchant's scope."""
    merchant = Merchant.objects.get(pk=merchant_id)
    request.merchant = merchant  # type: ignore[attr-defined]
    timezone.activate(_zone(merchant.timezone))
    stores = list(Store.objects.order_by("created_at", "pk"))
    request.stores = stores  # type: ignore[attr-defined]
    request.store = next((s for s in stores if s.is_active), stores[0] if stores else None)  # type: ignore[attr-defined]


def _identify_by_session(request: HttpRequest) -> None:
    user = request.user
    if not user.is_authenticated:
        return
    opened = support.opened(request)
    if opened is not None:
        request.support = opened  # type: ignore[attr-defined]
        request.merchant_id = opened.merchant_id  # type: ignore[attr-defined]
        request.role = Role.VIEWER  # type: ignore[attr-defined]
        request.actor = f"support {user}"  # type: ignore[attr-defined]
        return
    memberships = list(Membership.objects.filter(user_id=user.pk).order_by("created_at", "pk"))
    chosen = request.session.get(CHOSEN)
    mine = next((m for m in memberships if m.merchant_ref == chosen), memberships[0] if memberships else None)
    request.memberships = memberships  # type: ignore[attr-defined]
    if mine is not None:
        request.membership = mine  # type: ignore[attr-defined]
        request.merchant_id = mine.merchant_ref  # type: ignore[attr-defined]
        request.role = mine.role  # type: ignore[attr-defined]
        request.actor = str(user)  # type: ignore[attr-defined]


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    if embedded.looks_embedded(request):
        return embedded.bounce(request)
    if embedded.reloaded_in_frame(request) and not request.user.is_authenticated:
        return embedded.resume(request)
    if request.user.is_authenticated:
        target = "/admin/" if request.user.is_staff else "/no-merchant/"
        return HttpResponseRedirect(target)
    here = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
    if request.headers.get("HX-Request"):
        # htmx follows this header; a redirect would put the sign-in page into the middle of another one.
        response = HttpResponse(status=401)
        response["HX-Redirect"] = f"{settings.LOGIN_URL}?{urlencode({'next': '/'})}"
        return response
    return redirect_to_login(here, settings.LOGIN_URL)
