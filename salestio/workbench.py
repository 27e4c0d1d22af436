"""What every page of the support workbench (Django admin) stands on: look across merchants, act in one, write it down.

Pages read inside `unscoped`, so tables with buyers' data stay shut. A deed gathers the merchants and ids there, leaves,
writes an audit row of the merchant, and then calls the same function as the merchant's button, in no transaction.
Lists never count a table: pages end at `Few.MOST` rows, and a search is the way to the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from connectors.contract.errors import ConnectorError
from salestio import routes, tenancy

LONGEST_MS = 15_000
"""How long one statement of the workbench may run, in ms; a question that is too wide must not slow the merchants."""


@contextmanager
def across() -> Iterator[None]:
    """Look across merchants, buyers' data excepted, with a limit on each statement."""
    with tenancy.unscoped("admin"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(LONGEST_MS)])
        yield
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


class Few(Paginator):
    """Pages without a full count: it is known that there are more than MOST rows, never how many."""

    MOST = 1000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return len(rows.order_by()[: self.MOST].values_list("pk")) if isinstance(rows, QuerySet) else len(rows)


class AcrossMerchants(admin.ModelAdmin):
    """Reads every merchant's rows, and writes none: changes go through the pages' own functions."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = Few

    def _whole(self, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any) -> HttpResponse:
        with across():
            response = view(*args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.render()
            return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self._whole(super().changelist_view, request, extra_context)

    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._whole(super().changeform_view, *args, **kwargs)

    def history_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._whole(super().history_view, *args, **kwargs)

    def delete_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        raise PermissionDenied("Nothing is deleted here; see accounts/erasure.py.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Call:
    """One deed about to be done: for which merchant and row, by whom, with what was typed."""

    merchant_id: int
    pk: int
    actor: str
    typed: str
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Deed:
    """Something support can do to a row. `run` is called outside any scope and says what came of it."""

    name: str
    label: str
    run: Callable[[Call], str | HttpResponse]
    in_list: bool = True
    most: int = 100
    """On how many rows at once."""
    ask: str = ""
    """Label of the one thing to type, on the row's page."""
    needs_open: bool = False
    """Only after this merchant was opened with a reason (it shows what `unscoped` cannot see)."""


class RowChanges(ChangeList):
    """A list in one order, newest first: sorting a million rows by a column without index is not offered."""

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        return list(self.model_admin.get_ordering(request) or ["-pk"])


