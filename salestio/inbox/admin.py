"""The support workbench for the inbox: what platforms told us, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.timezone import now

from salestio import doorbell, tenancy
from salestio.inbox import drain
from salestio.inbox.models import InboxRow
from salestio.workbench import Call, Deed, Workbench


class WaitingFilter(admin.SimpleListFilter):
    """Messages that wait, failed before, or are done."""

    title = "state"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Waiting"), ("failed", "Failed and waiting"), ("no", "Done")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = {
            "yes": Q(done_at__isnull=True),
            "failed": Q(done_at__isnull=True) & ~Q(error=""),
            "no": Q(done_at__isnull=False),
        }.get(str(self.value()))
        return queryset.filter(wanted) if wanted is not None else queryset


def _now(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        row = InboxRow.objects.get(pk=call.pk)
        if row.done_at:
            return "is done already"
        InboxRow.objects.filter(pk=row.pk, done_at__isnull=True).update(next_attempt_at=now())
        doorbell.ring(drain.TASK, call.merchant_id, row.store_ref or 0)
    return "due now, a worker takes it"


@admin.register(InboxRow)
class InboxRowAdmin(Workbench):
    """Messages of platforms: ids and a topic, never a body."""

    list_display = (
        "event_id", "platform", "topic", "merchant", "store_ref", "account_ref", "received_at", "done_at", "attempts",
        "next_attempt_at", "error",
    )  # fmt: skip
    list_filter = (WaitingFilter,)
    exact = ("event_id", "merchant_id", "store_ref", "account_ref", "topic")
    search_help_text = "Event id, topic, id of merchant, store or account"
    deeds: ClassVar = (Deed("inbox_now", "Make due", _now),)
