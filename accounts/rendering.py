"""Rendering a page outside the middleware's scope: after a POST, or in a view that calls a platform."""

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
