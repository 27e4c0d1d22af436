"""The support workbench for the outbox: what we owe, what failed, and sending a given-up row again."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from salestio import tenancy
from salestio.outbox import dispatch
from salestio.outbox.models import OutboxRow
from salestio.workbench import Call, Deed, Workbench


def _again(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        return dispatch.requeue(call.pk)


@admin.register(OutboxRow)
class OutboxRowAdmin(Workbench):
    """What we owe platforms, one row an event and handler."""

    list_display = (
        "handler", "key", "state", "merchant", "store_ref", "attempts", "next_attempt_at", "lease_until", "error_code",
        "error_text", "created_at", "done_at",
    )  # fmt: skip
    list_filter = ("state",)
    exact = ("merchant_id", "store_ref", "key", "handler")
    search_help_text = "Handler, key, id of merchant or store"
    deeds: ClassVar = (Deed("requeue", "Send again", _again),)
