"""The support workbench for orders: find one by any id, see all that is known but the buyer, act as the buttons do."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory import watching
from inventory.models import LedgerEntry, Reservation
from orders import finding, personal, pipeline, pull, reasons
from orders.models import DirtyOrder, Order, OrderEvent, OrderLine, OrderPull, StockWait, StoreOrder
from salestio import tenancy
from salestio.inbox.models import InboxRow
from salestio.outbox.models import OutboxRow
from salestio.workbench import Call, Deed, Workbench, as_number, shown, table

EVENTS_SHOWN = 1000


# ── what support does ────────────────────────────────────────────────────────────────────────────────────────────────


def _rerun(call: Call) -> str:
    came = pipeline.advance(call.merchant_id, call.pk, actor=call.actor)
    words = came.message or came.store_order_name
    return f"{came.state}{': ' + words if words else ''}"


def _make_due(call: Call) -> str:
    due = pipeline.export_many(call.merchant_id, [call.pk], actor=call.actor)
    return "due now, a worker takes it" if due else "stays as it is: in the store, on its way, or it waits for a person"


def _read_stock(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        ids = OrderLine.objects.filter(order_id=call.pk, variant__isnull=False).values_list("variant_id", flat=True)
        asked = watching.read_soon([pk for pk in ids if pk])
    return f"{asked} figures asked for; one that is due already is read anyway"


def _pull_of_order(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        account_id = Order.objects.values_list("account_id", flat=True).get(pk=call.pk)
    return _ask(call, account_id)


def _fetch_again(call: Call) -> str:
    with tenancy.scope(call.merchant_id):
        order = Order.objects.get(pk=call.pk)
    return pull.fetch_one(call.merchant_id, order.account_id, order.marketplace_order_id, actor=call.actor).message


def _raw(call: Call) -> HttpResponse:
    with tenancy.scope(call.merchant_id):
        order = Order.objects.get(pk=call.pk)
        payload = personal.raw(order)
    own = {
        "title": f"Raw payload of {order}",
        "pk": call.pk,
        "marketplace": reasons.MARKETPLACES.get(order.platform, order.platform),
        "payload": json.dumps(payload, indent=2, ensure_ascii=False) if payload else "",
    }
    context = admin.site.each_context(call.request) | own
    answer = TemplateResponse(call.request, "admin/workbench/raw.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _ask(call: Call, account_id: int) -> str:
    asked = pull.ask(call.merchant_id, account_id, actor=call.actor)
    return "new orders are being looked for" if asked else "was asked a moment ago"


def _pull_now(call: Call) -> str:
    return _ask(call, _account_of(call))


def _fetch_one(call: Call) -> str:
    return pull.fetch_one(call.merchant_id, _account_of(call), call.typed, actor=call.actor).message


def _account_of(call: Call) -> int:
    with tenancy.scope(call.merchant_id):
        return OrderPull.objects.values_list("account_id", flat=True).get(pk=call.pk)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class ReasonFilter(admin.SimpleListFilter):
    """Orders by reason, from the table of reasons: no query finds out which there are."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in reasons.REASONS]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(reason_code=self.value()) if self.value() else queryset


