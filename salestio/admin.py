"""The support workbench for the running system: jobs, heartbeats, and how platforms answered."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.timezone import now

from accounts import audit, support
from accounts.models import Merchant
from salestio import jobs, routes, tenancy
from salestio.models import CallCount, Heartbeat, SystemNote
from salestio.workbench import AcrossMerchants, across, as_number

SAID = 600
"""Characters of a job's findings that a message shows."""


@admin.register(SystemNote)
class SystemNoteAdmin(AcrossMerchants):
    """Small facts kept between runs, and above them the jobs, each with a button."""

    list_display = ("name", "value", "updated_at")
    readonly_fields = ("name", "value", "updated_at")
    search_fields = ("name",)
    ordering = ("name",)
    change_list_template = "admin/workbench/jobs.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST":
            return self._run(request)
        last = dict(SystemNote.objects.filter(name__startswith="job:").values_list("name", "value"))
        shown = [
            {"name": job.name, "words": job.words, "every": job.every, "last": _last(last.get(f"job:{job.name}"))}
            for job in jobs.JOBS.values()
        ]
        return super().changelist_view(request, {"jobs": shown, "title": "Jobs and notes", **(extra_context or {})})

    def _run(self, request: HttpRequest) -> HttpResponse:
        """Run a job now for one merchant, or make it due for all: then a worker runs it, and no page waits for it."""
        if not self.has_view_permission(request):
            raise PermissionDenied("The support workbench is for support staff.")
        back = HttpResponseRedirect(request.path)
        job = jobs.JOBS.get(request.POST.get("job", ""))
        typed = request.POST.get("merchant", "").strip()
        if job is None:
            messages.warning(request, f"There is no such job; there are {', '.join(jobs.JOBS)}.")
            return back
        if not typed:
            self._make_due(request, job)
            return back
        with across():
            merchant = Merchant.objects.filter(pk=as_number(typed) or 0).first()
        if merchant is None:
            messages.warning(request, f"There is no merchant {typed!r}; type the merchant's id.")
            return back
        opened = support.opened(request)
        with tenancy.scope(merchant.pk):
            audit.note(
                actor=f"support {request.user}", action="support.job", subject=job.name,
                reason=opened.reason if opened and opened.merchant_id == merchant.pk else "",
            )  # fmt: skip
        said = routes.resolve(job.function)(merchant.pk, now())
        text = json.dumps(said, default=str)[:SAID] if said else "nothing to do"
        messages.info(request, f"{job.words}, {merchant}: {text}")
        return back

    def _make_due(self, request: HttpRequest, job: jobs.Job) -> None:
        SystemNote.objects.update_or_create(name=f"job:{job.name}", defaults={"value": {}})
        LogEntry.objects.create(
            user_id=int(request.user.pk or 0), content_type=None, object_id=f"job:{job.name}", object_repr=f"job {job.name}",
            action_flag=CHANGE, change_message="Made due for every merchant",
        )  # fmt: skip
        messages.info(request, f"{job.words}: due for every merchant, a worker runs it within a minute")


def _last(value: Any) -> str:
    """Return when a job last began, in UTC; *due now* when it never did."""
    at = value.get("at") if isinstance(value, dict) else None
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S}" if at else "due now"


@admin.register(Heartbeat)
class HeartbeatAdmin(AcrossMerchants):
    """When each part last proved that it does its work."""

    list_display = ("name", "at", "ago", "detail")
    readonly_fields = ("name", "at", "detail")
    search_fields = ("name",)
    ordering = ("name",)

    @admin.display(description="Ago")
    def ago(self, beat: Heartbeat) -> str:
        return str(timedelta(seconds=int((now() - beat.at).total_seconds())))


@admin.register(CallCount)
class CallCountAdmin(AcrossMerchants):
    """How many calls of each kind were answered how."""

    list_display = ("platform", "operation", "status", "calls", "mean")
    list_filter = ("platform",)
    readonly_fields = ("platform", "operation", "status", "calls", "seconds")
    search_fields = ("operation", "status")
    ordering = ("platform", "operation", "status")

    @admin.display(description="Mean, ms")
    def mean(self, count: CallCount) -> str:
        return f"{1000 * count.seconds / count.calls:.0f}" if count.calls else "—"
