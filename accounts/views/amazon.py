"""Our login address at Amazon."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from accounts.access import needs
from accounts.models import Role
from accounts.views.connections import began_there


@needs(Role.MANAGER)
@require_GET
def login(request: HttpRequest) -> HttpResponse:
    """A seller comes from Amazon's app store, or to agree for another year."""
    query = {name: request.GET.get(name, "") for name in ("amazon_callback_uri", "amazon_state", "selling_partner_id")}
    return began_there(request, "amazon", query=query, seller_key=query["selling_partner_id"])


URLS = [path("connect/amazon/login", login, name="amazon-login")]
