"""The single-click app in BigCommerce: install, open, uninstall, remove a user (stores.md 3.1, MECHANISMS 18).

BigCommerce opens these addresses in a frame of its control panel. `auth` proves itself by the exchange of its code, the
others by a payload signed with our client secret.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import connect, connections, embedded, installing, staff
from accounts.access import calls_out
from accounts.frame import FrameClaims
from accounts.middleware import load as load_merchant
from accounts.models import ConnectState, StoreRoute
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError
from salestio import tenancy
from salestio.lib.crypto import token_hash

log = structlog.get_logger(__name__)
PLATFORM = "bigcommerce"
REOPEN_SECONDS = 600
"""How long one signed payload may open the app again (a reload of the frame); BigCommerce lets it live for a day."""


def _query(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.GET.items()}


@login_not_required
@calls_out
@never_cache
@require_GET
def auth(request: HttpRequest) -> HttpResponse:
    """Somebody pressed *Install*: exchange the code, make or revive the store, and show the app in the frame."""
    try:
        grant, person = connections.authorization(PLATFORM).exchange_with_user(
            query=_query(request), redirect_uri=settings.WEB_URL + reverse("accounts:bigcommerce-auth")
        )
        joins = _joins(request)
        done = installing.install(PLATFORM, grant, join=joins[0], actor=joins[1], staff_id=person.id)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)
    except (Rejected, AuthorizationExpired) as error:
        return _failed(request, f"{error.message}.", status=400)
    except TransientError:
        return _failed(request, "BigCommerce did not answer. Install the app once more in a minute.", status=503)
    except ConnectorError as error:
        log.error("an installation could not be finished", error=error.message)
        return _failed(request, f"{error.message}.", status=502)
    claims = FrameClaims(PLATFORM, done.store.key, person.id, person.email, person.id == person.owner_id)
    staff.seen(claims)
    embedded.enter(request, claims)
    return _show(request, "/")


def _joins(request: HttpRequest) -> tuple[int | None, str]:
    """Return (merchant, actor) of the owner who pressed *Add store* in this browser, or (None, "")."""
    if "join" not in request.session:
        return None, ""
    try:
        begun = connect.claim(request.session.pop("join"), platform=PLATFORM, session=request.session)
    except connect.ConnectRefused:
        return None, ""  # too old: an ordinary install, which a signed-in owner can still join by starting again
    return begun.merchant_ref, str(begun.payload.get("actor", ""))


@login_not_required
@calls_out
@never_cache
@require_GET
def load(request: HttpRequest) -> HttpResponse:
    """Somebody opened the app in the control panel."""
    try:
        payload = connections.authorization(PLATFORM).decode_payload(request.GET.get("signed_payload_jwt", ""))
    except Rejected as error:
        return _failed(request, f"{error.message}.", status=401)
    if not _first_or_reload(request.GET["signed_payload_jwt"]):
        return _failed(request, "This page is too old. Open the app again from your control panel.", status=401)
    if not installing.works(PLATFORM, payload.store_hash):
        return _failed(request, "The app is not installed in this store. Install it from the app market.", status=409)
    claims = FrameClaims(
        PLATFORM, payload.store_hash, payload.user_id, payload.user_email, payload.user_id == payload.owner_id
    )
    staff.seen(claims)
    embedded.enter(request, claims)
    return _show(request, payload.url)


def _first_or_reload(payload: str) -> bool:
    """Remember a payload at its first use; say whether it is new, or young enough for a reload of the frame."""
    row, made = ConnectState.objects.get_or_create(
        state_hash=token_hash(f"{PLATFORM}:{payload}"),
        defaults={"platform": PLATFORM, "session_hash": "payload", "expires_at": now() + timedelta(days=1)},
    )
    return made or row.created_at > now() - timedelta(seconds=REOPEN_SECONDS)


@login_not_required
@never_cache
@require_GET
def uninstall(request: HttpRequest) -> HttpResponse:
    """The owner took the app off the store. The store's webhook says it too; twice does no harm."""
    try:
        payload = connections.authorization(PLATFORM).decode_payload(request.GET.get("signed_payload_jwt", ""))
    except Rejected as error:
        return HttpResponse(error.message, status=401, content_type="text/plain")
    route = StoreRoute.objects.filter(platform=PLATFORM, key=payload.store_hash).first()
    if route is not None:
        with tenancy.scope(route.merchant_ref):
            connect.uninstall_store(route.merchant_ref, route.store_ref)
    return HttpResponse(status=200)


@login_not_required
@never_cache
@require_GET
def remove_user(request: HttpRequest) -> HttpResponse:
    """The owner took the app away from one person of the staff."""
    try:
        payload = connections.authorization(PLATFORM).decode_payload(request.GET.get("signed_payload_jwt", ""))
    except Rejected as error:
        return HttpResponse(error.message, status=401, content_type="text/plain")
    staff.remove(PLATFORM, payload.store_hash, payload.user_id)
    return HttpResponse(status=200)


def _show(request: HttpRequest, path: str) -> HttpResponse:
    """Show a page of ours under this address, without a redirect: the browser keeps no cookie in the frame."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    try:
        match = resolve(urlsplit(path).path or "/")
    except Http404:
        match = resolve("/")
    if match.route.startswith(("bigcommerce/", "shopify/", "connect/", "webhooks/", "admin/", "api/")):
        match = resolve("/")
    with tenancy.scope(merchant_id):
        load_merchant(request, merchant_id)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        rendered: Any = getattr(response, "render", None)
        return rendered() if callable(rendered) else response


def _failed(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "accounts/connect_failed_plain.html", {"sentence": sentence}, status=status)
