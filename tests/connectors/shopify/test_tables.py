"""Telephone numbers and provinces, as marketplaces write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify import phone, provinces


@pytest.mark.parametrize(
    ("text", "country", "number", "extension"),
    [
        ("+1 555-010-0199 ext. 12345", "US", "+15550100199", "12345"),
        ("(415) 555-0100 x22", "US", "+14155550100", "22"),
        ("4155550100x22", "US", "+14155550100", "22"),
        ("415-555-0100 Extension: 9", "CA", "+14155550100", "9"),
        ("1 415 555 0100", "US", "+14155550100", ""),
        ("020 7946 0958", "GB", "+442079460958", ""),
        ("+44 (0)20 7946 0958", "GB", "+442079460958", ""),
        ("0049 30 123456", "DE", "+4930123456", ""),
        ("06 12 34 56 78", "FR", "+33612345678", ""),
        ("02 1234 5678", "IT", "+390212345678", ""),
        ("9198765432", "IN", "+919198765432", ""),
        ("919198765432", "IN", "+919198765432", ""),
        ("٠٥٠١٢٣٤٥٦٧", "AE", "+971501234567", ""),
        ("０９０－１２３４－５６７８", "JP", "+819012345678", ""),
        ("5550100", "XX", "5550100", ""),
        ("123", "US", "", ""),
        ("+123456789012345678", "US", "", ""),
        ("n/a", "US", "", ""),
        ("", "US", "", ""),
    ],
)
def test_a_number_is_cleaned_and_its_extension_kept(text: str, country: str, number: str, extension: str) -> None:
    assert phone.clean(text, country) == (number, extension)


@given(st.text(max_size=40), st.sampled_from(["US", "GB", "DE", "IT", "IN", "JP", "ZZ", ""]))
def test_whatever_is_written_a_number_has_a_form_shopify_takes(text: str, country: str) -> None:
    number, extension = phone.clean(text, country)

    digits = number.removeprefix("+")
    assert number == "" or (digits.isdecimal() and digits.isascii() and phone.SHORTEST <= len(digits) <= phone.LONGEST)
    assert extension == "" or extension.isdecimal()


@pytest.mark.parametrize(
    ("country", "region", "code"),
    [
        ("US", "ca", "CA"),
        ("US", "CALIFORNIA", "CA"),
        ("US", "US-CA", "CA"),
        ("US", "D.C.", "DC"),
        ("US", "Washington, D.C.", "DC"),
        ("US", "Armed Forces Europe", "AE"),
        ("CA", "Qu\u00e9bec", "QC"),
        ("CA", "Newfoundland & Labrador", "NL"),
        ("AU", "N.S.W.", "NSW"),
        ("GB", "Scotland", "SCT"),
        ("MX", "CHH", "CHIH"),
        ("MX", "Q. Roo", "Q ROO"),
        ("BR", "S\u00e3o Paulo", "SP"),
        ("IT", "Milano", "MI"),
        ("ES", "M\u00e1laga", "MA"),
        ("JP", "\u6771\u4eac\u90fd", "JP-13"),
        ("JP", "Tokyo-to", "JP-13"),
        ("JP", "13", "JP-13"),
        ("IN", "Orissa", "OR"),
        ("IE", "Co. Cork", "CO"),
        ("AE", "Dubai", "DU"),
        ("GB", "Kent", ""),
        ("US", "Ontario", ""),
        ("DE", "Bayern", ""),
        ("US", "", ""),
    ],
)
def test_a_region_becomes_its_code_or_nothing(country: str, region: str, code: str) -> None:
    assert provinces.code_for(country, region) == code


@pytest.mark.parametrize(
    ("country", "count"),
    [("US", 62), ("CA", 13), ("AU", 8), ("MX", 32), ("BR", 27), ("ES", 52), ("JP", 47), ("IE", 26), ("NZ", 17)],
)
def test_the_tables_are_whole(country: str, count: int) -> None:
    assert len(set(provinces.codes(country))) == count


@given(st.sampled_from(["US", "CA", "GB", "JP", "MX", "IT", "ZZ"]), st.text(max_size=30))
def test_only_known_codes_are_ever_sent(country: str, region: str) -> None:
    assert provinces.code_for(country, region) in {"", *provinces.codes(country)}
