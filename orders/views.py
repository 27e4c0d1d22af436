"""The Orders list and what is done from it. Views open doors: queries live in listing.py, words in rows.py."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import may, needs
from accounts.models import MarketplaceAccount, Role
from accounts.platforms import FIRST_STOREFRONT, SHIPPING_WORDS
from orders import bulk, filters, pipeline, pull, rows, totals
from orders.access import saved_view_for
from orders.forms import FetchForm, SaveViewForm
from orders.listing import CAP, PAGE, Listing, Place, ship_today_count
from orders.models import Order, SavedView, Status
from orders.reasons import REASONS, sentence
from salestio import tenancy
from salestio.lib.text import counted

SHIP_COUNT_SECONDS = 15


def _accounts(request: HttpRequest) -> list[MarketplaceAccount]:
    """Return the merchant's accounts, read once a request; the shell around the page uses them too."""
    found: list[MarketplaceAccount] | None = getattr(request, "accounts", None)
    if found is None:
        found = list(MarketplaceAccount.objects.order_by("pk"))
        request.accounts = found  # type: ignore[attr-defined]
    return found


def _counts(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(request, "order_counts", None)
    if found is None:
        found = totals.everything()
        request.order_counts = found  # type: ignore[attr-defined]
    return found


def _ship_today(request: HttpRequest) -> int:
    # A count that may be 15 s old beside a tab; the list behind it is exact.
    key = f"ship-today:{tenancy.current_merchant_id()}"
    return int(cache.get_or_set(key, ship_today_count, SHIP_COUNT_SECONDS) or 0)


def _tabs(request: HttpRequest, chosen: filters.Filters, saved: list[SavedView]) -> list[dict[str, Any]]:
    numbers = _counts(request)
    by_state = numbers["states"]
    on_the_way = sum(by_state.get(state, 0) for state in filters.ON_THE_WAY) - numbers["reasons"].get("NOT_PAID_YET", 0)
    shown = {
        "all": numbers["all"],
        "needs": by_state.get("held", 0),
        "way": max(on_the_way, 0),
        "ship": _ship_today(request),
        "fba": numbers["fulfilled_by"].get("marketplace", 0),
    }
    here = urlencode(sorted(chosen.pairs()))
    mine = next((view for view in saved if view.query == here), None)
    base = reverse("orders:list")
    tabs = [
        {"label": label, "count": shown[name], "url": f"{base}?view={name}" if name != "all" else base,
         "current": name == chosen.view and mine is None}
        for name, label in filters.VIEWS.items()
        if name != "fba" or shown["fba"] or name == chosen.view or _has_words(request)
    ]  # fmt: skip
    tabs += [
        {"label": v.name, "count": None, "url": f"{base}?{v.query}", "current": v is mine, "saved": v} for v in saved
    ]
    return tabs


def _has_words(request: HttpRequest) -> bool:
    """Say whether one of the merchant's marketplaces has words of its own for who ships."""
    return any(account.platform in SHIPPING_WORDS for account in _accounts(request))


def _total(request: HttpRequest, listing: Listing, chosen: filters.Filters, shown: int, whole: bool) -> int:
    """Return how many orders fit: told by the page itself or by the counters where they know, else counted (capped)."""
    if whole:
        return shown
    numbers = _counts(request)
    if chosen.days is None and not chosen.first_day and not chosen.last_day:
        if chosen.weight == 0:
            return int(numbers["all"])
        known = {
            "view=needs": numbers["states"].get("held", 0),
            "view=fba": numbers["fulfilled_by"].get("marketplace", 0),
            **{f"reason={name}": number for name, number in numbers["reasons"].items()},
            **{f"fulfilled={name}": number for name, number in numbers["fulfilled_by"].items()},
            **{f"account={pk}": number for pk, number in numbers["accounts"].items()},
        }
        if chosen.states and chosen.weight == 1:
            return sum(int(numbers["states"].get(state, 0)) for state in chosen.states)
        told = known.get(chosen.without("placed"))
        if told is not None:
            return int(told)
    return listing.count()


@require_GET
def order_list(request: HttpRequest) -> HttpResponse:
    """Show a page of orders; every filter is in the address."""
    chosen = filters.parse(request.GET)
    place = Place.read(request.GET.get("at", ""))
    accounts = _accounts(request)
    listing = Listing(chosen, accounts, request.stores)  # type: ignore[attr-defined]
    page = listing.page(place)
    whole = place is None and not page.older
    total = _total(request, listing, chosen, len(page.orders), whole)
    found = rows.build(page.orders, rows.buyers_of(page.orders), chosen.query)
    storefront = _storefront(request)
    saved, runs = bulk.beside(storefront)
    names = {account.pk: account.name for account in accounts}
    newest = max((a.newest_order_at for a in accounts if a.newest_order_at), default=None)
    top = page.orders[0] if page.orders and place is None else None
    context = {
        "page_name": "Orders", "filters": chosen, "chips": chosen.chips(names), "rows": found, "list_page": page,
        "total": total, "total_words": _many(total, listing), "tabs": _tabs(request, chosen, saved),
        "accounts": accounts, "newest": newest,
        "states": filters.MANY["state"], "statuses": dict(Status.choices), "reasons": _offered_reasons(request, chosen),
        "marketplaces": sorted({account.platform for account in accounts}), "placed": filters.PLACED,
        "fulfillers": filters.FULFILLED if _has_words(request) else filters.SHIPPED_BY, "find": request.GET.get("find"),
        "compact": request.COOKIES.get("rows") == "compact", "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
        "poll": _poll_url(chosen, page.orders, top, runs), "storefront": storefront, "runs": runs,
        "nothing_yet": not found and chosen.weight == 0 and chosen.days is None and place is None,
    }  # fmt: skip
    return render(request, "orders/order_list.html", context)


def _many(total: int, listing: Listing) -> str:
    """Return "412", or "more than 10,000" where counting ended (2,000 for a popular search)."""
    end = listing.rare if listing.popular else CAP
    return f"more than {end:,}" if total > end else f"{total:,}"


def _offered_reasons(request: HttpRequest, chosen: filters.Filters) -> list[tuple[str, str]]:
    present = _counts(request)["reasons"]
    codes = [code for code in REASONS if present.get(code, 0) > 0 or code in chosen.reasons]
    store = request.store.platform if request.store else ""  # type: ignore[attr-defined]
    return [(code, sentence(code, {"store_platform": store}, part="title")) for code in codes]


def _storefront(request: HttpRequest) -> str:
    return str(request.store.platform) if request.store else FIRST_STOREFRONT  # type: ignore[attr-defined]


def _poll_url(chosen: filters.Filters, orders: list[Order], top: Order | None, runs: list[bulk.Progress]) -> str:
    pairs = [*chosen.pairs(), ("ids", ".".join(str(order.pk) for order in orders))]
    if runs:
        pairs.append(("runs", ".".join(str(one.run.pk) for one in runs)))
    if top:
        pairs.append(("top", Place(top.purchased_at, top.pk, True).text()))
    return f"{reverse('orders:live')}?{urlencode(pairs)}"


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part.isascii() and part.isdecimal() and len(part) < 19]


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """Answer the rows of a list that is open, and how many newer orders fit; 304 when nothing changed."""
    wanted = _numbers(request.GET.get("ids", ""))[:PAGE]
    chosen = filters.parse(request.GET)
    place = Place.read(request.GET.get("top", ""))
    listing = Listing(chosen, _accounts(request), request.stores)  # type: ignore[attr-defined]
    fresh = listing.newer_than(place) if place else 0
    known = Order.objects.in_bulk(wanted)
    orders = listing.attached([known[pk] for pk in wanted if pk in known])
    runs = bulk.followed(_numbers(request.GET.get("runs", "")), _storefront(request))
    versions = [rows.version(order) for order in orders] + [one.version for one in runs]
    tag = hashlib.blake2b(f"{fresh}:{versions}".encode(), digest_size=9).hexdigest()
    if request.headers.get("If-None-Match", "").strip('"') == tag:
        return HttpResponseNotModified()
    context = {
        "rows": rows.build(orders, rows.buyers_of(orders), chosen.query), "fresh": fresh, "filters": chosen, "runs": runs,
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
    }  # fmt: skip
    response = render(request, "orders/live.html", context)
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@needs(Role.MANAGER)
def export_many(request: HttpRequest) -> HttpResponse:
    """Export the chosen orders, or all that match: they are marked due and the lane is rung."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    query = request.POST.get("query", "")
    chosen = filters.parse(_as_query(query))
    if request.POST.get("all"):
        with tenancy.scope(merchant_id):
            ids = Listing(chosen).ids()
    else:
        ids = [int(text) for text in request.POST.getlist("order") if text.isdecimal() and len(text) < 19][:CAP]
    back = f"{reverse('orders:list')}?{chosen.query}" if chosen.query else reverse("orders:list")
    if not ids:
        messages.info(request, "No order was chosen")
        return redirect(back)
    asked = pipeline.export_many(merchant_id, ids, actor=request.actor, follow=True)  # type: ignore[attr-defined]
    left = len(ids) - asked
    text = f"{counted(asked, 'order')} on the way to your store" if asked else "Nothing to export"
    messages.success(request, f"{text}. {left} left as they are: in the store already or canceled" if left else text)
    return redirect(back)


@require_POST
@needs(Role.MANAGER)
def close_bulk(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the count of a bulk export no more."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        if not bulk.close(pk):
            raise Http404("There is no such bulk export.")
    query = filters.parse(_as_query(request.POST.get("query", ""))).query
    return redirect(f"{reverse('orders:list')}?{query}" if query else reverse("orders:list"))


def _as_query(text: str) -> QueryDict:
    return QueryDict(text[:2000])


# ── fetch one, check now ─────────────────────────────────────────────────────────────────────────────────────────────


def _fetch_dialog(request: HttpRequest, form: FetchForm, status: int = 200) -> HttpResponse:
    return render(request, "orders/fetch.html", {"form": form, "page_name": "Orders"}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Role.MANAGER)
def fetch(request: HttpRequest) -> HttpResponse:
    """Fetch one order by its marketplace id, of any age (F29)."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    if request.method != "POST":
        return _fetch_dialog(request, FetchForm(_accounts(request)))
    with tenancy.scope(merchant_id):
        accounts = _accounts(request)
    form = FetchForm(accounts, request.POST)
    if form.is_valid():
        found = pull.fetch_one(
            merchant_id,
            form.cleaned_data["account"],
            form.cleaned_data["marketplace_order_id"],
            actor=request.actor,  # type: ignore[attr-defined]
        )
        if found.order_id is not None:
            messages.success(request, found.message)
            return _go(request, reverse("orders:detail", args=[found.order_id]))
        form.add_error("marketplace_order_id", found.message)
    with tenancy.scope(merchant_id):
        return _fetch_dialog(request, form, 422)


