"""A store that was installed where we could not know its owner joins the merchant of who pressed *Add store*."""

from __future__ import annotations

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import connect, connections, installing, joining, offers
from accounts.access import calls_out
from accounts.models import Merchant
from accounts.views.connections import from_our_own_page
from connectors.contract.errors import ConnectorError, TransientError
from salestio import tenancy

log = structlog.get_logger(__name__)


@login_not_required
@calls_out
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Show which store was installed and to which merchant it would go, and let it join when the owner says so."""
    offer = offers.read(request.GET.get("offer", ""))
    if offer is None:
        return _failed(request, "This took too long. Start again from Accounts.", status=400)
    asking = request.method != "POST"
    # A link somebody sends could bring the sender's store, and with it its owner, into the reader's merchant.
    if asking and not from_our_own_page(request):
        return _failed(request, "Open this from inside your store's control panel.", status=400)
    platform = offer.person.platform
    try:
        begun = joining.pressed(request, platform) if asking else joining.take(request, platform)
        if asking:
            return _ask(request, offer, begun.merchant_ref)
        done = installing.install(platform, offer.grant, join=begun.merchant_ref, actor=begun.payload["actor"])
    except connect.ConnectRefused as refused:
        return _failed(request, refused.sentence, status=409)
    except TransientError:
        return _failed(request, "The store did not answer. Start again from Accounts in a minute.", status=503)
    except ConnectorError as error:
        log.error("a store could not be added", platform=platform, error=error.message)
        return _failed(request, f"{error.message}. Nothing was saved.", status=502)
    if begun.user_id is None:
        return HttpResponseRedirect(connections.app_page(platform, offer.grant.key))
    messages.success(request, f"{done.store.name} added. Its products are being read now.")
    return redirect("accounts:list")


def _ask(request: HttpRequest, offer: offers.Offer, merchant_id: int | None) -> HttpResponse:
    assert merchant_id is not None
    info = connect.store_info(offer.person.platform, offer.grant)
    with tenancy.scope(merchant_id):
        merchant = Merchant.objects.get(pk=merchant_id).name
    context = {"merchant_name": merchant, "store_name": info.name, "offer": offer}
    return render(request, "accounts/join_store.html", context)


def _failed(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    return render(request, "accounts/connect_failed_plain.html", {"sentence": sentence}, status=status)
