"""One clock: whatever readings do on their way, no unit is sold twice (MECHANISMS 6).

The world has a store that takes units when it makes an order, a database clock that only goes forward, and reads that
leave, are answered at some later moment, and arrive late, repeated, out of order or never. The store's own clock is off
by up to ten minutes; webhooks carry figures that are hours old. Neither is ever used.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from inventory.domain.stock import InsufficientStock, Stock


@dataclass(eq=False)
class Order:
    units: int
    claimed: bool = False
    """The store has taken the units, whether or not we know it."""


@dataclass(eq=False)
class Read:
    """A read of the store: when it left (our clock), and the figure once the store answered."""

    left_at: float
    figure: int | None = None
    stamped: float = 0.0
    """What the store's own clock said then. Nothing looks at it."""


class StoreAndWe(RuleBasedStateMachine):
    kept = Bundle("kept")
    reads = Bundle("reads")
    answered = Bundle("answered")

    @initialize(units=st.integers(3, 20), skew=st.floats(-600, 600))
    def the_store_is_read_first(self, units: int, skew: float) -> None:
        self.now = 0.0
        self.skew = skew
        self.on_the_shelf = units
        self.sold = 0
        self.orders: list[Order] = []
        self.stock = Stock().settle(figure=units, as_of=self.tick())

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    @rule(seconds=st.floats(0.1, 900))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=kept, units=st.integers(1, 4))
    def order_arrives(self, units: int) -> Order:
        order = Order(0)
        try:
            self.stock = self.stock.reserve(units)
        except InsufficientStock:
            return order
        order.units = units
        self.orders.append(order)
        return order

    @rule(order=kept)
    def the_store_takes_the_units(self, order: Order) -> None:
        """The create reached the store; its answer has not reached us, and may never."""
        if order.units and not order.claimed:
            assert self.on_the_shelf >= order.units, "the store was asked for units it does not have"
            self.on_the_shelf -= order.units
            order.claimed = True

    @rule(order=consumes(kept))
    def the_answer_arrives_or_the_order_is_canceled(self, order: Order) -> None:
        if order.claimed:
            before = self.stock.available
            self.stock = self.stock.hand_over(order.units, at=self.tick())
            assert self.stock.available == before  # still counted, until a later figure
            self.sold += order.units
        elif order.units:
            self.stock = self.stock.release(order.units)
            self.orders.remove(order)

    @rule(units=st.integers(1, 4))
    def an_order_goes_straight_through(self, units: int) -> None:
        order = self.order_arrives(units)
        self.the_store_takes_the_units(order)
        self.the_answer_arrives_or_the_order_is_canceled(order)

    @rule(target=answered)
    def a_read_is_answered_at_once_and_its_answer_is_on_its_way(self) -> Read:
        return self.the_store_answers(self.a_read_leaves())

    @rule(target=reads)
    def a_read_leaves(self) -> Read:
        return Read(self.tick())

    @rule(target=answered, read=consumes(reads))
    def the_store_answers(self, read: Read) -> Read:
        self.tick()
        read.figure = self.on_the_shelf
        read.stamped = self.now + self.skew
        return read

    @rule(read=answered)
    def an_answer_arrives_perhaps_again_perhaps_late(self, read: Read) -> None:
        assert read.figure is not None
        before = self.stock
        self.stock = self.stock.settle(figure=read.figure, as_of=read.left_at)
        if read.left_at <= before.as_of:
            assert self.stock is before

    @rule(read=consumes(answered))
    def an_answer_is_lost(self, read: Read) -> None:
        """It never arrives: nothing changes."""

    @rule(units=st.integers(1, 5))
    def the_merchant_puts_units_on_the_shelf(self, units: int) -> None:
        self.on_the_shelf += units

    @precondition(lambda self: self.now > 0)
    @rule()
    def a_quiet_moment_brings_the_truth(self) -> None:
        """A read that leaves and is answered with nothing in between ends every hand-over."""
        self.stock = self.stock.settle(figure=self.on_the_shelf, as_of=self.tick())
        assert self.stock.handed_over == ()

    @invariant()
    def no_unit_is_sold_twice(self) -> None:
        if not hasattr(self, "stock"):
            return
        unclaimed = sum(order.units for order in self.orders if not order.claimed)
        assert self.stock.available <= self.on_the_shelf - unclaimed
        assert self.stock.kept >= 0


StoreAndWe.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_no_unit_is_sold_twice_whatever_readings_do = StoreAndWe.TestCase
