"""Whatever buyers are asked to pay, the parts of an order add up to its total."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sandbox.ebay.shapes import View, order_json
from connectors.sandbox.platforms import Refusal
from tests.sandbox.ebay.conftest import CANDLE, LUMEN, Served

CENTS = st.integers(0, 20000).map(lambda cents: str(Decimal(cents) / 100))
LINE = st.fixed_dictionaries(
    {"sku": st.just(CANDLE), "quantity": st.integers(1, 7), "unit_price": CENTS},
    optional={"discount": st.just("0.01"), "shipping": CENTS, "tax": CENTS},
)
ORDER = st.fixed_dictionaries(
    {"lines": st.lists(LINE, min_size=1, max_size=4), "mode": st.just("sweep")},
    optional={
        "discount": CENTS,
        "shipping": CENTS,
        "shipping_discount": st.just("0.07"),
        "tax": CENTS,
        "order_discount": CENTS,
        "adjustment": st.sampled_from(["-0.31", "0.29"]),
        "tax_by": st.sampled_from(["ebay", "seller"]),
        "combined": st.booleans(),
    },
)
TERMS = ("priceSubtotal", "priceDiscount", "deliveryCost", "deliveryDiscount", "adjustment", "tax", "fee")


def value(amount: dict[str, str] | None) -> Decimal:
    return Decimal(amount["value"]) if amount else Decimal(0)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=ORDER)
def test_the_parts_of_any_order_add_up_to_its_total(fresh: Served, body: dict[str, Any]) -> None:
    try:
        (order_id,) = fresh.run(fresh.control.place, LUMEN, body)
    except Refusal as refusal:
        assert refusal.field == "discount"
        return
    order = fresh.run(lambda: fresh.control.state.orders[order_id])  # type: ignore[attr-defined]
    remitted = sum(Decimal(line["tax"]) for line in order["lines"]) if order["tax_by"] == "ebay" else Decimal(0)
    beside = Decimal(order["adjustment"]) - Decimal(order["order_discount"])
    now = datetime.now(UTC)
    views = [View.at(now, breakdown=full, single=True, base_url="") for full in (True, False)]
    shown = [order_json(order, view) for view in views]

    for seen in shown:
        summary = seen["pricingSummary"]
        assert sum(value(summary.get(name)) for name in TERMS) == value(summary["total"])
        assert sum(value(line["total"]) for line in seen["lineItems"]) + beside == value(summary["total"])
    full, short = (value(seen["pricingSummary"]["total"]) for seen in shown)
    assert full - short == remitted
    assert Decimal(fresh.run(fresh.control.order, LUMEN, order_id)["total"]) == full
