"""E-mail addresses as stores take them: their own letters, domains of every script, and nothing that refuses an order."""

from __future__ import annotations

import pytest

from connectors import mailbox

SENT = {
    "ada@example.com": "ada@example.com",
    "  Ada.B+x@Mail.Example.COM ": "Ada.B+x@Mail.Example.COM",
    "info@例子.广告": "info@xn--fsqu00a.xn--4rr70v",
    "ada@münchen.example": "ada@xn--mnchen-3ya.example",
    "ada@straße.de": "ada@xn--strae-oqa.de",
    "ada@Ｅxample.de": "ada@example.de",
    "ada@xn--fsqu00a.xn--4rr70v": "ada@xn--fsqu00a.xn--4rr70v",
}
NOT_SENT = (
    "", " ", "ada", "@example.com", "ada@", "ada@example", "a@b@example.com", ".ada@example.com", "ada.@example.com",
    "a..b@example.com", "ü@example.de", "用户@例子.广告", "ada@☃.example", "ada@-x.例子", "ada@exa mple.com",
    "ada@example.com\nBcc: all@example.com", "a" * 65 + "@example.com", "ada@" + "x" * 300 + ".com", "ada@例" * 99,
)  # fmt: skip


@pytest.mark.parametrize(("given", "sent"), SENT.items())
def test_an_address_is_sent_as_a_store_can_take_it(given: str, sent: str) -> None:
    assert mailbox.sendable(given, longest=254) == sent


@pytest.mark.parametrize("given", NOT_SENT)
def test_what_would_refuse_the_order_is_not_sent(given: str) -> None:
    assert mailbox.sendable(given, longest=254) == ""


def test_a_domain_that_grows_too_long_in_other_letters_is_not_sent() -> None:
    address = "ada@" + "例子." * 6 + "example"

    assert len(address) < 40 < len(mailbox.sendable(address, longest=254))
    assert mailbox.sendable(address, longest=40) == ""


def test_a_note_says_what_is_not_sent_in_one_line() -> None:
    assert mailbox.note_line("ü@example.de\nkey=forged") == "E-mail: ü@example.de key=forged"
    assert mailbox.note_line(" ") == ""
    assert len(mailbox.note_line("x" * 9999)) < 400
