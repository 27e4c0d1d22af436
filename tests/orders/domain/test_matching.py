"""Which variant a line means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.matching import Candidate, Catalog, LineToMatch, match, sku_form
from salestio.lib.text import title_key


def candidate(pk: int, sku: str, title: str = "Enamel Mug", *options: str) -> Candidate:
    return Candidate(pk, sku, title, title_key([title, *options]))


def catalog(
    *candidates: Candidate,
    account: dict[str, str] | None = None,
    everywhere: dict[str, str] | None = None,
    **more: bool,
) -> Catalog:
    by_sku: dict[str, list[Candidate]] = {}
    by_title: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_sku.setdefault(sku_form(one.sku, case_sensitive=more.get("case_sensitive", True)), []).append(one)
        by_title.setdefault(one.title_key, []).append(one)
    of_account = {seller_sku: ((sku, 1),) for seller_sku, sku in (account or {}).items()}
    for_all = {seller_sku: ((sku, 1),) for seller_sku, sku in (everywhere or {}).items()}
    return Catalog(by_sku, by_title, of_account, for_all, **more)


def test_an_exact_sku_matches_and_says_so() -> None:
    found = match(LineToMatch(" NP-MUG ", "Mug"), catalog(candidate(1, "NP-MUG")))

    assert (found.variant_id, found.rule) == (1, "sku")


def test_upper_and_lower_case_differ_unless_the_merchant_says_otherwise() -> None:
    line = LineToMatch("np-mug", "something else")

    assert not match(line, catalog(candidate(1, "NP-MUG"))).found
    assert match(line, catalog(candidate(1, "NP-MUG"), case_sensitive=False)).variant_id == 1


def test_an_account_mapping_beats_one_for_all_and_both_beat_the_sku_itself() -> None:
    goods = [candidate(1, "A"), candidate(2, "B"), candidate(3, "C")]
    line = LineToMatch("A", "x")

    assert match(line, catalog(*goods)).variant_id == 1
    assert match(line, catalog(*goods, everywhere={"A": "B"})).rule == "mapping"
    assert match(line, catalog(*goods, everywhere={"A": "B"}, account={"A": "C"})).variant_id == 3


def test_a_mapping_to_a_sku_that_is_gone_is_said_and_never_guessed_around() -> None:
    found = match(LineToMatch("A", "x"), catalog(candidate(1, "A"), everywhere={"A": "GONE"}))

    assert not found.found
    assert "GONE" in found.note


def test_a_multipack_is_several_units_of_its_product_and_a_bundle_several_products() -> None:
    goods = catalog(candidate(1, "CANDLE"), candidate(2, "WICK"))
    pack = replace(goods, mappings={"PACK6": (("CANDLE", 6),), "SET": (("CANDLE", 1), ("WICK", 4))})

    multipack, bundle = match(LineToMatch("PACK6", "x"), pack), match(LineToMatch("SET", "x"), pack)

    assert (multipack.variant_id, multipack.parts) == (1, ((1, 6),))
    assert (bundle.variant_id, bundle.parts) == (1, ((1, 1), (2, 4)))


def test_a_bundle_with_a_part_that_is_gone_names_it_and_matches_nothing() -> None:
    goods = replace(catalog(candidate(1, "CANDLE")), mappings={"SET": (("CANDLE", 1), ("WICK", 4))})

    found = match(LineToMatch("SET", "x"), goods)

    assert not found.found
    assert "SKU WICK" in found.note


def test_a_line_without_a_sku_is_found_by_a_mapping_of_the_marketplaces_own_id() -> None:
    goods = catalog(candidate(1, "MUG"), everywhere={"110551234567:22": "MUG"})

    assert match(LineToMatch("", "A mug", (), "110551234567:22"), goods).variant_id == 1
    assert not match(LineToMatch("", "A mug", (), "110551234567"), goods).found


def test_a_product_nobody_can_see_is_named_and_not_used() -> None:
    goods = replace(catalog(), hidden={"MUG": "Enamel Mug is hidden in the store"})

    assert match(LineToMatch("MUG", "x"), goods).note == "Enamel Mug is hidden in the store"


def test_two_products_with_one_sku_are_a_question() -> None:
    found = match(LineToMatch("A", "x"), catalog(candidate(1, "A", "One"), candidate(2, "A", "Two")))

    assert found.ambiguous
    assert [one.title for one in found.candidates] == ["One", "Two"]


@pytest.mark.parametrize(("rule", "mapped"), [("account_mapping", "account"), ("mapping", "everywhere")])
def test_of_two_products_with_the_mappings_sku_the_preferred_one_counts(rule: str, mapped: str) -> None:
    twins = catalog(candidate(1, "A", "One"), candidate(2, "A", "Two"), **{mapped: {"THEIRS": "A"}})
    shelf = replace(twins, preferred={(rule, "THEIRS"): 2})
    packs = replace(shelf, account_mappings={"THEIRS": (("A", 6),)}, preferred={("account_mapping", "THEIRS"): 2})

    found, pack = match(LineToMatch("THEIRS", "x"), shelf), match(LineToMatch("THEIRS", "x"), packs)

    assert match(LineToMatch("THEIRS", "x"), twins).ambiguous
    assert (found.variant_id, found.rule) == (2, rule)
    assert pack.parts == ((2, 6),)


def test_a_preferred_product_that_is_gone_or_has_another_sku_is_a_question_again() -> None:
    twins = [candidate(1, "A", "One"), candidate(2, "A", "Two"), candidate(9, "B", "Renamed")]
    shelf = replace(catalog(*twins, everywhere={"THEIRS": "A"}), preferred={("mapping", "THEIRS"): 9})

    found = match(LineToMatch("THEIRS", "x"), shelf)

    assert found.ambiguous and {one.id for one in found.candidates} == {1, 2}


@pytest.mark.parametrize("title", ["T-Shirt: Size XL", "size xl T-SHIRT", "T-Shirt, Size: XL"])
def test_a_title_with_variation_labels_matches_when_the_sku_is_unknown(title: str) -> None:
    found = match(
        LineToMatch("UNKNOWN", title),
        catalog(candidate(1, "TS-XL", "T-Shirt", "Size", "XL"), candidate(2, "TS-L", "T-Shirt", "Size", "L")),
    )

    assert (found.variant_id, found.rule) == (1, "title")
    assert "UNKNOWN" in found.note


def test_structured_variation_counts_as_part_of_the_title() -> None:
    line = LineToMatch("", "T-Shirt", (("Size", "XL"),))

    assert match(line, catalog(candidate(1, "TS-XL", "T-Shirt", "Size", "XL"))).variant_id == 1


def test_the_title_rule_can_be_switched_off() -> None:
    assert not match(LineToMatch("U", "Enamel Mug"), catalog(candidate(1, "M"), use_titles=False)).found


@given(
    st.permutations([candidate(n, f"S{n % 4}", f"T{n % 3}") for n in range(8)]),
    st.sampled_from(["S0", "S1", "S2", "S9"]),
    st.sampled_from(["T0", "T1", "nothing"]),
)
def test_the_order_of_the_catalog_does_not_matter(goods: list[Candidate], sku: str, title: str) -> None:
    line = LineToMatch(sku, title)

    first = match(line, catalog(*goods))
    again = match(line, catalog(*sorted(goods, key=lambda one: one.id)))

    assert first == again


def test_a_barcode_matches_only_where_switched_on_after_the_sku_and_if_one_product_has_it() -> None:
    line = LineToMatch("036000291452", "Something else")
    one, other = candidate(1, "NP-MUG"), candidate(2, "NP-CUP", "Cup")
    code = "00036000291452"

    assert not match(line, catalog(one)).found
    found = match(line, replace(catalog(one), by_barcode={code: [one]}))
    assert (found.variant_id, found.rule) == (1, "barcode")
    assert not match(line, replace(catalog(one, other), by_barcode={code: [one, other]})).found
    named = candidate(3, "036000291452")
    assert match(line, replace(catalog(named), by_barcode={code: [one]})).rule == "sku"


def test_an_item_id_is_never_read_as_a_barcode() -> None:
    line = LineToMatch("", "Something else", item_id="036000291452")
    one = candidate(1, "NP-MUG")

    assert not match(line, replace(catalog(one), by_barcode={"00036000291452": [one]})).found
