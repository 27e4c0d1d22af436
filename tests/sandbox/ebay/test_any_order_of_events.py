"""Whatever happens to orders in whatever order, the indexes hold each once and a restart changes nothing."""

from __future__ import annotations

import contextlib
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connectors.sandbox import ebay, server
from connectors.sandbox.ebay import money
from connectors.sandbox.ebay.common import EBAY
from connectors.sandbox.ebay.control import EBAY_BUYERS
from connectors.sandbox.ebay.orders import order_text
from connectors.sandbox.ebay.shapes import View, order_json
from connectors.sandbox.platforms import Refusal
from tests.sandbox.ebay.conftest import CANDLE, CLIENT, HARBOUR, LUMEN, RU_NAME, SECRET, VERIFICATION

WORDS = {"client_id": CLIENT, "client_secret": SECRET, "ru_name": RU_NAME, "verification_token": VERIFICATION}
SELLERS = st.sampled_from([LUMEN, HARBOUR])


class OrdersLive(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        app: web.Application = server.make_app(
            Path(self.folder.name), {"ebay": WORDS}, base_url="http://s", web_url="http://w", setups=[ebay.setup]
        )
        self.core, self.ebay, self.buyers = app[server.CORE], app[EBAY], app[EBAY_BUYERS]
        self.control = self.core.marketplaces["ebay"]
        self.state = self.ebay.state
        self.born: list[tuple[str, str]] = []
        self.gone: set[str] = set()

    def teardown(self) -> None:
        self.core.world.close()
        self.folder.cleanup()

    @rule(
        seller=SELLERS,
        status=st.sampled_from(["pending", "paid", "shipped", "canceled"]),
        mode=st.sampled_from(["push", "sweep", "silent"]),
        combined=st.booleans(),
        units=st.integers(1, 3),
    )
    def buyers_order(self, seller: str, status: str, mode: str, combined: bool, units: int) -> None:
        sku = CANDLE if seller == LUMEN else "HK-ANY"
        lines = [{"sku": sku, "quantity": units, "unit_price": "9.99"}, {"title": "Odd one", "unit_price": "0.50"}]
        body: dict[str, Any] = {"lines": lines, "status": status, "mode": mode, "combined": combined}
        self.born += [(seller, order_id) for order_id in self.control.place(seller, body)]

    def change(self, number: int, body: dict[str, Any]) -> None:
        if not self.born:
            return
        seller, order_id = self.born[number % len(self.born)]
        # What an order's state forbids is refused; then nothing may have changed, which the invariants see.
        with contextlib.suppress(Refusal):
            self.control.change(seller, order_id, body)

    @rule(number=st.integers(0, 99), status=st.sampled_from(["paid", "shipped", "canceled"]))
    def life_goes_on(self, number: int, status: str) -> None:
        self.change(number, {"status": status})

    @rule(
        number=st.integers(0, 99),
        body=st.sampled_from(
            [
                {"cancel_request": True},
                {"refund": "0.50"},
                {"refund": "10.00"},
                {"payment": "failed"},
                {"mode": "silent"},
                {"mode": "sweep"},
                {"mode": "silent", "status": "shipped"},
                {"mode": "push", "status": "canceled", "by": "nobody"},
                {"payment": "failed", "status": "paid"},
                {"cancel_request": True, "status": "canceled"},
                {"note": "Hurry"},
            ]
        ),
    )
    def something_changes(self, number: int, body: dict[str, Any]) -> None:
        self.change(number, body)

    @rule(seconds=st.sampled_from([1, 60, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.core.world.advance(seconds)
        self.buyers.settle()

    @rule()
    def the_process_is_started_again(self) -> None:
        def shown() -> tuple[Any, ...]:
            state = self.state
            return (
                {key: list(rows) for key, rows in state.by_updated.items() if rows},
                {key: list(rows) for key, rows in state.by_created.items() if rows},
                dict(state.former),
            )

        before = shown()
        self.state.load()
        assert shown() == before

    @invariant()
    def each_order_is_in_each_list_once(self) -> None:
        state = self.state
        by_created = sorted(row for rows in state.by_created.values() for row in rows)
        by_updated = sorted(row for rows in state.by_updated.values() for row in rows)
        assert by_created == sorted((order["created_at"], order["id"]) for order in state.orders.values())
        loud = [order for order in state.orders.values() if order["mode"] != "silent"]
        assert by_updated == sorted((order["updated_at"], order["id"]) for order in loud)
        assert all(rows == sorted(rows) for rows in state.by_updated.values())

    @invariant()
    def lists_show_each_order_as_it_stands(self) -> None:
        view = View.at(self.core.world.now(), breakdown=True, single=False, base_url="http://s")
        for order in self.state.orders.values():
            assert json.loads(order_text(self.ebay, order, view)) == order_json(order, view)

    @invariant()
    def every_id_an_order_ever_had_leads_to_it(self) -> None:
        for seller, order_id in self.born:
            order = self.state.find(seller, order_id)
            assert order is not None and order_id in (order["id"], *order["former_ids"])

    @invariant()
    def no_line_is_in_two_orders_and_nothing_is_shipped_twice_over(self) -> None:
        lines = [line for order in self.state.orders.values() for line in order["lines"]]
        assert len({line["id"] for line in lines}) == len(lines)
        assert all(0 <= line["shipped"] <= line["quantity"] for line in lines)

    @invariant()
    def what_was_canceled_stays_canceled(self) -> None:
        self.gone |= {order["id"] for order in self.state.orders.values() if order["cancel"]["canceled_at"]}
        assert {self.state.orders[order_id]["cancel"]["state"] for order_id in self.gone} <= {"CANCELED"}

    @invariant()
    def nothing_is_given_back_that_was_not_paid(self) -> None:
        assert not [order for order in self.state.orders.values() if order["refunds"] and not order["paid_at"]]

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        for order in self.state.orders.values():
            given = money.refunded(order, "PENDING", "REFUNDED")
            assert Decimal(0) <= given <= money.total(order, ebay_tax=False)


OrdersLive.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestOrdersLive = OrdersLive.TestCase
