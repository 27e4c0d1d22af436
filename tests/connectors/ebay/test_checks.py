"""The look after connecting: what is well, what is not, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.errors import AuthorizationExpired, TransientError
from connectors.contract.types import Finding
from connectors.ebay.auth import AppTokens
from connectors.ebay.connector import Ebay
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.ebay import judge
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Step, Wire, answer

USER = {"userId": "EBLUMEN5Q", "username": "lumen-loom", "status": "CONFIRMED", "registrationMarketplaceId": "EBAY_US"}
ORDERS = {"orders": [], "total": 12}
PROGRAMS = {"programs": [{"programType": "SELLING_POLICY_MANAGEMENT"}, {"programType": "OUT_OF_STOCK_CONTROL"}]}
PRIVILEGES = {
    "sellerRegistrationCompleted": True,
    "sellingLimit": {"quantity": 500, "amount": {"value": "25000.00", "currency": "USD"}},
}


@pytest.fixture
def ebay(wire: Wire) -> Iterator[Ebay]:
    settings = config(wire.url)
    yield Ebay("EBLUMEN5Q", "", Tokens("seller-token"), NoLimiter(), settings)
    AppTokens._all.pop(settings, None)


def looked(ebay: Ebay, wire: Wire, **changes: Any) -> dict[str, Finding]:
    """The findings by code, when eBay answers so; keyword arguments replace an answer."""
    given = {"user": USER, "orders": ORDERS, "programs": PROGRAMS, "privileges": PRIVILEGES} | changes
    wire.answer_with(*(body if callable(body) else answer(200, body) for body in given.values()))
    return {finding.code: finding for finding in ebay.check()}


def test_an_account_that_is_well_has_nothing_to_mend(ebay: Ebay, wire: Wire) -> None:
    found = looked(ebay, wire)

    assert list(found) == [
        "identity", "account_status", "orders", "business_policies", "out_of_stock", "selling_limits", "clock",
    ]  # fmt: skip
    assert [finding.ok for finding in found.values()] == [True] * 7
    assert [finding.fix for finding in found.values()] == [""] * 7
    assert found["identity"].sentence == "eBay answers as lumen-loom, registered at eBay United States."
    assert found["orders"].sentence == "Orders can be read; 12 orders changed in the last 30 days."
    assert found["selling_limits"].sentence == "eBay lets this account sell 500 units and 25,000.00 USD a month."


@pytest.mark.contract
def test_every_look_is_a_call_of_ebays_contract(ebay: Ebay, wire: Wire, specs: Path) -> None:
    looked(ebay, wire)

    names = [judge.check(specs, asked) for asked in wire.asked]

    assert names == ["getUser", "getOrders", "getOptedInPrograms", "getPrivileges"]
    for name, body in zip(names, (USER, ORDERS, PROGRAMS, PRIVILEGES), strict=True):
        judge.named(specs, name).check_answer(body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user": {**USER, "userId": "SOMEBODY"}}, "identity"),
        ({"user": {**USER, "status": "ACCOUNTONHOLD"}}, "account_status"),
        ({"user": {**USER, "status": "UNCONFIRMED"}}, "account_status"),
        ({"programs": {"programs": [{"programType": "OUT_OF_STOCK_CONTROL"}]}}, "business_policies"),
        ({"programs": {"programs": [{"programType": "SELLING_POLICY_MANAGEMENT"}]}}, "out_of_stock"),
        ({"privileges": {"sellerRegistrationCompleted": False}}, "selling_limits"),
        ({"privileges": {"sellerRegistrationCompleted": True, "sellingLimit": {"quantity": 0}}}, "selling_limits"),
    ],
)
def test_what_is_wrong_comes_with_how_to_mend_it(ebay: Ebay, wire: Wire, changes: dict[str, Any], code: str) -> None:
    found = looked(ebay, wire, **changes)

    wrong = [finding for finding in found.values() if finding.ok is False]
    assert [finding.code for finding in wrong] == [code]
    assert wrong[0].sentence.endswith(".")
    assert wrong[0].fix.endswith(".")


def test_no_selling_limit_is_well(ebay: Ebay, wire: Wire) -> None:
    found = looked(ebay, wire, privileges={"sellerRegistrationCompleted": True})

    assert found["selling_limits"].sentence == "eBay sets no monthly selling limit."


def test_a_permission_that_was_not_given_is_told(ebay: Ebay, wire: Wire) -> None:
    denied = answer(
        403, {"errors": [{"errorId": 1100, "message": "Access denied", "longMessage": "Insufficient permissions."}]}
    )

    found = looked(ebay, wire, orders=denied)

    assert found["orders"].ok is False
    assert "Insufficient permissions" in found["orders"].sentence
    assert "Connect the account again" in found["orders"].fix


def test_what_cannot_be_looked_at_now_is_neither_good_nor_bad(ebay: Ebay, wire: Wire) -> None:
    found = looked(ebay, wire, programs=answer(500, {}))

    assert found["programs"].ok is None
    assert found["selling_limits"].ok is True


@pytest.mark.parametrize(("minutes", "words"), [(5, "behind"), (-5, "ahead of")])
def test_a_wrong_clock_is_found_out(ebay: Ebay, wire: Wire, minutes: int, words: str) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)

    found = looked(ebay, wire, privileges=answer(200, PRIVILEGES, headers={"Date": theirs}))

    assert found["clock"].ok is False
    assert words in found["clock"].sentence


@pytest.mark.parametrize(("step", "kind"), [(answer(503, {}), TransientError), (answer(401, {}), AuthorizationExpired)])
def test_an_account_nothing_can_be_read_of_raises(ebay: Ebay, wire: Wire, step: Step, kind: type[Exception]) -> None:
    wire.answer_with(step)

    with pytest.raises(kind):
        ebay.check()
