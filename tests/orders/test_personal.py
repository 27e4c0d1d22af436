"""What support may see of a payload, and when a buyer is erased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.contract.types import Parcel
from orders.personal import MASK, delete_after, masked
from tests.factories import amazon_order

DAY = timedelta(days=1)
BOUGHT = datetime(2026, 11, 1, tzinfo=UTC)


def test_every_personal_field_is_masked_whatever_it_holds() -> None:
    raw = {
        "orderId": "112-1", "buyer": {"buyerName": "Ada", "buyerEmail": ""},
        "recipient": {"deliveryAddress": {"name": "Ada", "extendedFields": {"a": ["b"]}, "countryCode": "US"}},
    }  # fmt: skip

    seen = masked(raw)

    assert seen["buyer"] == {"buyerName": MASK, "buyerEmail": ""}
    assert seen["recipient"]["deliveryAddress"] == {"name": MASK, "extendedFields": {"a": [MASK]}, "countryCode": "US"}
    assert seen["orderId"] == "112-1"


def test_a_buyer_is_erased_30_days_after_delivery_and_no_later_than_after_the_promised_one() -> None:
    delivered = Parcel("1", delivered_at=BOUGHT + 3 * DAY)

    assert delete_after(amazon_order(purchased_at=BOUGHT, parcels=(delivered,))) == BOUGHT + 33 * DAY
    assert delete_after(amazon_order(purchased_at=BOUGHT, deliver_by=BOUGHT + 9 * DAY)) == BOUGHT + 39 * DAY
    assert delete_after(amazon_order(purchased_at=BOUGHT)) == BOUGHT + 60 * DAY
