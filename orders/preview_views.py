"""The preview on the settings pages: the last order under what stands in the fields, nothing saved."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import marketplace_account_for, needs
from accounts.models import Role
from orders import preview


@needs(Role.VIEWER)
@require_GET
def settings_preview(request: HttpRequest) -> HttpResponse:
    """Show the last order, of the account in the address or of all, under each tax and e-mail mode."""
    given = request.GET
    account_id = None
    if given.get("account", "").isdecimal():
        account_id = marketplace_account_for(request, int(given["account"][:18])).pk
    typed = preview.Typed(
        tax_percent=given.get("tax_percent", "")[:20],
        address=given.get("customer_email_address", "")[:254],
        domain=given.get("customer_email_domain", "")[:190],
    )
    order = preview.last_order(account_id)
    seen = preview.of(order, typed) if order is not None else None
    return render(request, "orders/settings_preview.html", {"seen": seen})
