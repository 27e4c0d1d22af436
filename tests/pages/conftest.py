"""Pages seen as the owner of a merchant, with orders made through the same intake as real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from orders import intake
from orders.models import Order
from salestio import tenancy
from tests.factories import Cast, amazon_line, amazon_order


def save_order(cast: Cast, *lines: Any, **more: Any) -> Order:
    """Import one order of the cast's account and return it, as it stands after import. `set_` names fields to set after."""
    after = more.pop("after", {})
    made = amazon_order(*(lines or (amazon_line("NP-MUG"),)), **more)
    with tenancy.scope(cast.id):
        account = type(cast.account).objects.select_related("store").get(pk=cast.account.pk)
        intake.save_page(account, [made])
        order = Order.objects.get(marketplace_order_id=made.order_id)
        if after:
            Order.objects.filter(pk=order.pk).update(**after)
            order.refresh_from_db()
    return order


OUT_OF_STOCK = {
    "export_state": "held",
    "reason_code": "OUT_OF_STOCK",
    "reason_data": {
        "items": [
            {"seller_sku": "NP-MUG", "sku": "NP-MUG", "wanted": 2, "available": 1, "location": "Portland Warehouse"}
        ]
    },
    "next_attempt_at": None,
}
NO_MATCH = {
    "export_state": "held",
    "reason_code": "NO_MATCH",
    "reason_data": {"skus": ["STV-TI-2-CA"]},
    "next_attempt_at": None,
}


def in_store(name: str = "#10482") -> dict[str, Any]:
    """Return the fields of an order that is in the store."""
    return {"export_state": "created", "reason_code": "", "store_order_name": name, "store_order_id": f"gid://shopify/Order/{name[1:]}",
            "next_attempt_at": None}  # fmt: skip


@pytest.fixture
def pages(merchant: Cast) -> Client:
    """A browser signed in as the merchant's owner."""
    client = Client()
    client.force_login(merchant.user)
    return client


@pytest.fixture
def as_role(merchant: Cast) -> Callable[[str], Client]:
    """A browser signed in as a member with that role."""

    def sign_in(role: str) -> Client:
        from accounts.models import Membership

        Membership.objects.filter(user=merchant.user, merchant_ref=merchant.id).update(role=role)
        client = Client()
        client.force_login(merchant.user)
        return client

    return sign_in
