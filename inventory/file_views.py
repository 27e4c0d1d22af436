"""Mapping files on the pages (F37): upload with progress, the report row by row, downloads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from accounts.access import needs
from accounts.models import Role
from inventory import access, mapping_files
from inventory.domain.mapping_file import BadFile
from inventory.forms import MappingFileForm, TargetForm
from inventory.models import MappingUpload, MappingUploadRow
from inventory.views import mapping_page
from salestio import tenancy

PAGE = 100
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "problems": ("Problems", {"outcome__in": ("invalid", "duplicate")}),
    "unknown": ("Unknown store SKU", {"known": False}),
    "added": ("Added", {"outcome": "added"}),
    "replaced": ("Replaced", {"outcome": "replaced"}),
    "unchanged": ("Unchanged", {"outcome": "unchanged"}),
    "all": ("All rows", {}),
}
"""What part of a report is shown: its name and its filter."""


@require_POST
@needs(Role.MANAGER)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file of mappings in; its page shows how far it is."""
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


def _context(row: MappingUpload) -> dict[str, Any]:
    return {
        "upload": row, "waiting": row.state == MappingUpload.State.WAITING,
        "counts": [
            ("Added", row.added, "added"), ("Replaced", row.replaced, "replaced"), ("Unchanged", row.unchanged, "unchanged"),
            ("Unknown store SKU", row.unknown, "unknown"), ("Duplicates", row.duplicates, "problems"),
            ("Not saved", row.invalid, "problems"),
        ],
    }  # fmt: skip


@require_GET
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a file is and what became of its rows, 100 a page."""
    row = access.upload_for(pk)
    chosen = request.GET.get("show", "")
    if chosen not in SHOWN:
        chosen = "problems" if row.invalid + row.duplicates else "unknown" if row.unknown else "all"
    after = request.GET.get("after", "")
    found = MappingUploadRow.objects.filter(upload_id=row.pk, **SHOWN[chosen][1]).order_by("line")
    if after.isascii() and after.isdecimal() and len(after) < 10:
        found = found.filter(line__gt=int(after))
    rows = list(found[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    context = _context(row) | {
        "page_name": "SKU mapping", "rows": rows, "chosen": chosen,
        "shown": [(code, name) for code, (name, _) in SHOWN.items()],
        "next": urlencode({"show": chosen, "after": rows[-1].line}) if more else "",
    }  # fmt: skip
    return render(request, "inventory/upload.html", context)


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer how far a file is; when it is done the whole page is asked again, with its report."""
    row = access.upload_for(pk)
    response = render(request, "inventory/upload_progress.html", _context(row))
    if row.state != MappingUpload.State.WAITING:
        response["HX-Refresh"] = "true"
    return response


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
