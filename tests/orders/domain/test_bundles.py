"""Bundles and multipacks: what was sold as one line is worth exactly the same as its parts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.domain.bundles import AMOUNTS, Part, explode
from orders.domain.store_order import SoldLine, sum_of

D = Decimal


def part(sku: str, units: int, price: str | None = "10.00") -> Part:
    return Part(f"v-{sku}", f"p-{sku}", sku.title(), sku, units, D(price) if price else None)


def test_a_multipack_becomes_units_of_its_product_at_the_same_total() -> None:
    sold = SoldLine(title="Candle, pack of 6", quantity=2, item_total=D("59.99"), tax=D("4.80"))

    (line,) = explode(sold, [part("CANDLE", 6)], "USD")

    assert (line.sku, line.quantity, line.item_total, line.tax) == ("CANDLE", 12, D("59.99"), D("4.80"))


def test_a_bundles_price_is_split_by_what_its_parts_cost() -> None:
    sold = SoldLine(title="Evening set", quantity=1, item_total=D("50.00"))

    lamp, wicks = explode(sold, [part("LAMP", 1, "60.00"), part("WICK", 4, "5.00")], "USD")

    assert (lamp.item_total, wicks.item_total) == (D("37.50"), D("12.50"))
    assert (lamp.quantity, wicks.quantity) == (1, 4)
    assert ("Sold as", "1 × Evening set") in lamp.properties


def test_parts_without_a_price_weigh_by_their_units() -> None:
    sold = SoldLine(title="Set", quantity=1, item_total=D(900))

    one, two = explode(sold, [part("A", 1, None), part("B", 2)], "JPY")

    assert (one.item_total, two.item_total) == (D(300), D(600))


cents = st.integers(0, 500_00).map(lambda n: D(n) / 100)


@given(
    amounts=st.lists(cents, min_size=len(AMOUNTS), max_size=len(AMOUNTS)),
    parts=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9000)), min_size=1, max_size=5),
    quantity=st.integers(1, 9),
)
def test_every_amount_of_the_parts_adds_up_to_the_sold_lines(
    amounts: list[Decimal], parts: list[tuple[int, int]], quantity: int
) -> None:
    sold = SoldLine(title="Bundle", quantity=quantity, **dict(zip(AMOUNTS, amounts, strict=True)))
    made = explode(sold, [part(str(n), units, str(D(p) / 100)) for n, (units, p) in enumerate(parts)], "USD")

    assert {name: sum(getattr(line, name) for line in made) for name in AMOUNTS} == dict(
        zip(AMOUNTS, amounts, strict=True)
    )
    assert sum_of(made) == sum_of([sold])
    assert [line.quantity for line in made] == [quantity * units for units, _ in parts]
