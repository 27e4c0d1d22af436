"""Rendering a page outside the middleware's scope: after a POST, or in a view that calls a platform; and asking first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from salestio import tenancy


def page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a template in the request's merchant's scope, opened unless it is; without a merchant, in none."""
    merchant_id = getattr(request, "merchant_id", None)
    if merchant_id is None or tenancy.active():
        return render(request, template, context, status=status)
    with tenancy.scope(merchant_id):
        return render(request, template, context, status=status)


def ask_first(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Ask before something is taken away: a dialog where htmx asked for one, else a page; its form comes back `confirmed`.

    The template extends components/confirm.html. Sent without its tick, it is shown again with what is missing, as 422.
    """
    unsure = "asked" in request.POST
    # Inside a store's frame every form is sent by htmx: only a request for the dialog's place is one for a dialog.
    in_dialog = request.headers.get("HX-Target") == "dialog"
    base = "components/dialog.html" if in_dialog else "base.html"
    return page(
        request,
        template,
        context | {"in_dialog": in_dialog, "base": base, "unsure": unsure},
        status=422 if unsure else 200,
    )
