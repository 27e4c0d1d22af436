"""The look after connecting (F9): the selling plan, sites that were switched off, and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon.auth import AppTokens
from connectors.amazon.connector import Amazon
from connectors.contract.errors import AuthorizationExpired, TransientError
from connectors.contract.marketplace import Checks
from connectors.contract.types import Finding
from connectors.ratelimit import NoLimiter
from tests.connectors.amazon import swagger
from tests.connectors.amazon.test_client import config
from tests.connectors.contract import Tokens, World
from tests.connectors.wire import Step, Wire, answer

KEY = "A1NORTHPINEUS"


def account(plan: str) -> dict[str, Any]:
    return {"payload": {"businessType": "PRIVATE_LIMITED", "sellingPlan": plan, "marketplaceParticipationList": []}}


@pytest.fixture
def amazon(wire: Wire) -> Iterator[Amazon]:
    settings = config(wire.url)
    yield Amazon("A1FICTIVE", "na", Tokens("seller-token-1", "seller-token-2"), NoLimiter(), settings)
    AppTokens._all.pop(settings, None)


def looked(amazon: Amazon) -> dict[str, Finding]:
    assert isinstance(amazon, Checks)
    return {finding.code: finding for finding in amazon.check()}


def test_a_professional_account_has_nothing_to_mend(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(answer(200, account("PROFESSIONAL")))

    found = looked(amazon)

    assert [(code, one.ok) for code, one in found.items()] == [("plan", True), ("clock", True)]


def test_an_individual_plan_says_where_to_change_it(amazon: Amazon, wire: Wire) -> None:
    wire.answer_with(answer(200, account("INDIVIDUAL")))

    plan = looked(amazon)["plan"]

    assert plan.ok is False
    assert "Individual plan" in plan.sentence and "Account info" in plan.fix


@pytest.mark.parametrize(
    "step",
    [
        answer(403, {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}),
        answer(200, account("SOMETHING_NEW")),
    ],
    ids=["without the role", "a plan nobody knows"],
)
def test_a_plan_that_is_not_told_is_neither_good_nor_bad(amazon: Amazon, wire: Wire, step: Step) -> None:
    wire.answer_with(step)

    assert looked(amazon)["plan"].ok is None


@pytest.mark.parametrize(("minutes", "words"), [(5, "behind"), (-5, "ahead of")])
def test_a_wrong_clock_is_found_out(amazon: Amazon, wire: Wire, minutes: int, words: str) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    wire.answer_with(answer(200, account("PROFESSIONAL"), headers={"Date": theirs}))

    clock = looked(amazon)["clock"]

    assert clock.ok is False
    assert words in clock.sentence


@pytest.mark.parametrize(("step", "kind"), [(answer(503, {}), TransientError), (answer(401, {}), AuthorizationExpired)])
def test_an_account_nothing_can_be_read_of_raises(
    amazon: Amazon, wire: Wire, step: Step, kind: type[Exception]
) -> None:
    wire.answer_with(step, step)

    with pytest.raises(kind):
        amazon.check()


@pytest.mark.contract
def test_the_look_is_a_call_of_amazons_contract(amazon: Amazon, wire: Wire, specs: Path) -> None:
    wire.answer_with(answer(200, account("PROFESSIONAL")))

    looked(amazon)

    assert [swagger.judge(specs, one) for one in wire.asked] == ["getAccount"]


@pytest.mark.usefixtures("unlimited")
def test_the_sandboxs_seller_is_found_as_the_control_api_says(sandbox: Any, open_amazon: Any) -> None:
    amazon, _world = open_amazon(KEY, "na")
    seller = World(sandbox, "amazon", KEY)
    assert looked(amazon)["plan"].ok is True

    sandbox.control("POST", f"/accounts/amazon/{seller.key}/standing", {"plan": "INDIVIDUAL", "suspended": ["US"]})
    try:
        assert looked(amazon)["plan"].ok is False
        assert {site.code: site.suspended for site in amazon.sites()}["US"] is True
    finally:
        sandbox.control("POST", f"/accounts/amazon/{seller.key}/standing", {"plan": "PROFESSIONAL", "suspended": []})
    assert looked(amazon)["plan"].ok is True
