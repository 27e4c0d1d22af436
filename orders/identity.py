"""Which order is which, where a marketplace gives an order another id when it is paid.

At eBay an order that is paid later gets another id with its payment, or becomes part of a combined order; its line ids
stay (ebay_etsy.md 1.2). Only unpaid orders change theirs, and nothing was ever sent under the old one.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder
from inventory import reservations
from orders import source
from orders.domain.states import ExportState
from orders.models import Order, OrderEvent, OrderLine
from orders.reasons import MARKETPLACES


def renamed(
    account: MarketplaceAccount, unknown: Sequence[MarketplaceOrder]
) -> tuple[dict[str, Order], frozenset[int]]:
    """Return, by their new id, the unpaid orders we know under another one, and every row that was renamed or ended.

    A row becomes one order only: what else was paid of it is an order of its own.
    """
    lines = {line.line_id: order for order in unknown if order.lines_identify for line in order.lines}
    found: dict[str, Order] = {}
    taken: set[int] = set()
    if not lines:
        return found, frozenset()
    unpaid = Order.objects.filter(account_id=account.pk, status="incomplete", lines__remote_id__in=list(lines))
    for pk, remote_id in unpaid.order_by("pk", "lines__number").values_list("pk", "lines__remote_id"):
        order = lines[remote_id]
        if pk in taken:
            continue
        taken.add(pk)
        row = Order.objects.select_for_update().get(pk=pk)
        if order.order_id in found:
            _end_as_part(account, row, order.order_id)
            continue
        before, row.marketplace_order_id = row.marketplace_order_id, order.order_id
        # An older source time must not hold the new id's content back.
        row.source_updated_at = min(row.source_updated_at, order.updated_at)
        row.save(update_fields=["marketplace_order_id", "source_updated_at"])
        who = MARKETPLACES.get(account.platform, account.platform)
        OrderEvent.objects.create(
            merchant_id=row.merchant_id, order_id=pk, stage="import", code="ID_CHANGED", actor=who,
            data={"before": before, "after": order.order_id},
        )  # fmt: skip
        found[order.order_id] = row
    return found, frozenset(taken)


def paid_already(account: MarketplaceAccount, unknown: Sequence[MarketplaceOrder]) -> frozenset[str]:
    """Return the ids of unpaid orders that we have as paid ones under another id: their page was read before it."""
    lines = {
        line.line_id: order.order_id
        for order in unknown
        if order.lines_identify and order.status.value == "incomplete"
        for line in order.lines
    }
    if not lines:
        return frozenset()
    paid = OrderLine.objects.filter(
        remote_id__in=list(lines),
        order__account_id=account.pk,
        # Lines have no index by their id: only the orders since then are looked through.
        order__purchased_at__gte=min(order.purchased_at for order in unknown),
    ).exclude(order__status__in=("incomplete", "canceled"))
    return frozenset(lines[remote_id] for remote_id in paid.values_list("remote_id", flat=True))


def _end_as_part(account: MarketplaceAccount, row: Order, whole: str) -> None:
    """End an unpaid purchase that was paid together with others: the marketplace knows it only as part of that order."""
    released = reservations.release(order_ids=[row.pk], cause="PAID_TOGETHER")
    row.status, row.export_state, row.reason_code = "canceled", ExportState.CANCELED, "PAID_TOGETHER"
    row.reason_data = source.reason_data(account, row, whole=whole, units=sum(released.values()) or None)
    row.state_since, row.next_attempt_at, row.revision = now(), None, row.revision + 1
    row.save()
    OrderEvent.objects.bulk_create([source.event(row, "import", "PAID_TOGETHER")])
