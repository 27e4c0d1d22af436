"""Installing into Shopify, opening the app inside its admin, and coming back from its consent page (MECHANISMS 18)."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path, resolve, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import connect, connections, embedded, installing
from accounts.access import calls_out
from accounts.middleware import load
from accounts.rendering import page
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError
from salestio import tenancy

log = structlog.get_logger(__name__)
PLATFORM = "shopify"


def _callback_url() -> str:
    return settings.WEB_URL + reverse("accounts:shopify-callback")


def _query(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.GET.items()}


@login_not_required
@never_cache
@require_GET
def install(request: HttpRequest) -> HttpResponse:
    """Shopify opens the app for a shop: go to its consent page, or to the app when it is installed and works."""
    try:
        shop = connections.authorization(PLATFORM).verify_query(_query(request))
    except Rejected as error:
        return _failed(request, f"{error.message}.", status=400)
    joins = "join" in request.session
    if not joins and installing.works(PLATFORM, shop):
        return HttpResponseRedirect(connections.app_page(PLATFORM, shop))
    payload: dict[str, Any] = {"shop": shop}
    merchant_id = user = None
    if joins:
        try:
            begun = connect.claim(request.session.pop("join"), platform=PLATFORM, session=request.session)
        except connect.ConnectRefused:
            # Too old: an ordinary install, which a signed-in owner can still join by starting again.
            begun = None
        # From inside a store's admin nobody is signed in here; the state itself is bound to this browser.
        if begun is not None and (not request.user.is_authenticated or begun.user_id in (None, request.user.pk)):
            merchant_id, user = begun.merchant_ref, begun.user
            payload |= {"join": True, "actor": begun.payload["actor"]}
    state = connect.begin(
        platform=PLATFORM, session=request.session, user=user, merchant_id=merchant_id, payload=payload
    )
    url = connections.authorization(PLATFORM).authorize_url(state=state, redirect_uri=_callback_url(), store_key=shop)
    return HttpResponseRedirect(url)


@login_not_required
@calls_out
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Shopify sends the browser back after *Install*: check, take the tokens, make or revive the store."""
    query = _query(request)
    try:
        row = connect.claim(query.get("state", ""), platform=PLATFORM, session=request.session)
        if query.get("shop") != row.payload.get("shop"):
            raise connect.ConnectRefused("This answer is for another store. Open the app from your store.", "shop")
        grant = connections.authorization(PLATFORM).exchange(query=query, redirect_uri=_callback_url())
        done = installing.install(PLATFORM, grant, join=row.merchant_ref, actor=row.payload.get("actor", ""))
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)
    except (Rejected, AuthorizationExpired) as error:
        return _failed(request, f"{error.message}.", status=400)
    except TransientError:
        return _failed(request, "Shopify did not answer. Open the app from your store once more.", status=503)
    except ConnectorError as error:
        log.error("an installation could not be finished", shop=query.get("shop"), error=error.message)
        return _failed(request, f"{error.message}.", status=502)
    if row.payload.get("join"):
        messages.success(request, f"{done.store.name} added. Its products are being read now.")
        return redirect("accounts:list")
    return HttpResponseRedirect(connections.app_page(PLATFORM, grant.key))


@login_not_required
@calls_out
@never_cache
@require_GET
def app(request: HttpRequest) -> HttpResponse:
    """Our page inside the shop's admin: the first load carries a session token in its address.

    A shop we do not know yet, or that was away, is installed by exchanging that token, without leaving the frame.
    """
    visitor: embedded.Visitor | None = getattr(request, "embedded", None)
    if visitor is None:
        return _outside(request)
    try:
        if not installing.works(PLATFORM, visitor.store_key):
            grant = connections.authorization(PLATFORM).exchange_session_token(visitor.store_key, visitor.token)
            installing.install(PLATFORM, grant, join=None, actor="", staff_id=visitor.staff_id)
            embedded.identify(request)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)
    except Rejected as error:
        return _failed(request, f"{error.message}.", status=400)
    except TransientError:
        return _failed(request, "Shopify did not answer. Reload this page in a moment.", status=503)
    except ConnectorError as error:
        log.error("a first embedded load failed", shop=visitor.store_key, error=error.message)
        return _failed(request, f"{error.message}.", status=502)
    return _dashboard(request)


def _outside(request: HttpRequest) -> HttpResponse:
    """Answer a load without a good session token: fetch one inside the frame, install or open the admin outside it."""
    if embedded.looks_embedded(request):
        return embedded.bounce(request)
    if "hmac" in request.GET:
        return install(request)
    shop = request.GET.get("shop", "")
    if connections.is_store_key(PLATFORM, shop) and installing.works(PLATFORM, shop):
        return HttpResponseRedirect(connections.app_page(PLATFORM, shop))
    return redirect("/")


def _dashboard(request: HttpRequest) -> HttpResponse:
    """Show the first page of the app, under this address: no redirect, so the token is used while it is fresh."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    match = resolve("/")
    with tenancy.scope(merchant_id):
        load(request, merchant_id)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        rendered = getattr(response, "render", None)
        return rendered() if callable(rendered) else response


def _failed(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    if getattr(request, "merchant", None) is None:
        return render(request, "accounts/connect_failed_plain.html", {"sentence": sentence}, status=status)
    return page(request, "accounts/connect_failed.html", {"sentence": sentence}, status=status)


URLS = [
    path("shopify/install", install, name="shopify-install"),
    path("shopify/callback", callback, name="shopify-callback"),
    path("shopify/app", app, name="shopify-app"),
]
