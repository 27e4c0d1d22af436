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
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import ResolverMatch, path, resolve, reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import connect, connections, embedded, installing, staff
from accounts.access import calls_out
from accounts.frame import FrameClaims
from accounts.middleware import load as load_merchant
from accounts.models import ConnectState, Store, StoreRoute
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError
from salestio import tenancy
from salestio.lib.crypto import token_hash

log = structlog.get_logger(__name__)
PLATFORM = "bigcommerce"
CLOCKS_APART = 10
"""Seconds BigCommerce's clock may be behind ours."""
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
        joins = _joins(request, person.email)
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
    claims = FrameClaims(PLATFORM, done.store.key, person.id, person.email, _is(person.id, person.owner_id))
    staff.seen(claims, vouched_at=now())
    embedded.enter(request, claims)
    return _show(request, "/")


def _joins(request: HttpRequest, email: str) -> tuple[int | None, str]:
    """Return (merchant, actor) of the owner who pressed *Add store* in this browser, or (None, "").

    Most browsers send no cookie of ours into the control panel's frame. Then BigCommerce's word on who installs decides:
    the same e-mail address, which we proved by mail when that owner signed up, and *Add store* pressed minutes ago.
    """
    # BigCommerce sends no state. A link that lures a signed-in owner here in a window of its own must not bring a
    # stranger's store, and with it that store's owner, into their merchant: only the control panel's frame joins.
    if "join" not in request.session or request.headers.get("Sec-Fetch-Dest") != "iframe":
        return _joins_by_email(email)
    try:
        begun = connect.claim(request.session.pop("join"), platform=PLATFORM, session=request.session)
    except connect.ConnectRefused:
        return None, ""  # too old: an ordinary install, which a signed-in owner can still join by starting again
    return begun.merchant_ref, str(begun.payload.get("actor", ""))


def _joins_by_email(email: str) -> tuple[int | None, str]:
    if not email:
        return None, ""
    begun = (
        ConnectState.objects.filter(
            platform=PLATFORM, payload__join=True, used_at=None, expires_at__gt=now(), user__email__iexact=email,
            user__is_active=True,
        )
        .order_by("-created_at")
        .first()
    )  # fmt: skip
    if begun is None or not ConnectState.objects.filter(pk=begun.pk, used_at=None).update(used_at=now()):
        return None, ""
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
    # Genuine, so the sentences below may be read where they belong: in this store's control panel.
    request.frame_ancestors = connections.frame_ancestors(PLATFORM, payload.store_hash)  # type: ignore[attr-defined]
    if not _first_or_reload(request.GET["signed_payload_jwt"]):
        return _failed(request, "This page is too old. Open the app again from your control panel.", status=401)
    if not installing.works(PLATFORM, payload.store_hash):
        return _failed(request, "The app is not installed in this store. Install it from the app market.", status=409)
    claims = FrameClaims(
        PLATFORM, payload.store_hash, payload.user_id, payload.user_email, _is(payload.user_id, payload.owner_id)
    )
    if not staff.seen(claims, vouched_at=payload.issued_at):
        return _failed(request, "This page is too old. Open the app again from your control panel.", status=401)
    embedded.enter(request, claims)
    return _show(request, payload.url)


def _is(person: str, owner: str) -> bool:
    """Say whether this person owns the store; nobody does in an answer that names nobody."""
    return bool(person) and person == owner


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
            store = Store.objects.filter(pk=route.store_ref).first()
            # A call that was tried again for hours must not take away an app that was installed anew meanwhile.
            late = timedelta(seconds=CLOCKS_APART)
            if store and (payload.issued_at is None or payload.issued_at + late >= store.authorized_at):
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
    staff.remove(PLATFORM, payload.store_hash, payload.user_id, at=payload.issued_at)
    return HttpResponse(status=200)


def _show(request: HttpRequest, link: str) -> HttpResponse:
    """Show a page of ours under this address, without a redirect: the browser keeps no cookie in the frame.

    The page is told its own address, so that what it links to and what its forms send go where they belong.
    """
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    asked = urlsplit(link)
    match = _page_at(asked.path)
    if match is None:
        asked, match = urlsplit("/"), resolve("/")
    with tenancy.scope(merchant_id):
        load_merchant(request, merchant_id)
        response = _render(request, match, asked.path or "/", asked.query)
        if response.status_code == 405:  # a link to something that is no page
            response = _render(request, resolve("/"), "/", "")
    return response


def _page_at(path: str) -> ResolverMatch | None:
    """Return the page of a signed-in person at this path, or None."""
    try:
        match = resolve(path or "/")
    except Http404:
        return None
    doors = ("webhooks/", "admin/", "api/", "healthz", "readyz", "metrics")
    ours = getattr(match.func, "login_required", True) and not match.route.startswith(doors)
    return match if ours else None


def _render(request: HttpRequest, match: ResolverMatch, path: str, query: str) -> HttpResponse:
    request.path = request.path_info = path
    request.GET = QueryDict(query)
    request.resolver_match = match
    request.frame_here = f"{path}?{query}" if query else path  # type: ignore[attr-defined]
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    rendered: Any = getattr(response, "render", None)
    return rendered() if callable(rendered) else response


def _failed(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "accounts/connect_failed_plain.html", {"sentence": sentence}, status=status)


URLS = [
    path("bigcommerce/auth", auth, name="bigcommerce-auth"),
    path("bigcommerce/load", load, name="bigcommerce-load"),
    path("bigcommerce/uninstall", uninstall, name="bigcommerce-uninstall"),
    path("bigcommerce/remove-user", remove_user, name="bigcommerce-remove-user"),
]
