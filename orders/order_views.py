"""The order page and what a person does there. POST views open short scopes of their own: they may call the store."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import may, needs
from accounts.models import Role
from inventory.models import Variant
from orders import change, countries, filters, pipeline
from orders.access import check_order, order_for
from orders.forms import AddressForm, ChangeLineForm
from orders.models import Order, OrderLine
from orders.order_page import OrderPage, available_of
from orders.pipeline import Outcome
from orders.products import find as find_products
from salestio import tenancy


def _context(request: HttpRequest, order: Order, query: str, **more: Any) -> dict[str, Any]:
    support, framed = getattr(request, "support", None), getattr(request, "frame_ancestors", ())
    page = OrderPage(order, query, masked=support is not None, framed=bool(framed))
    return {
        "page_name": "Order", "page": page, "order": order, "query": query,
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
        "here": f"{reverse('orders:detail', args=[order.pk])}{f'?{query}' if query else ''}", **more,
    }  # fmt: skip


def _list_query(data: QueryDict) -> str:
    """Return the list's own filters, which stay in the address for previous and next."""
    return filters.parse(data).query


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one order."""
    order = order_for(pk)
    context = _context(request, order, _list_query(request.GET))
    context["newer"], context["older"] = context["page"].neighbors()
    context["view_name"] = filters.VIEWS[filters.parse(request.GET).view]
    return render(request, "orders/order_detail.html", context)


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the parts of an open order page; 304 when nothing changed."""
    order = order_for(pk)
    context = _context(request, order, _list_query(request.GET))
    tag = context["page"].version
    if request.headers.get("If-None-Match", "").strip('"') == tag:
        return HttpResponseNotModified()
    response = render(request, "orders/order_live.html", context)
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = "no-store"
    return response


# ── exporting ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _said(order: Order, outcome: Outcome) -> str:
    if outcome.state == "created":
        return f"Order {order.marketplace_order_id}: in your store, {outcome.store_order_name}"
    if not outcome.acted:
        return f"Order {order.marketplace_order_id}: {outcome.message or 'it is being worked on right now'}"
    return f"Order {order.marketplace_order_id}: {outcome.message or 'on its way'}"


def _answer(request: HttpRequest, pk: int, query: str, outcome: Outcome) -> HttpResponse:
    """Show what came of an action: the page's parts for htmx, else the page with a message."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        order = order_for(pk)
        text = _said(order, outcome)
        if not request.headers.get("HX-Request") or request.headers.get("HX-Boosted"):
            messages.add_message(request, messages.SUCCESS if outcome.state == "created" else messages.WARNING, text)
            return redirect(f"{reverse('orders:detail', args=[pk])}{f'?{query}' if query else ''}")
        response = render(
            request, "orders/order_live.html", _context(request, order, query, outcome=outcome, swap=True)
        )
    response["HX-Trigger"] = _said_event(text)
    return response


def _said_event(text: str) -> str:
    # Header values are latin-1; JSON's escapes keep every other letter.
    return json.dumps({"said": text})


@require_POST
@needs(Role.MANAGER)
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Export now and show the result within seconds; a second click does no harm (F64, F65)."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    wanted = request.POST
    with tenancy.scope(merchant_id):
        check_order(pk)
    anyway, again, sure = (wanted.get(name) == "1" for name in ("create_anyway", "again", "sure_not_there"))
    if (anyway or again or sure) and wanted.get("confirmed") != "on":
        outcome = Outcome("", "", "Tick the box to confirm first", acted=False)
    else:
        outcome = pipeline.advance(
            merchant_id,
            pk,
            actor=request.actor,  # type: ignore[attr-defined]
            create_anyway=anyway,
            again=again,
            sure_not_there=sure,
        )
    return _answer(request, pk, _list_query(QueryDict(wanted.get("query", ""))), outcome)


CONFIRMS = {
    "anyway": "orders/confirm_anyway.html",
    "again": "orders/confirm_again.html",
    "sure": "orders/confirm_sure.html",
}


@require_GET
@needs(Role.MANAGER)
def confirm(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Ask before something that cannot be taken back: Create anyway, Create again, Send again."""
    if what not in CONFIRMS:
        raise Http404("There is nothing to confirm here.")
    order = order_for(pk)
    return render(request, CONFIRMS[what], _context(request, order, _list_query(request.GET)))