@require_POST
@needs(Role.MANAGER)
def check_now(request: HttpRequest) -> HttpResponse:
    """Ask every active account, or the one named, for new orders now."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    only = request.POST.get("account", "")
    with tenancy.scope(merchant_id):
        accounts = [a for a in _accounts(request) if a.is_active and (not only or str(a.pk) == only)]
    for account in accounts:
        pull.ask(merchant_id, account.pk, actor=request.actor)  # type: ignore[attr-defined]
    if accounts:
        messages.success(request, f"Asking {counted(len(accounts), 'account')} for new orders now")
    else:
        messages.error(request, "No account is connected and active. Connect one under Accounts")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    asked = request.POST.get("back", "")
    return asked if asked.startswith("/") and not asked.startswith(("//", "/\\")) else reverse("orders:list")


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the browser on, whether htmx or a plain form asked."""
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return redirect(url)


# ── saved views ──────────────────────────────────────────────────────────────────────────────────────────────────────


@require_POST
@needs(Role.MANAGER)
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the present filters under a name."""
    form = SaveViewForm(request.POST)
    chosen = filters.parse(_as_query(request.POST.get("query", "")))
    query = urlencode(sorted(chosen.pairs()))
    if not form.is_valid() or not query:
        messages.error(request, "Choose a filter and give the view a name")
        return redirect(f"{reverse('orders:list')}?{query}")
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        SavedView.objects.update_or_create(
            merchant_id=request.merchant_id, name=form.cleaned_data["name"],  # type: ignore[attr-defined]
            defaults={"query": query, "created_by": request.actor},  # type: ignore[attr-defined]
        )  # fmt: skip
    messages.success(request, f"View “{form.cleaned_data['name']}” saved")
    return redirect(f"{reverse('orders:list')}?{query}")


@require_POST
@needs(Role.MANAGER)
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a saved view."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        view = saved_view_for(pk)
        view.delete()
    messages.success(request, f"View “{view.name}” removed")
    return redirect("orders:list")
