"""The support workbench for alerts: what needs a person, at which merchant, since when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from notifications import alerts
from notifications.models import Alert
from salestio import tenancy
from salestio.workbench import Call, Deed, Workbench


class OpenFilter(admin.SimpleListFilter):
    """Open alerts, or closed ones."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "Closed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(closed_at__isnull=self.value() == "yes") if self.value() in ("yes", "no") else queryset


def _close(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        alert = Alert.objects.get(pk=call.pk)
        if alert.closed_at:
            return "was closed already"
        alerts.close(kind=alert.kind, key=alert.key)
    return "closed; it opens again by itself when its cause comes back"


@admin.register(Alert)
class AlertAdmin(Workbench):
    """Alerts of all merchants, in the merchant's words."""

    list_display = ("words", "level", "merchant", "kind", "key", "opened_at", "closed_at")
    list_filter = (OpenFilter, "level")
    panels = ("words",)
    exact = ("kind", "key", "merchant_id")
    search_help_text = "Kind, key, merchant's id"
    deeds: ClassVar = (Deed("close_alert", "Close", _close),)

    @admin.display(description="Says")
    def words(self, alert: Alert) -> str:
        return alerts.reading(alert).title