class Workbench(AcrossMerchants):
    """Rows of all merchants, to find by ids that are pasted, with deeds in the list and on the row's page."""

    deeds: ClassVar[Sequence[Deed]] = ()
    exact: ClassVar[Sequence[str]] = ()
    """Fields compared as they are with what was pasted; numbers only with numbers."""
    search_fields = ("pk",)
    ordering = ("-pk",)
    sortable_by = ()
    list_select_related: ClassVar[bool | list[str] | tuple[str, ...]] = ("merchant",)
    hidden: ClassVar[frozenset[str]] = frozenset({"lease_token", "page_token", "content_hash"})
    panels: ClassVar[Sequence[str]] = ()
    change_form_template = "admin/workbench/row.html"
    actions_selection_counter = False

    class Media:
        css: ClassVar = {"all": ["salestio/workbench.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RowChanges

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*self.panels, *(f.name for f in self.model._meta.fields if f.name not in self.hidden)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(self.where(term)) if term else queryset), False

    def where(self, term: str) -> Q:
        """Return which rows a pasted id means."""
        found = Q(pk__in=())
        number = as_number(term)
        for name in ("pk", *self.exact):
            field = next(f for f in self.model._meta.fields if name in (f.attname, "pk"))
            if not isinstance(field, (models.IntegerField, models.ForeignKey)):
                found |= Q(**{name: term})
            elif number is not None:
                found |= Q(**{name: number})
        return found

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {deed.name: (self._never_called, deed.name, deed.label) for deed in self.deeds if deed.in_list}

    @staticmethod
    def _never_called(*args: Any) -> None:
        raise AssertionError("changelist_view does deeds itself, outside `unscoped`")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST" and self.deeds:
            return self._do_to_many(request)
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and "deed" in request.POST and object_id:
            return self._do_to_one(request, str(object_id))
        return super().changeform_view(request, object_id, *args, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        opened = routes.resolve("accounts.support.opened")(request)
        context["deeds"] = self.deeds
        context["opened"] = bool(obj and opened and opened.merchant_id == obj.merchant_id)
        context["merchant"] = obj.merchant if obj else None
        return super().render_change_form(request, context, *args, **kwargs)

    def _deed(self, request: HttpRequest, name: str) -> Deed:
        if not self.has_view_permission(request):
            raise PermissionDenied("The support workbench is for support staff.")
        deed = next((one for one in self.deeds if one.name == name), None)
        if deed is None:
            raise PermissionDenied("There is no such action here.")
        return deed

    def _do_to_many(self, request: HttpRequest) -> HttpResponse:
        back = HttpResponseRedirect(request.get_full_path())
        name = request.POST.get("action", "")
        ids = [int(pk) for pk in request.POST.getlist("_selected_action") if as_number(pk) is not None]
        if not name or not ids:
            messages.warning(request, "Choose an action and the rows it is for.")
            return back
        deed = self._deed(request, name)
        if not deed.in_list:
            raise PermissionDenied("This is done on the row's own page.")
        if len(ids) > deed.most or request.POST.get("select_across") == "1":
            messages.warning(request, f"{deed.label}: {deed.most} rows at once are the most. Nothing was done.")
            return back
        with across():
            rows = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk").values_list("merchant_id", "pk"))
        for merchant_id, pk in rows:
            self._do(request, deed, merchant_id, pk)
        return back

    def _do_to_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        back = HttpResponseRedirect(request.get_full_path())
        deed = self._deed(request, request.POST.get("deed", ""))
        with across():
            found = self.get_object(request, object_id)
            row = (found.merchant_id, found.pk) if found else None
        if row is None:
            messages.warning(request, "This row is gone.")
            return back
        return self._do(request, deed, *row) or back

    def _do(self, request: HttpRequest, deed: Deed, merchant_id: int, pk: int) -> HttpResponse | None:
        """Write the deed down, do it in no scope, and say what came of it; return an answer of its own, if it has one."""
        what = f"{self.model._meta.verbose_name} {pk}"
        typed = request.POST.get("typed", "").strip()[:120]
        opened = routes.resolve("accounts.support.opened")(request)
        is_open = bool(opened and opened.merchant_id == merchant_id)
        if deed.needs_open and not is_open:
            messages.warning(request, f"{deed.label}: open this merchant with a reason first.")
            return None
        actor = f"support {request.user}"
        with tenancy.scope(merchant_id):
            routes.resolve("accounts.audit.note")(
                actor=actor, action=f"support.{deed.name}", subject=f"{what} {typed}".strip(),
                reason=opened.reason if is_open else "",
            )  # fmt: skip
        try:
            said = deed.run(Call(merchant_id, pk, actor, typed, request))
        except ConnectorError as error:
            messages.error(request, f"{deed.label}, {what}: {type(error).__name__}: {error.message}")
            return None
        if isinstance(said, HttpResponse):
            return said
        messages.info(request, f"{deed.label}, {what}: {said}")
        return None


# ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_number(text: str) -> int | None:
    """Return a pasted id as a number that fits a bigint column, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def pretty(value: Any) -> SafeString:
    """Return data as indented, escaped JSON; a dash for nothing."""
    if not value:
        return format_html("{}", "—")
    return format_html("<pre>{}</pre>", json.dumps(value, indent=1, ensure_ascii=False, default=str))


def shown(value: Any) -> Any:
    """Return one cell: times to the second in UTC, a dash for nothing."""
    if value is None or value == "":
        return "—"
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return pretty(value) if isinstance(value, (dict, list)) else value


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "None") -> SafeString:
    """Return a table of cells, each escaped; `empty` for no rows."""
    body = [(format_html_join("", "<td>{}</td>", ((shown(cell),) for cell in row)),) for row in rows]
    if not body:
        return format_html("{}", empty)
    return format_html(
        '<div class="workbench-table"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
        format_html_join("", "<tr>{}</tr>", body),
    )
