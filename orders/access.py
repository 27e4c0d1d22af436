"""The one door to an order: what is not the merchant's is answered 404. Call inside a scope."""

from __future__ import annotations

from django.http import Http404

from orders.models import Archive, Order, SavedView
from salestio import tenancy


def order_for(pk: int) -> Order:
    """Return the active merchant's order with its account, store and buyer, without the marketplace's whole answer.

    Raises `Http404` when there is none.
    """
    found = (
        Order.objects.select_related("account", "store", "buyer")
        .defer("buyer__raw_sealed")
        .filter(merchant_id=tenancy.current_merchant_id(), pk=pk)
        .first()
    )
    if found is None:
        raise Http404("There is no such order.")
    return found


def check_order(pk: int) -> None:
    """Raise `Http404` unless the order is the active merchant's, for those who only hand its id on."""
    if not Order.objects.filter(merchant_id=tenancy.current_merchant_id(), pk=pk).exists():
        raise Http404("There is no such order.")


def archive_for(order: Order, pk: int) -> Archive:
    """Return an archive of this order, without its file. Raises `Http404` when there is none."""
    found = Archive.objects.defer("sealed").select_related("order").filter(order_id=order.pk, pk=pk).first()
    if found is None:
        raise Http404("There is no such customization.")
    return found


def saved_view_for(pk: int) -> SavedView:
    """Return the active merchant's saved view. Raises `Http404` when there is none."""
    found = SavedView.objects.filter(merchant_id=tenancy.current_merchant_id(), pk=pk).first()
    if found is None:
        raise Http404("There is no such view.")
    return found
