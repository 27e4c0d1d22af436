"""The jobs of the accounts, and running a job by hand."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from accounts import connections, credentials, jobs
from accounts.models import Credential, MarketplaceAccount
from connectors.contract.errors import TransientError
from connectors.contract.types import Grant
from notifications.alerts import open_alerts
from salestio import tenancy
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def connected(cast: Cast, *, permission_days: float = 365, minutes: float = 60, age: float = 0) -> None:
    with tenancy.scope(cast.id):
        row = credentials.store_grant(
            cast.account,
            Grant(
                key=cast.account.key,
                access_token="old",
                access_expires_at=now() + timedelta(minutes=minutes),
                refresh_token="refresh",
                refresh_expires_at=now() + timedelta(days=permission_days),
            ),
        )
        Credential.objects.filter(pk=row.pk).update(access_issued_at=now() - timedelta(minutes=age))
    credentials.forget_all()


def alerts_of(cast: Cast) -> list[str]:
    with tenancy.scope(cast.id):
        return [reading.title for reading in open_alerts()]


@pytest.mark.parametrize(("days", "warned"), [(300, False), (15, False), (13, True), (1, True)])
def test_a_permission_that_ends_within_two_weeks_is_told(merchant: Cast, days: float, warned: bool) -> None:
    connected(merchant, permission_days=days)

    jobs.token_warnings(merchant.id, now())

    assert bool(alerts_of(merchant)) == warned


def test_telling_twice_keeps_one_alert(merchant: Cast) -> None:
    connected(merchant, permission_days=5)

    jobs.token_warnings(merchant.id, now())
    jobs.token_warnings(merchant.id, now())

    assert len(alerts_of(merchant)) == 1


def test_a_permission_that_has_ended_expires_the_account(merchant: Cast) -> None:
    connected(merchant, permission_days=5)

    jobs.token_warnings(merchant.id, now() + timedelta(days=6))

    with tenancy.scope(merchant.id):
        assert MarketplaceAccount.objects.get(pk=merchant.account.pk).state == "expired"
    assert f"Account '{merchant.account.name}' has expired." in alerts_of(merchant)


@pytest.mark.parametrize(("age", "minutes", "renewed"), [(10, 50, False), (49, 11, True), (70, -10, True)])
def test_tokens_are_renewed_ahead_of_time(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch, age: float, minutes: float, renewed: bool
) -> None:
    connected(merchant, minutes=minutes, age=age)
    fresh = Grant(key="k", access_token="new", access_expires_at=now() + timedelta(hours=1), refresh_token="r2")
    monkeypatch.setattr(connections.authorization("amazon"), "refresh", lambda token, key="": fresh)

    said = jobs.refresh_tokens(merchant.id, now())

    assert said == ({"renewed": 1} if renewed else {})


def test_a_platform_that_does_not_answer_stops_no_other_renewal(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(merchant, minutes=-1, age=61)

    def down(token: str, key: str = "") -> Grant:
        raise TransientError("down")

    monkeypatch.setattr(connections.authorization("amazon"), "refresh", down)

    assert jobs.refresh_tokens(merchant.id, now()) == {}
    with tenancy.scope(merchant.id):
        assert MarketplaceAccount.objects.get(pk=merchant.account.pk).is_active


def run(*words: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("jobs", "run", *words, stdout=out)
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


def test_a_job_runs_by_hand_as_if_at_another_time(merchant: Cast) -> None:
    connected(merchant, permission_days=20)

    assert run("token-warnings")["said"] == {}
    said = run("token-warnings", "--now", (now() + timedelta(days=10)).isoformat())["said"]

    assert said == {str(merchant.id): {merchant.account.name: "9 days left"}}


def test_a_job_nobody_knows_and_a_time_that_is_none_are_one_sentence(db: None) -> None:
    with pytest.raises(CommandError, match="There is no job 'dance'"):
        run("dance")
    with pytest.raises(CommandError, match="is no time"):
        run("purge", "--now", "tomorrow")


def test_production_does_not_pretend_another_time(db: None, settings: Any) -> None:
    settings.MODE = "production"

    with pytest.raises(CommandError, match="before its time"):
        run("purge", "--now", "2030-01-01T00:00:00Z")


def test_every_job_is_listed() -> None:
    out = io.StringIO()
    call_command("jobs", "list", stdout=out)

    assert "token-warnings" in out.getvalue()


def test_the_warning_goes_once_the_permission_lasts_longer_again(merchant: Cast) -> None:
    """A renewed token, or a merchant who wants to be told later: the banner must not stay."""
    connected(merchant, permission_days=5)
    jobs.token_warnings(merchant.id, now())
    assert alerts_of(merchant)

    connected(merchant, permission_days=90)
    jobs.token_warnings(merchant.id, now())

    assert alerts_of(merchant) == []
