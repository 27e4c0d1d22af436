"""The Accounts pages: the list, Add Account, Edit Account, and the way to the marketplace's consent page and back."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import checking, connect, connections, joining
from accounts.access import calls_out, marketplace_account_for, may, needs, store_for
from accounts.embedded import Visitor
from accounts.forms import AddAccountForm, ConfirmAccountForm
from accounts.listing import account_cards, store_cards
from accounts.models import ConnectState, MarketplaceAccount, Membership, Role, Store
from accounts.platforms import FIRST_STOREFRONT, HINTS, LABELS
from accounts.rendering import page
from connectors import registry
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError
from connectors.contract.marketplace import StartsThere
from salestio import tenancy

log = structlog.get_logger(__name__)

APPSTORE = "began_there"
"""Session key of a consent that was started at the marketplace (Amazon's app store): which, and with what query."""


@needs(Role.VIEWER)
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Show the stores and the marketplace accounts with their state and what they did last (F4)."""
    return page(
        request,
        "accounts/account_list.html",
        {
            "store_cards": store_cards(),
            "account_cards": account_cards(),
            "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
            "may_own": may(request.role, Role.OWNER),  # type: ignore[attr-defined]
        },
    )


# ── add, edit, disconnect ────────────────────────────────────────────────────────────────────────────────────────────


def _add_form(request: HttpRequest, data: Any = None) -> AddAccountForm:
    stores = [(store.pk, store.name) for store in request.stores if store.is_active]  # type: ignore[attr-defined]
    asked = request.GET.get("platform", "")
    platform = (
        asked if asked in {line.name for line in connections.marketplaces()} else connections.marketplaces()[0].name
    )
    first = {"platform": platform, "region": next(iter(registry.platform(platform).regions), ""),
             "store": stores[0][0] if stores else None}  # fmt: skip
    return AddAccountForm(data, stores=stores, sites=_every_site(), initial=first)


def _every_site() -> dict[str, dict[str, list[tuple[str, str]]]]:
    return {line.name: connections.sites(line.name) for line in connections.marketplaces()}


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def add_account(request: HttpRequest) -> HttpResponse:
    """Ask for marketplace, name, region, sites and store, then go to the marketplace's consent page (F3)."""
    if not any(store.is_active for store in request.stores):  # type: ignore[attr-defined]
        return page(request, "accounts/add_no_store.html")
    form = _add_form(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
            taken = MarketplaceAccount.objects.filter(name=data["name"]).exclude(state="disabled").exists()
        if not taken:
            wish = {name: data[name] for name in ("platform", "region", "name", "sites")} | {"store_id": data["store"]}
            return _go(request, wish)
        form.add_error("name", "You have another account with this name. Choose another one.")
    places = [
        {"platform": line.name, "label": line.label, "region": region, "name": line.regions.get(region, ""),
         "options": options}
        for line in connections.marketplaces()
        for region, options in connections.sites(line.name).items()
    ]  # fmt: skip
    context = {"form": form, "places": places,
               "chosen": request.POST.getlist("sites") if form.is_bound else [],
               "notices": [line.notice for line in connections.marketplaces() if line.notice],
               "sent_by": LABELS.get(request.session.get(APPSTORE, {}).get("platform", ""), ""), "hints": HINTS,
               "regional": " ".join(f"platform={line.name}" for line in connections.marketplaces() if line.regions)}  # fmt: skip
    return page(request, "accounts/add_account.html", context, status=400 if form.is_bound else 200)


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename an account; ticking sites or *Confirm connection* goes to the consent page again (F5, F6)."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    with tenancy.scope(merchant_id):
        account = marketplace_account_for(request, pk)
    sites = connections.sites(account.platform).get(account.region, [])
    form = ConfirmAccountForm(
        request.POST if request.method == "POST" else None,
        sites=sites,
        initial={"name": account.name, "sites": account.sites},
    )
    if request.method == "POST" and form.is_valid():
        name, chosen = form.cleaned_data["name"], form.cleaned_data["sites"]
        try:
            with tenancy.scope(merchant_id):
                connect.edit_account(account, name=name, actor=request.actor)  # type: ignore[attr-defined]
        except connect.ConnectRefused as refused:
            form.add_error("name", refused.sentence)
        else:
            if "confirm" in request.POST or (sites and set(chosen) != set(account.sites)) or not account.is_active:
                wish = {"platform": account.platform, "region": account.region, "name": name, "sites": chosen,
                        "store_id": account.store_id, "account_id": account.pk}  # fmt: skip
                return _go(request, wish)
            messages.success(request, f"{name} saved")
            return redirect("accounts:list")
    context = {"form": form, "account": account, "sites": sites,
               "chosen": request.POST.getlist("sites") if form.is_bound else account.sites}  # fmt: skip
    return page(request, "accounts/edit_account.html", context, status=400 if form.is_bound else 200)


@needs(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then end a connection. Orders and settings stay; connecting the same seller again goes on with them."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    with tenancy.scope(merchant_id):
        account = marketplace_account_for(request, pk)
    if request.method != "POST":
        return page(request, "accounts/disconnect.html", {"account": account})
    if request.POST.get("sure") != "on":
        return page(request, "accounts/disconnect.html", {"account": account, "unsure": True}, status=400)
    connect.disconnect_account(merchant_id, account, actor=request.actor)  # type: ignore[attr-defined]
    messages.success(request, f"{account.name} disconnected. Its orders stay here.")
    return redirect("accounts:list")


@needs(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def add_store(request: HttpRequest) -> HttpResponse:
    """Ask which store platform, and send the owner to our page in its app market; the install joins this merchant.

    A shop's domain is never asked for: it could be anybody's. Inside a store's admin no other platform is named
    (MECHANISMS 18).
    """
    inside = getattr(request, "embedded", None)
    if request.method != "POST":
        offered = [line for line in connections.storefronts() if inside is None or line.name == inside.platform]
        return page(request, "accounts/add_store.html", {"platforms": offered})
    platform = request.POST.get("platform", inside.platform if inside else FIRST_STOREFRONT)
    if platform not in {line.name for line in connections.storefronts()}:
        messages.error(request, "Choose one of the store platforms.")
        return redirect("accounts:list")
    state = connect.begin(
        platform=platform,
        session=None if inside else request.session,
        user=request.user if request.user.is_authenticated else None,
        merchant_id=request.merchant_id,  # type: ignore[attr-defined]
        payload={"join": True, "actor": request.actor, "by": _hashed_address(inside)},  # type: ignore[attr-defined]
    )
    if inside:
        return _leave_the_frame(request, state)
    request.session["join"] = state
    return HttpResponseRedirect(connections.app_market_page(platform))


def _hashed_address(inside: Visitor | None) -> str:
    """Return what a later install by the same person is recognized by; somebody signed in is known anyway."""
    return joining.hashed_address(inside.email) if inside is not None and inside.email else ""


# ── looking over ─────────────────────────────────────────────────────────────────────────────────────────────────────


@needs(Role.MANAGER)
@require_POST
def check_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Look an account over again, now (F9)."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        account = marketplace_account_for(request, pk)
    return _checked(request, account)


@needs(Role.MANAGER)
@require_POST
def check_store(request: HttpRequest, pk: int) -> HttpResponse:
    """Look a store over again, now (F9)."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        store = store_for(request, pk)
    return _checked(request, store)


def _checked(request: HttpRequest, target: Store | MarketplaceAccount) -> HttpResponse:
    if target.is_active:
        messages.info(request, checking.again(target))
    else:
        messages.error(request, f"{target.name} is not connected. Connect it first")
    return redirect("accounts:list")


# ── to the marketplace and back ──────────────────────────────────────────────────────────────────────────────────────


def _callback_url(platform: str) -> str:
    return settings.WEB_URL + reverse("accounts:callback", args=[platform])


def _go(request: HttpRequest, wish: dict[str, Any]) -> HttpResponse:
    """Begin a consent and send the browser to the marketplace."""
    inside = getattr(request, "embedded", None)
    state = connect.begin(
        platform=wish["platform"],
        session=None if inside else request.session,
        user=request.user if request.user.is_authenticated else None,
        merchant_id=request.merchant_id,  # type: ignore[attr-defined]
        payload=wish
        | {
            "actor": request.actor,  # type: ignore[attr-defined]
            "shop": inside.store_key if inside else "",
            "frame": inside.platform if inside else "",
        },
    )
    if inside:
        return _leave_the_frame(request, state)
    return _to_marketplace(request, wish, state)


def _leave_the_frame(request: HttpRequest, state: str) -> HttpResponse:
    """Show a link that goes on in the whole window: consent pages and app markets refuse to be framed."""
    target = settings.WEB_URL + reverse("accounts:leave-frame") + f"?state={state}"
    return page(request, "accounts/leave_frame.html", {"target": target})


def _to_marketplace(request: HttpRequest, wish: dict[str, Any], state: str) -> HttpResponse:
    platform = wish["platform"]
    auth = connections.authorization(platform)
    started = request.session.pop(APPSTORE, None)
    redirect_uri = _callback_url(platform)
    # Who came from one marketplace may have chosen another one meanwhile.
    if started and started["platform"] == platform:
        url = auth.appstore_url(query=started["query"], state=state, redirect_uri=redirect_uri)
    else:
        site = next(iter(wish["sites"]), "")
        url = auth.authorize_url(state=state, redirect_uri=redirect_uri, region=wish["region"], site=site)
    response = HttpResponseRedirect(url)
    response["Referrer-Policy"] = "no-referrer"
    return response


@login_not_required
@never_cache
@require_GET
def leave_frame(request: HttpRequest) -> HttpResponse:
    """Take over a consent begun inside a store's admin, in the whole browser window, and go to the marketplace.

    Only from our own page in the frame: a link somebody sends could make its reader connect their seller account to the
    sender's merchant.
    """
    if not from_our_own_page(request):
        return _failed(request, "Open this from inside your store's admin. Start again from Accounts.", status=400)
    try:
        row = connect.adopt(request.GET.get("state", ""), session=request.session)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=400)
    if row.payload.get("join"):
        request.session["join"] = request.GET["state"]
        return HttpResponseRedirect(connections.app_market_page(row.platform))
    return _to_marketplace(request, row.payload, request.GET["state"])


def from_our_own_page(request: HttpRequest) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Referer", "").startswith(f"{settings.WEB_URL}/")


def began_there(request: HttpRequest, platform: str, *, query: dict[str, str], seller_key: str) -> HttpResponse:
    """Go on with a seller who began at the marketplace and came to our login address with `query`."""
    auth = connections.authorization(platform)
    assert isinstance(auth, StartsThere)
    try:
        auth.appstore_url(query=query, state="check", redirect_uri="check")
    except Rejected as error:
        return _failed(request, f"{error.message}.", status=400)
    request.session[APPSTORE] = {"platform": platform, "query": query}
    known = MarketplaceAccount.objects.filter(platform=platform, key=seller_key).first()
    if known is not None:
        return redirect("accounts:edit", known.pk)
    return redirect("accounts:add")


@login_not_required
@calls_out
@never_cache
@require_GET
def callback(request: HttpRequest, platform: str) -> HttpResponse:
    """The marketplace sends the browser back: check the state, take the tokens, ask for the sites, keep the account."""
    try:
        registry.platform(platform)
        row = connect.claim(request.GET.get("state", ""), platform=platform, session=request.session)
        _still_allowed(request, row)
        account, new = _finish(row, {name: str(value) for name, value in request.GET.items()})
    except LookupError:
        return _failed(request, "There is no such marketplace.", status=404)
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)
    except Rejected as error:
        return _failed(request, f"{error.message}.", status=400)
    except AuthorizationExpired as error:
        return _failed(request, f"{error.message}.", status=400)
    except TransientError:
        sentence = "The marketplace did not answer. Nothing was saved; connect again in a minute."
        return _failed(request, sentence, status=503)
    except ConnectorError as error:
        log.error("a consent could not be finished", platform=platform, error=error.message)
        return _failed(request, f"{error.message}. Nothing was saved.", status=502)
    fresh, again = (
        "connected. Its orders appear here by themselves.",
        "is connected again. The gap is filled by itself.",
    )
    words = fresh if new else again
    messages.success(request, f"{account.name} {words}")
    shop = row.payload.get("shop", "")
    if shop:
        return HttpResponseRedirect(connections.app_page(row.payload.get("frame", FIRST_STOREFRONT), shop))
    return HttpResponseRedirect(reverse("accounts:list"))


def _still_allowed(request: HttpRequest, row: ConnectState) -> None:
    """Refuse when somebody else is signed in now, or the person who began lost the right meanwhile."""
    if row.user_id is None or row.merchant_ref is None:
        return
    if request.user.is_authenticated and request.user.pk != row.user_id:
        raise connect.ConnectRefused("You are signed in as somebody else now. Start again from Accounts.", "state_user")
    member = Membership.objects.filter(user_id=row.user_id, merchant_ref=row.merchant_ref).first()
    if member is None or not may(member.role, Role.MANAGER):
        raise connect.ConnectRefused("You may not connect accounts of this merchant any more.", "role")


def _finish(row: ConnectState, query: dict[str, str]) -> tuple[MarketplaceAccount, bool]:
    wish = row.payload
    assert row.merchant_ref is not None
    auth = connections.authorization(row.platform)
    grant = auth.exchange(query=query, redirect_uri=_callback_url(row.platform))
    granted = connect.sites_of(row.platform, wish["region"], grant)
    with tenancy.scope(row.merchant_ref):
        if not Store.objects.filter(pk=wish["store_id"]).exists():
            raise connect.ConnectRefused("The store you chose is gone. Start again from Accounts.", "store")
    return connect.keep_account(
        row.merchant_ref,
        connect.AccountWish(
            row.platform, wish["region"], wish["name"], tuple(wish["sites"]), wish["store_id"], wish.get("account_id")
        ),
        grant,
        granted_sites=granted,
        actor=wish["actor"],
    )


def _failed(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return page(request, "accounts/connect_failed.html", {"sentence": sentence}, status=status)
