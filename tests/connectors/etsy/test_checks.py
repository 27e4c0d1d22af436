"""What a merchant reads after connecting an Etsy shop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.errors import AuthorizationExpired, TransientError
from connectors.contract.types import Finding
from connectors.etsy.connector import Etsy
from connectors.etsy.settings import SCOPES
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.etsy.receipts import WITHHELD, receipt, shop
from tests.connectors.etsy.world import config
from tests.connectors.wire import Step, Wire, answer

ALL_SCOPES = answer(200, list(SCOPES))


def look(wire: Wire, *steps: Step, webhooks: bool = True) -> dict[str, Finding]:
    wire.answer_with(*steps)
    settings = config(wire.url)
    if not webhooks:
        settings = replace(settings, webhook_secret="")
    etsy = Etsy("12345", "", Tokens("77.token-1"), NoLimiter(), settings)
    return {finding.code: finding for finding in etsy.check()}


def page(*receipts: dict[str, Any]) -> Step:
    return answer(200, {"count": len(receipts), "results": list(receipts)})


def test_a_shop_in_order_has_nothing_to_mend(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), ALL_SCOPES, page(receipt(buyer_email="buyer@example.com")))

    assert {code: finding.ok for code, finding in found.items()} == dict.fromkeys(
        ("shop", "vacation", "currency", "scopes", "orders", "address", "email", "webhooks", "clock"), True
    )
    assert "EUR" in found["currency"].sentence
    assert wire.asked[1].form == {"token": "77.token-1"}


def test_a_shop_on_vacation_is_told_how_to_end_it(wire: Wire) -> None:
    found = look(wire, answer(200, shop(is_vacation=True)), ALL_SCOPES, page())

    assert found["vacation"].ok is False
    assert "vacation mode" in found["vacation"].fix


def test_a_scope_not_granted_is_named(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), answer(200, {"scopes": ["transactions_r", "shops_r"]}), page())

    assert found["scopes"].ok is False
    assert "transactions_w, listings_r, listings_w" in found["scopes"].sentence


def test_addresses_etsy_withholds_are_told_with_what_to_do(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), ALL_SCOPES, page(receipt(**WITHHELD), receipt(**WITHHELD, receipt_id=2)))

    assert found["address"].ok is False
    assert "order's page at Etsy" in found["address"].fix
    assert "does not give buyers' e-mail addresses" in found["email"].sentence


def test_without_a_paid_order_nobody_knows_about_addresses(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), ALL_SCOPES, page())

    assert found["address"].ok is None
    assert "email" not in found


def test_orders_that_may_not_be_read_are_a_finding(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), ALL_SCOPES, answer(403, {"error": "insufficient_scope"}))

    assert found["orders"].ok is False
    assert found["orders"].fix


def test_what_does_not_answer_now_is_not_called_broken(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), answer(500, {"error": "x"}), answer(500, {"error": "x"}))

    assert (found["scopes"].ok, found["orders"].ok) == (None, None)


def test_without_webhooks_the_sweep_is_what_finds_orders(wire: Wire) -> None:
    found = look(wire, answer(200, shop()), ALL_SCOPES, page(), webhooks=False)

    assert found["webhooks"].ok is None


def test_no_currency_told_is_said(wire: Wire) -> None:
    assert look(wire, answer(200, shop(currency_code=None)), ALL_SCOPES, page())["currency"].ok is None


def test_a_shop_that_does_not_answer_is_an_error(wire: Wire) -> None:
    with pytest.raises(TransientError):
        look(wire, answer(503, raw=b""))


def test_a_seller_who_withdrew_must_agree_again(wire: Wire) -> None:
    with pytest.raises(AuthorizationExpired):
        look(wire, answer(401, {"error": "invalid_token"}))