@admin.register(Order)
class OrderAdmin(Workbench):
    """An order: what the marketplace says, what we did, why it stands where it stands."""

    list_display = (
        "marketplace_order_id", "store_order_name", "merchant", "account", "export_state", "why", "next_attempt_at",
        "lease_until", "attempts", "purchased_at",
    )  # fmt: skip
    list_filter = ("export_state", ReasonFilter, "status", "fulfilled_by")
    list_select_related = ("merchant", "account", "store")
    search_help_text = (
        "Marketplace order id, store order id or name, our id, SKU, merchant (name, id, a member's e-mail), "
        "shop, seller id"
    )
    panels = ("why", "merchants_page", "lines", "store_orders", "log", "stock", "waits", "pull", "messages_owed")
    deeds: ClassVar = (
        Deed("rerun", "Re-run now", _rerun, most=10),
        Deed("make_due", "Make due", _make_due, most=500),
        Deed("read_stock", "Read its stock again", _read_stock),
        Deed("pull", "Check the account for new orders", _pull_of_order, most=10),
        Deed("fetch", "Fetch it from the marketplace", _fetch_again, most=10),
        Deed("raw_payload", "Show the raw payload, masked", _raw, in_list=False, needs_open=True),
    )

    def where(self, term: str) -> Q:
        return Q(pk__in=finding.find(term))

    @admin.display(description="Why")
    def why(self, order: Order) -> str:
        return reasons.sentence(order.reason_code, order.reason_data) if order.reason_code else "—"

    @admin.display(description="Merchant's page")
    def merchants_page(self, order: Order) -> SafeString:
        return format_html(
            '<a href="/orders/{}/">The page the merchant sees</a> (after <a href="{}">opening {} with a reason</a>)',
            order.pk, reverse("admin:accounts_merchant_open", args=[order.merchant_id]), order.merchant,
        )  # fmt: skip

    @admin.display(description="Lines")
    def lines(self, order: Order) -> SafeString:
        rows = OrderLine.objects.select_related("variant").filter(order_id=order.pk).order_by("number")
        return table(
            ("#", "Seller SKU", "Title", "Units", "Shipped", "Total", "Variant", "Matched by", "SKU then", "Note"),
            (
                (line.number, line.seller_sku, line.title, line.quantity, line.quantity_shipped, line.total,
                 _link("inventory_variant", line.variant_id, line.variant), line.matched_by, line.matched_sku, line.match_note)
                for line in rows
            ),
        )  # fmt: skip

    @admin.display(description="Store orders")
    def store_orders(self, order: Order) -> SafeString:
        return table(
            ("Generation", "State", "Name", "Store's id", "Key", "Sends", "Sent", "Unknown since", "Empty look-ups",
             "Failed look-ups", "Created", "Adopted", "Placed", "Gone"),
            (
                (_link("orders_storeorder", row.pk, row.generation), row.state, row.name, row.remote_id, row.key, row.sends,
                 row.sent_at, row.unknown_since, row.lookups, row.lookup_failures, row.created_at, row.adopted, row.placed_at,
                 row.gone_at)
                for row in StoreOrder.objects.filter(merchant_id=order.merchant_id, order_id=order.pk).order_by("generation")
            ),
        )  # fmt: skip

    @admin.display(description="Log")
    def log(self, order: Order) -> SafeString:
        rows = OrderEvent.objects.filter(merchant_id=order.merchant_id, order_id=order.pk).order_by("-pk")
        return table(
            ("At (UTC)", "Stage", "Code", "Actor", "Attempt", "Data"),
            ((row.at, row.stage, row.code, row.actor, row.attempt, row.data) for row in rows[:EVENTS_SHOWN]),
        )

    @admin.display(description="Reservations and ledger")
    def stock(self, order: Order) -> SafeString:
        kept = list(
            Reservation.objects.select_related("variant", "stock__location")
            .filter(merchant_id=order.merchant_id, order_ref=order.pk).order_by("pk")
        )  # fmt: skip
        moves = LedgerEntry.objects.filter(stock_id__in={row.stock_id for row in kept}, order_ref=order.pk).order_by(
            "pk"
        )
        return format_html(
            "{}{}",
            table(
                ("Variant", "Location", "Units", "State", "Placed", "Made", "Handed over", "Ended"),
                (
                    (_link("inventory_variant", row.variant_id, row.variant), row.stock.location or "anywhere", row.quantity,
                     row.get_state_display(), row.placed, row.created_at, row.handed_over_at, row.ended_at)
                    for row in kept
                ),
                empty="No reservation",
            ),
            table(
                ("At (UTC)", "Stock row", "Kind", "Figure", "Reserved", "Cause"),
                (
                    (row.at, _link("inventory_stock", row.stock_id, row.stock_id), row.kind, f"{row.figure_change:+d}",
                     f"{row.reserved_change:+d}", row.cause)
                    for row in moves
                ),
                empty="",
            ),
        )  # fmt: skip

    @admin.display(description="Waits for stock")
    def waits(self, order: Order) -> SafeString:
        rows = StockWait.objects.select_related("variant").filter(order_id=order.pk)
        return table(
            ("Variant", "Units", "Since"),
            ((_link("inventory_variant", row.variant_id, row.variant), row.quantity, row.since) for row in rows),
        )

    @admin.display(description="The account's pull")
    def pull(self, order: Order) -> SafeString:
        job = OrderPull.objects.filter(account_id=order.account_id).first()
        return pull_words(job) if job else format_html("{}", "This account has no pull row")

    @admin.display(description="Messages")
    def messages_owed(self, order: Order) -> SafeString:
        owed = OutboxRow.objects.filter(merchant_id=order.merchant_id, store_ref=order.store_id).exclude(state="done")
        told = InboxRow.objects.filter(merchant_id=order.merchant_id, store_ref=order.store_id, done_at__isnull=True)
        heard = DirtyOrder.objects.filter(
            merchant_id=order.merchant_id, account_id=order.account_id, marketplace_order_id=order.marketplace_order_id
        )
        return format_html(
            "{}{}{}",
            table(
                ("Owed by this store", "State", "Attempts", "Next", "Error", "Text"),
                (
                    (_link("outbox_outboxrow", row.pk, row.handler), row.state, row.attempts, row.next_attempt_at,
                     row.error_code, row.error_text)
                    for row in owed.order_by("next_attempt_at")[:20]
                ),
                empty="The store owes nothing. ",
            ),
            table(
                ("Told to this store's inbox", "Attempts", "Received", "Next", "Error"),
                (
                    (_link("inbox_inboxrow", row.pk, row.topic), row.attempts, row.received_at, row.next_attempt_at, row.error)
                    for row in told.order_by("next_attempt_at")[:20]
                ),
                empty="No message waits. ",
            ),
            table(
                ("Push said: look again", "Heard", "Next", "Attempts"),
                ((row.hint, row.heard_at, row.next_attempt_at, row.attempts) for row in heard),
                empty="No push waits for this order.",
            ),
        )  # fmt: skip


