"""Customization archives on pages: the merchant's own, and the shared link of the store order, which asks for no sign-in.

The shared pages are a door of their own: whoever has the link gets in, so the link is signed, ends with the archive, can
be ended by hand, and each address may only ask so often. Nothing of the archive is ever sent as anything but a picture of
a known kind or a ZIP to be saved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts import connections
from accounts.access import needs
from accounts.models import Role
from accounts.signing import client_address
from connectors.ratelimit import Take
from orders import archives, wishes
from orders.access import archive_for, order_for
from orders.domain import customization
from orders.domain.customization import BadArchive
from orders.models import Archive, OrderLine
from salestio import tenancy
from salestio.lib.crypto import UnreadableSecret

PAGE_COST, PICTURE_COST, DOWNLOAD_COST = 1.0, 1.0, 5.0
A_SECOND, BURST = 1.0, 60.0
"""What one address may ask of the shared pages: a page with its pictures at once, then about one a second."""


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _picture(archive: Archive, number: int) -> HttpResponse:
    content = _content(archive)
    try:
        body, kind = customization.picture(content, number)
    except (LookupError, BadArchive) as error:
        raise Http404("There is no such picture.") from error
    return _file(body, kind, f"customization-{archive.pk}-{number}.{kind.rpartition('/')[2]}", inline=True)


def _zip(archive: Archive, name: str) -> HttpResponse:
    return _file(_content(archive), "application/zip", f"customization-{name}.zip", inline=False)


def _content(archive: Archive) -> bytes:
    try:
        content = archives.content(archive.pk)
    except UnreadableSecret as error:
        raise Http404("The file cannot be opened with the keys there are.") from error
    if content is None:
        raise Http404("The file has not been fetched yet.")
    return content


def _file(body: bytes, kind: str, name: str, *, inline: bool) -> HttpResponse:
    """Return a stranger's file in a way no browser can take for a page of ours."""
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _line_of(archive: Archive) -> OrderLine | None:
    return OrderLine.objects.filter(order_id=archive.order_id, remote_id=archive.line_id).first()


def _zip_name(archive: Archive) -> str:
    line = _line_of(archive)
    reference = "".join(sign for sign in archive.order.marketplace_order_id if sign.isalnum() or sign == "-")
    return f"{reference}-{line.number}" if line else reference


# ── the merchant's own ───────────────────────────────────────────────────────────────────────────────────────────────


def _not_for_support(request: HttpRequest) -> None:
    if getattr(request, "support", None) is not None:
        raise PermissionDenied("What a buyer asked for is personal; support does not see it.")


@require_GET
def picture(request: HttpRequest, pk: int, archive: int, number: int) -> HttpResponse:
    """Show a picture of an order's archive."""
    _not_for_support(request)
    return _picture(archive_for(order_for(pk), archive), number)


@require_GET
def download(request: HttpRequest, pk: int, archive: int) -> HttpResponse:
    """Give the archive as it came."""
    _not_for_support(request)
    found = archive_for(order_for(pk), archive)
    return _zip(found, _zip_name(found))


@require_POST
@needs(Role.MANAGER)
def again(request: HttpRequest, pk: int, archive: int) -> HttpResponse:
    """Fetch an archive again."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        archives.fetch_again(archive_for(order_for(pk), archive), actor=request.actor)  # type: ignore[attr-defined]
    messages.success(request, "Fetching the customization again; it shows here within a minute")
    return redirect(f"{reverse('orders:detail', args=[pk])}#lines")


@require_POST
@needs(Role.MANAGER)
def change_link(request: HttpRequest, pk: int, archive: int) -> HttpResponse:
    """End the shared link, or make a new one."""
    wanted = request.POST.get("do", "")
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        found = archive_for(order_for(pk), archive)
        actor: str = request.actor  # type: ignore[attr-defined]
        if wanted == "end" and found.link_open:
            archives.end_link(found, actor=actor)
            messages.success(request, "The shared link has ended; whoever has it sees nothing any more")
        elif wanted == "new" and not found.link_open:
            archives.new_link(found, actor=actor)
            messages.success(request, "There is a new shared link. The one in your store's order stays ended")
        elif wanted not in ("end", "new"):
            return HttpResponse("Say end or new.", status=400, content_type="text/plain")
    return redirect(f"{reverse('orders:detail', args=[pk])}#lines")


# ── the shared link ──────────────────────────────────────────────────────────────────────────────────────────────────


def _shared(request: HttpRequest, link: str, cost: float, answer: Callable[[Archive], HttpResponse]) -> HttpResponse:
    """Answer a shared address: 429 when asked too often, 404 for what is no link of ours, 410 for one that has ended."""
    visitor = hashlib.sha256(client_address(request).encode()).hexdigest()[:32]
    take = Take(f"shared:{visitor}", rate=A_SECOND, capacity=BURST, n=cost, start=BURST)
    wait = connections.limiter().take([take])
    said = archives.whose(link) if not wait else None
    if wait:
        response = _plain(request, "Too many requests", "Wait a moment, then open the link again.", 429)
        response["Retry-After"] = str(max(1, round(wait)))
    elif said is None:
        response = _plain(request, "There is nothing here", "Check that the link was copied whole.", 404)
    else:
        merchant_id, archive_id, number = said
        with tenancy.scope(merchant_id):
            archive = archives.shared(archive_id, number)
            response = answer(archive) if archive is not None else _ended(request)
    # Whoever opens it shall not give the link on, by a search engine, a cache or a link followed from here.
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response


def _ended(request: HttpRequest) -> HttpResponse:
    text = "It is kept until 30 days after delivery, then erased with the buyer's data, or the seller ended the link."
    return _plain(request, "This link has ended", text, 410)


def _plain(request: HttpRequest, title: str, text: str, status: int) -> HttpResponse:
    return render(request, "orders/shared_gone.html", {"title": title, "text": text}, status=status)


@login_not_required
@require_safe
def shared(request: HttpRequest, link: str) -> HttpResponse:
    """Show what the buyer made of a line, for whoever makes the item."""

    def page(archive: Archive) -> HttpResponse:
        order = archive.order
        context = {
            "order": order, "line": _line_of(archive),
            "archive": wishes.shown(archive, order, by_link=True),
        }  # fmt: skip
        return render(request, "orders/shared.html", context)

    return _shared(request, link, PAGE_COST, page)


@login_not_required
@require_safe
def shared_picture(request: HttpRequest, link: str, number: int) -> HttpResponse:
    """Show a picture of a shared archive."""
    return _shared(request, link, PICTURE_COST, lambda archive: _picture(archive, number))


@login_not_required
@require_safe
def shared_download(request: HttpRequest, link: str) -> HttpResponse:
    """Give a shared archive as it came."""
    return _shared(request, link, DOWNLOAD_COST, lambda archive: _zip(archive, _zip_name(archive)))
