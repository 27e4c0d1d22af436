"""Codes in words."""

from __future__ import annotations

import pytest

from salestio.lib.text import spoken


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SECOND_DAY", "Second day"), ("USPSGroundAdvantage", "USPS Ground Advantage"), ("Standard", "Standard"),
        ("Standard Shipping", "Standard Shipping"), ("", ""),
    ],
)  # fmt: skip
def test_a_code_is_spoken_as_words(code: str, words: str) -> None:
    assert spoken(code) == words
