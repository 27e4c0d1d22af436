"""From which location an order is served."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orders.domain.rules import Choice, OrderToPlace, Rule, choose, fits

ORDER = OrderToPlace(
    account_id=7, platform="ebay", country="DE", fulfilled_by="merchant", skus=frozenset({"LL-LAMP-BRS"}),
    tags=frozenset({"Fragile"}), wanted={1: 2, 2: 1},
)  # fmt: skip
ANY = Rule(1, "Everything", 100)


def test_a_rule_without_conditions_holds_for_every_order() -> None:
    assert choose([ANY], ORDER, {}, default=None) == Choice(100, 1, "Everything")


def test_the_first_rule_that_fits_wins() -> None:
    germany, france = (
        Rule(2, "Germany", 200, countries=frozenset({"DE"})),
        Rule(3, "France", 300, countries=frozenset({"FR"})),
    )

    assert choose([france, germany, ANY], ORDER, {}, default=None).name == "Germany"
    assert choose([ANY, germany], ORDER, {}, default=None).name == "Everything"


def test_each_condition_can_say_no() -> None:
    for no in (
        replace(ANY, accounts=frozenset({8})), replace(ANY, platforms=frozenset({"etsy"})),
        replace(ANY, countries=frozenset({"US"})), replace(ANY, fulfilled_by="marketplace"),
        replace(ANY, skus=("LL-CANDLE*",)), replace(ANY, tags=frozenset({"bulky"})),
    ):  # fmt: skip
        assert not fits(no, ORDER, {})


def test_skus_are_exact_or_a_beginning_and_upper_case_does_not_matter() -> None:
    assert fits(replace(ANY, skus=("ll-lamp*",)), ORDER, {})
    assert fits(replace(ANY, skus=("x", "LL-LAMP-BRS")), ORDER, {})
    assert not fits(replace(ANY, skus=("LL-LAMP",)), ORDER, {})


def test_a_rule_for_stock_wants_every_unit_at_its_own_location() -> None:
    rule = replace(ANY, needs_stock=True)

    assert fits(rule, ORDER, {(1, 100): 2, (2, 100): 1})
    assert not fits(rule, ORDER, {(1, 100): 2, (2, 100): 0, (2, 200): 9})


def test_the_stores_own_choice_can_be_a_rules_answer() -> None:
    assert choose([Rule(4, "Store decides", None)], ORDER, {}, default=500).location_id is None


def test_without_a_rule_the_default_warehouse_is_taken() -> None:
    assert choose([], ORDER, {}, default=500) == Choice(500)


def test_a_rule_that_lost_its_units_lets_the_next_one_have_its_turn() -> None:
    second = Rule(9, "Second", 900)

    assert choose([ANY, second], ORDER, {}, default=None, passed={1}) == Choice(900, 9, "Second")


rules = st.lists(
    st.builds(
        Rule, id=st.integers(1, 99), name=st.just("r"), location_id=st.one_of(st.none(), st.integers(1, 9)),
        countries=st.sets(st.sampled_from(["DE", "US", "FR"])).map(frozenset), needs_stock=st.booleans(),
        platforms=st.sets(st.sampled_from(["ebay", "etsy"])).map(frozenset),
    ),
    max_size=6,
)  # fmt: skip


@given(rules, st.dictionaries(st.tuples(st.integers(1, 2), st.integers(1, 9)), st.integers(0, 3)))
def test_every_order_gets_exactly_one_answer_and_no_earlier_rule_fits(made: list[Rule], free: dict) -> None:  # type: ignore[type-arg]
    found = choose(made, ORDER, free, default=0)

    fitting = [rule for rule in made if fits(rule, ORDER, free)]
    assert found == (Choice(fitting[0].location_id, fitting[0].id, "r") if fitting else Choice(0))
