"""The single-click app in BigCommerce: install, open, uninstall, remove a user (stores.md 3.1, MECHANISMS 18).

BigCommerce opens these addresses in a frame of its control panel. `auth` proves itself by the exchange of its code, the
others by a payload signed with our client secret.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import ResolverMatch, path, resolve, reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import checking, connect, connections, embedded, installing, joining, offers, staff
from accounts.access import calls_out
from accounts.frame import FrameClaims
from accounts.middleware import load as load_merchant
from accounts.models import ConnectState, Store, StoreRoute
from accounts.offers import Offer
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError
from salestio import tenancy
from salestio.lib.crypto import token_hash

log = structlog.get_logger(__name__)
PLATFORM = "bigcommerce"
TOO_OLD = "This page is too old. Open the app again from your control panel."
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
        claims = FrameClaims(PLATFORM, grant.key, person.id, person.email, _is(person.id, person.owner_id))
        begun = _begun_here(request)
        if (
            begun is None
            and not connect.store_route(PLATFORM, grant.key)
            and joining.somebody_adds(PLATFORM, person.email)
        ):
            return _which_merchant(request, Offer(grant, claims))
        return _install(request, Offer(grant, claims), begun)
    except ConnectorError as error:
        return _not_installed(request, error)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)


def _begun_here(request: HttpRequest) -> ConnectState | None:
    """Return the *Add store* that this browser's owner pressed, if it sends our cookie into the control panel's frame.

    Most browsers do not; then the person is asked in a window of their own (`_which_merchant`).
    """
    # BigCommerce sends no state. A link that lures a signed-in owner here in a window of its own must not bring a
    # stranger's store, and with it that store's owner, into their merchant: only the control panel's frame joins.
    if "join" not in request.session or request.headers.get("Sec-Fetch-Dest") != "iframe":
        return None
    try:
        return joining.take(request, PLATFORM)
    except connect.ConnectRefused:
        return None  # too old: an ordinary install, which a signed-in owner can still join by starting again


def _which_merchant(request: HttpRequest, offer: Offer) -> HttpResponse:
    """Ask whether the store joins what somebody of this address began, in the window where they began it, or is new."""
    request.frame_ancestors = connections.frame_ancestors(PLATFORM, offer.grant.key)  # type: ignore[attr-defined]
    tail = "?" + urlencode({"offer": offers.seal(offer)})
    ways = {
        "join": settings.WEB_URL + reverse("accounts:join-store") + tail,
        "alone": settings.WEB_URL + reverse("accounts:bigcommerce-alone") + tail,
    }
    return render(request, "accounts/which_merchant.html", ways)


@login_not_required
@calls_out
@never_cache
@require_GET
def alone(request: HttpRequest) -> HttpResponse:
    """The person who installed the app wants a merchant of its own for this store."""
    offer = offers.read(request.GET.get("offer", ""))
    if offer is None or offer.person.platform != PLATFORM:
        return _failed(request, "This took too long. Install the app once more from the app market.", status=400)
    try:
        return _install(request, offer, None)
    except ConnectorError as error:
        return _not_installed(request, error)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)


def _install(request: HttpRequest, offer: Offer, begun: ConnectState | None) -> HttpResponse:
    join, actor = (begun.merchant_ref, str(begun.payload.get("actor", ""))) if begun else (None, "")
    # No member is linked to this person: what they may do here, BigCommerce says at each load.
    installing.install(PLATFORM, offer.grant, join=join, actor=actor)
    if _in_a_window_of_its_own(request):
        return HttpResponseRedirect(connections.app_page(PLATFORM, offer.grant.key))
    if not staff.seen(offer.person, vouched_at=offer.made_at):
        return _failed(request, TOO_OLD, status=401)
    embedded.enter(request, offer.person)
    return _show(request, "/")


def _in_a_window_of_its_own(request: HttpRequest) -> bool:
    """Say whether this is no frame: anybody can lure anybody there, with a link that is good for the one who sends it.

    Nobody must find themselves at work in a stranger's store, where they would connect their own seller accounts: the
    control panel, which asks who they are, opens its frame itself.
    """
    return request.headers.get("Sec-Fetch-Dest") == "document"


def _not_installed(request: HttpRequest, error: ConnectorError) -> HttpResponse:
    if isinstance(error, Rejected | AuthorizationExpired):
        return _failed(request, f"{error.message}.", status=400)
    if isinstance(error, TransientError):
        return _failed(request, "BigCommerce did not answer. Install the app once more in a minute.", status=503)
    log.error("an installation could not be finished", error=error.message)
    return _failed(request, f"{error.message}.", status=502)


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
    if _in_a_window_of_its_own(request):
        return HttpResponseRedirect(connections.app_page(PLATFORM, payload.store_hash))
    # Genuine, so the sentences below may be read where they belong: in this store's control panel.
    request.frame_ancestors = connections.frame_ancestors(PLATFORM, payload.store_hash)  # type: ignore[attr-defined]
    if not _first_or_reload(request.GET["signed_payload_jwt"]):
        return _failed(request, TOO_OLD, status=401)
    if not installing.works(PLATFORM, payload.store_hash):
        return _failed(request, "The app is not installed in this store. Install it from the app market.", status=409)
    claims = FrameClaims(
        PLATFORM, payload.store_hash, payload.user_id, payload.user_email, _is(payload.user_id, payload.owner_id)
    )
    if not staff.seen(claims, vouched_at=payload.issued_at):
        return _failed(request, TOO_OLD, status=401)
    embedded.enter(request, claims)
    return _show(request, payload.url)


def _is(person: str, owner: str) -> bool:
    """Say whether this person owns the store; nobody does in an answer that names nobody."""
    return bool(person) and person == owner


def _first_or_reload(payload: str) -> bool:
    """Remember a payload at its first use; say whether it is new, or young enough for a reload of the frame."""
    row, made = ConnectState.objects.get_or_create(
        state_hash=_hash(payload),
        defaults={"platform": PLATFORM, "session_hash": "payload", "expires_at": now() + timedelta(days=1)},
    )
    return made or row.created_at > now() - timedelta(seconds=REOPEN_SECONDS)


@login_not_required
@never_cache
@require_GET
def uninstall(request: HttpRequest) -> HttpResponse:
    """The owner took the app off the store. The store's webhook says it too; twice does no harm."""
    try:
        payload = _told(request)
    except Rejected as error:
        return HttpResponse(error.message, status=401, content_type="text/plain")
    route = StoreRoute.objects.filter(platform=PLATFORM, key=payload.store_hash).first()
    if route is not None:
        with tenancy.scope(route.merchant_ref):
            store = Store.objects.filter(pk=route.store_ref).first()
            # A call that was tried again for hours must not take away an app that was installed anew meanwhile.
            if store and (payload.issued_at is None or payload.issued_at + staff.CLOCKS_APART >= store.authorized_at):
                if _is(payload.user_id, payload.owner_id):
                    connect.uninstall_store(route.merchant_ref, route.store_ref)
                else:
                    # One of the staff has such a payload for opening the app, too. The webhook tells of an uninstall
                    # that was one, and the token died with it: the store is asked.
                    checking.owe(store)
    return HttpResponse(status=200)