def pull_words(job: OrderPull) -> SafeString:
    """Return a pull row as a table of one line."""
    return table(
        ("Pull", "Mode", "Cursor", "Next", "Asked", "Lease until", "Failures", "Error", "Text", "Finished", "Seen"),
        [(
            _link("orders_orderpull", job.pk, job.pk), job.mode, job.cursor, job.next_attempt_at, job.asked_at,
            job.lease_until, job.failures, job.error_code, job.error_text, job.finished_at, job.seen,
        )],
    )  # fmt: skip


def _link(model: str, pk: Any, text: Any) -> Any:
    """Return a link to a row's page in the workbench; a dash where there is no row."""
    if pk is None:
        return shown(None)
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{model}_change", args=[pk]), str(text or pk))


# ── store orders, pulls, hints ───────────────────────────────────────────────────────────────────────────────────────


@admin.register(StoreOrder)
class StoreOrderAdmin(Workbench):
    """The orders we made in stores, one row a generation."""

    list_display = (
        "key",
        "state",
        "name",
        "remote_id",
        "merchant",
        "store",
        "generation",
        "sends",
        "sent_at",
        "lookups",
    )
    list_filter = ("state", "adopted")
    list_select_related = ("merchant", "store", "order")
    search_help_text = "The same ids as orders"

    def where(self, term: str) -> Q:
        number = as_number(term)
        return Q(order_id__in=finding.find(term)) | (Q(pk=number) if number is not None else Q(pk__in=()))


class FailingFilter(admin.SimpleListFilter):
    """Pulls whose last try failed."""

    title = "last try"
    parameter_name = "failing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Failed"), ("no", "Went well")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = {"yes": {"failures__gt": 0}, "no": {"failures": 0}}.get(str(self.value()))
        return queryset.filter(**wanted) if wanted else queryset


@admin.register(OrderPull)
class OrderPullAdmin(Workbench):
    """When an account is read next, where its cursor is, and what went wrong."""

    list_display = (
        "account", "merchant", "mode", "cursor", "next_attempt_at", "lease_until", "failures", "error_code", "error_text",
        "finished_at", "seen",
    )  # fmt: skip
    list_filter = (FailingFilter, "mode")
    list_select_related = ("merchant", "account")
    exact = ("merchant_id", "account_id")
    search_help_text = "Seller id, account's name or id, merchant's name or id"
    deeds: ClassVar = (
        Deed("pull", "Check for new orders", _pull_now, most=50),
        Deed("fetch", "Fetch one order", _fetch_one, in_list=False, ask="Marketplace order id"),
    )

    def where(self, term: str) -> Q:
        return (
            super().where(term)
            | Q(account__key__iexact=term)
            | Q(account__name__iexact=term)
            | Q(merchant__name__iexact=term)
        )


@admin.register(DirtyOrder)
class DirtyOrderAdmin(Workbench):
    """Orders a push message told us to read again."""

    list_display = (
        "marketplace_order_id",
        "account",
        "merchant",
        "heard_at",
        "next_attempt_at",
        "lease_until",
        "attempts",
    )
    list_select_related = ("merchant", "account")
    exact = ("marketplace_order_id", "account_id", "merchant_id")
    search_help_text = "Marketplace order id, account's or merchant's id"
