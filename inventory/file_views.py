"""Mapping files on the pages (F37): upload, the report row by row, *Apply* or *Discard*, downloads."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, needs
from accounts.models import Role
from inventory import access, mapping_files
from inventory.domain.mapping_file import BadFile, words_of
from inventory.forms import MappingFileForm, TargetForm
from inventory.models import MappingUpload, MappingUploadRow
from inventory.views import mapping_page
from salestio import tenancy

PAGE = 100
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "problems": ("Problems", {"outcome__in": ("invalid", "duplicate", "changed")}),
    "unknown": ("Unknown store SKU", {"known": False}),
    "added": ("Added", {"outcome": "added"}),
    "replaced": ("Replaced", {"outcome": "replaced"}),
    "unchanged": ("Unchanged", {"outcome": "unchanged"}),
    "changed": ("Changed meanwhile", {"outcome": "changed"}),
    "all": ("All rows", {}),
}
"""What part of a report is shown: its name and its filter."""


@require_POST
@needs(Role.MANAGER)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file of mappings in to be checked; its page shows how far that is."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        form = MappingFileForm(access.stores(), access.accounts(), request.POST, request.FILES)
        if form.is_valid():
            store, account = form.store_and_account()
            file = form.cleaned_data["file"]
            try:
                taken = mapping_files.take(
                    store=store, account=account, name=file.name, data=file.read(),
                    actor=request.actor,  # type: ignore[attr-defined]
                )  # fmt: skip
            except BadFile as error:
                form.add_error("file", str(error))
            else:
                return redirect("inventory:upload", taken.pk)
        return mapping_page(request, file_form=form, status=422)


def _context(request: HttpRequest, row: MappingUpload) -> dict[str, Any]:
    """Return what the file's part of the page shows: how far it is, then its report, 100 rows a page."""
    working = row.state in MappingUpload.WORKED
    words = mapping_files.words_for(row)
    counts = [
        (words["added"], row.added, "added"), (words["replaced"], row.replaced, "replaced"),
        (words["unchanged"], row.unchanged, "unchanged"), (words["changed"], row.changed, "changed"),
        ("Unknown store SKU", row.unknown, "unknown"), ("Duplicates", row.duplicates, "problems"),
        (words["invalid"], row.invalid, "problems"),
    ]  # fmt: skip
    context: dict[str, Any] = {
        "upload": row, "working": working, "counts": [one for one in counts if one[1] or one[2] != "changed"],
        "may_apply": mapping_files.may_be_applied(row, now()) and may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
        "kept_until": row.checked_at and row.checked_at + timedelta(hours=mapping_files.UNAPPLIED_HOURS),
        "expired": row.state in (MappingUpload.State.CHECKED, MappingUpload.State.EXPIRED)
        and not mapping_files.may_be_applied(row, now()),
    }  # fmt: skip
    return context if working else context | _report(request, row, words)


def _report(request: HttpRequest, row: MappingUpload, words: dict[str, str]) -> dict[str, Any]:
    chosen = request.GET.get("show", "")
    if chosen not in SHOWN:
        problems = row.invalid + row.duplicates + row.changed
        chosen = "problems" if problems else "unknown" if row.unknown else "all"
    after = request.GET.get("after", "")
    found = MappingUploadRow.objects.filter(upload_id=row.pk, **SHOWN[chosen][1]).order_by("line")
    if after.isascii() and after.isdecimal() and len(after) < 10:
        found = found.filter(line__gt=int(after))
    rows = list(found[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    names = {"added": words["added"], "replaced": words["replaced"]}
    return {
        "rows": [
            (one, words[one.outcome], words_of(one.before) if one.before and one.outcome == "replaced" else "") for one in rows
        ],
        "chosen": chosen,
        "shown": [
            (code, names.get(code, name)) for code, (name, _) in SHOWN.items() if code != "changed" or row.changed
        ],
        "next": urlencode({"show": chosen, "after": rows[-1].line}) if more else "",
    }  # fmt: skip


@require_GET
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a file is, and what its rows would change or have changed."""
    context = _context(request, access.upload_for(pk)) | {"page_name": "SKU mapping"}
    return render(request, "inventory/upload.html", context)


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the file's part of the page; once a worker is done with it, that is its report, and is said aloud."""
    row = access.upload_for(pk)
    response = render(request, "inventory/upload_file.html", _context(request, row))
    if row.state not in MappingUpload.WORKED:
        response["HX-Trigger"] = json.dumps({"said": _said(row)})
    return response


def _said(row: MappingUpload) -> str:
    if row.state == MappingUpload.State.CHECKED:
        return f"Checked: {row.added:,} to add, {row.replaced:,} to replace. Nothing is changed before you apply it"
    if row.state == MappingUpload.State.FAILED:
        return "The file could not be worked to its end"
    if row.applied_at is None:
        return "Checked: nothing to apply"
    return f"Applied: {row.added:,} added, {row.replaced:,} replaced. Waiting orders are matched again"


@require_POST
@needs(Role.MANAGER)
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a checked file applied by a worker."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        row = access.upload_for(pk)
        pressed = mapping_files.apply(upload_id=row.pk, actor=request.actor)  # type: ignore[attr-defined]
    if not pressed and row.state == MappingUpload.State.CHECKED:
        messages.error(request, "The check is more than a day old. Upload the file again; nothing was changed")
    return redirect("inventory:upload", row.pk)


@require_POST
@needs(Role.MANAGER)
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a checked file with its report."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        row = access.upload_for(pk)
        gone = mapping_files.discard(upload_id=row.pk)
    if not gone:
        messages.error(request, "The file is not waiting to be applied any more")
        return redirect("inventory:upload", row.pk)
    messages.success(request, f"{row} discarded. Nothing was changed")
    return redirect("inventory:mappings")


def _csv(lines: Any, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@require_GET
def report_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Answer the whole report as a CSV file."""
    row = access.upload_for(pk)
    return _csv(mapping_files.report_lines(row.merchant_id, row.pk), f"sku-mapping-report-{row.pk}.csv")


@require_GET
def download(request: HttpRequest) -> StreamingHttpResponse:
    """Answer the table of one account, or the one for all accounts of a store, as a file that can be uploaded again."""
    form = TargetForm(access.stores(), access.accounts(), request.GET)
    if not form.is_valid():
        raise Http404("There is no such account.")
    store, account = form.store_and_account()
    name = slugify(account.name if account else f"{store.name} all accounts") or "all"
    lines = mapping_files.table_lines(store.merchant_id, store.pk, account.pk if account else None)
    return _csv(lines, f"sku-mapping-{name}-{now():%Y-%m-%d}.csv")