@require_POST
@needs(Role.MANAGER)
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a store order somebody else made as this order's."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    with tenancy.scope(merchant_id):
        order = order_for(pk)
        ids = [str(value) for value in order.reason_data.get("ids", [])]
    chosen = request.POST.get("store_order", ids[0] if len(ids) == 1 else "")
    if chosen not in ids:
        return _answer(request, pk, "", Outcome("", "", "Choose one of the store orders found", acted=False))
    try:
        name = change.adopt(merchant_id, pk, chosen, actor=request.actor)  # type: ignore[attr-defined]
    except change.CannotChange as error:
        return _answer(request, pk, "", Outcome("", "", str(error), acted=False))
    return _answer(request, pk, "", Outcome("created", "", "", name))


# ── changing a line, the address ─────────────────────────────────────────────────────────────────────────────────────


def _line_of(order: Order, number: int) -> OrderLine:
    found = OrderLine.objects.filter(order_id=order.pk, number=number).first()
    if found is None:
        raise Http404("There is no such line.")
    return found


def _change_context(
    request: HttpRequest, order: Order, line: OrderLine, data: QueryDict, **more: Any
) -> dict[str, Any]:
    text = data.get("text", line.seller_sku or line.title)[:100]
    found = find_products(order.store_id, text)
    if not found and "text" not in data:
        found = find_products(order.store_id, line.title)
    stock = available_of([variant.pk for variant in found])
    products = [{"variant": v, "available": stock.get(v.pk, 0), "chosen": v.pk == line.variant_id} for v in found]
    return _context(
        request, order, _list_query(QueryDict(data.get("query", ""))), line=line, text=text, products=products, **more
    )


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def change_line(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Search the store's products and choose which one a line is (F40)."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    if request.method != "POST":
        order = order_for(pk)
        template = "orders/products.html" if request.GET.get("only") == "products" else "orders/change_line.html"
        return render(request, template, _change_context(request, order, _line_of(order, number), request.GET))
    form = ChangeLineForm(request.POST)
    with tenancy.scope(merchant_id):
        order = order_for(pk)
        line = _line_of(order, number)
        if not form.is_valid():
            problem = next(iter(form.errors.values()))[0]
            context = _change_context(request, order, line, request.POST, problem=problem)
            return render(request, "orders/change_line.html", context, status=422)
    try:
        change.match_line(
            merchant_id,
            pk,
            number,
            form.cleaned_data["variant"],
            actor=request.actor,  # type: ignore[attr-defined]
            remember=form.cleaned_data["remember"],
        )
    except (change.CannotChange, Variant.DoesNotExist) as error:
        with tenancy.scope(merchant_id):
            words = (
                "This product is no longer in the store; choose another"
                if isinstance(error, Variant.DoesNotExist)
                else str(error)
            )
            context = _change_context(request, order, line, request.POST, problem=words)
            return render(request, "orders/change_line.html", context, status=422)
    return _done(request, pk, f"Line {number} matched. Export sends the order now; it also goes by itself")


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the delivery address on our order, which is what the store gets (F28)."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    with tenancy.scope(merchant_id):
        order = order_for(pk)
        page = OrderPage(order)
        before = page.details.shipping if page.details else None
        if request.method != "POST":
            start = {name: getattr(before, name) for name in AddressForm.base_fields} if before else {}
            if before:
                start["country"] = countries.name(before.country)
            return render(
                request, "orders/edit_address.html", _context(request, order, "", form=AddressForm(initial=start))
            )
        form = AddressForm(request.POST)
        if not form.is_valid():
            return render(request, "orders/edit_address.html", _context(request, order, "", form=form), status=422)
    try:
        change.edit_address(merchant_id, pk, form.address(before), actor=request.actor)  # type: ignore[attr-defined]
    except change.CannotChange as error:
        with tenancy.scope(merchant_id):
            form.add_error(None, str(error))
            return render(request, "orders/edit_address.html", _context(request, order, "", form=form), status=422)
    return _done(request, pk, "Address changed. Export sends the order now; it also goes by itself")


def _done(request: HttpRequest, pk: int, text: str) -> HttpResponse:
    query = _list_query(QueryDict(request.POST.get("query", "")))
    url = f"{reverse('orders:detail', args=[pk])}{f'?{query}' if query else ''}"
    messages.success(request, text)
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return redirect(url)