@login_not_required
@never_cache
@require_GET
def remove_user(request: HttpRequest) -> HttpResponse:
    """The owner took the app away from one person of the staff."""
    try:
        payload = _told(request)
    except Rejected as error:
        return HttpResponse(error.message, status=401, content_type="text/plain")
    staff.remove(PLATFORM, payload.store_hash, payload.user_id, at=payload.issued_at)
    return HttpResponse(status=200)


def _told(request: HttpRequest) -> Any:
    """Return what BigCommerce tells by its own call. Raises `Rejected`, also for a payload that opened the app.

    All its payloads look alike, and that one was in an address for a browser to see.
    """
    text = request.GET.get("signed_payload_jwt", "")
    payload = connections.authorization(PLATFORM).decode_payload(text)
    if ConnectState.objects.filter(state_hash=_hash(text)).exists():
        raise Rejected("This payload opened the app", code="signed_payload", platform=PLATFORM)
    return payload


def _hash(payload: str) -> str:
    return token_hash(f"{PLATFORM}:{payload}")


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
    path("bigcommerce/alone", alone, name="bigcommerce-alone"),
    path("bigcommerce/load", load, name="bigcommerce-load"),
    path("bigcommerce/uninstall", uninstall, name="bigcommerce-uninstall"),
    path("bigcommerce/remove-user", remove_user, name="bigcommerce-remove-user"),
]
