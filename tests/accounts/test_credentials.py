"""Tokens: sealed at rest, renewed ahead of time, once at a time, whatever dies in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts import credentials
from accounts.credentials import DatabaseTokens
from accounts.models import Credential, MarketplaceAccount
from connectors.contract.errors import AuthorizationExpired, OutcomeUnknown, RateLimited, TransientError
from connectors.contract.types import Grant
from notifications.models import Alert
from salestio import tenancy
from salestio.lib.crypto import KeyRing
from tests.factories import Cast, make_merchant

pytestmark = pytest.mark.django_db(transaction=True)


def grant(name: str, *, minutes: float = 60, refresh: str | None = None) -> Grant:
    return Grant(
        key="A1",
        access_token=f"access-{name}",
        access_expires_at=now() + timedelta(minutes=minutes),
        refresh_token=f"refresh-{name}" if refresh is None else refresh,
    )


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_merchant()


def stored(cast: Cast, given: Grant, *, age: timedelta = timedelta(0)) -> int:
    with tenancy.scope(cast.id):
        row = credentials.store_grant(cast.account, given)
        Credential.objects.filter(pk=row.pk).update(access_issued_at=now() - age)
    credentials.forget_all()
    return row.pk


def source(cast: Cast, pk: int, refresh: Callable[[str], Grant] | None) -> DatabaseTokens:
    return DatabaseTokens(pk, cast.id, refresh=refresh)


def never(token: str) -> Grant:
    raise AssertionError("no refresh was needed")


def state_of(cast: Cast) -> str:
    with tenancy.scope(cast.id):
        return MarketplaceAccount.objects.get(pk=cast.account.pk).state


def test_a_token_lies_sealed_in_the_database(cast: Cast, owner: object) -> None:
    pk = stored(cast, grant("canary"))

    with owner.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT access_sealed, refresh_sealed FROM accounts_credential WHERE id = %s", [pk])
        access, refresh = (bytes(value) for value in cursor.fetchone())
    assert b"canary" not in access + refresh
    assert credentials.unseal(access) == "access-canary"


def test_a_fresh_token_is_used_without_asking_anybody(cast: Cast) -> None:
    tokens = source(cast, stored(cast, grant("one")), never)

    assert tokens.current() == "access-one"
    with CaptureQueriesContext(connection) as queries:
        assert [tokens.current() for _ in range(50)] == ["access-one"] * 50
    assert len(queries) == 0


def test_a_token_at_eighty_percent_of_its_life_is_renewed_and_the_pair_is_stored_first(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=11), age=timedelta(minutes=49))
    seen: list[str] = []

    def refresh(token: str) -> Grant:
        seen.append(token)
        return grant("new")

    assert source(cast, pk, refresh).current() == "access-new"
    assert seen == ["refresh-old"]
    credentials.forget_all()
    assert source(cast, pk, never).current() == "access-new"


def test_a_platform_that_keeps_the_refresh_token_need_not_repeat_it(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))

    source(cast, pk, lambda token: grant("new", refresh="")).current()

    with tenancy.scope(cast.id):
        assert credentials.unseal(Credential.objects.get(pk=pk).refresh_sealed) == "refresh-old"


def test_eight_threads_refresh_once_and_all_get_the_new_token(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))
    calls: list[str] = []
    got: list[str] = []

    def refresh(token: str) -> Grant:
        calls.append(token)
        time.sleep(0.3)
        return grant(f"new{len(calls)}")

    def work() -> None:
        try:
            got.append(source(cast, pk, refresh).current())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls == ["refresh-old"]
    assert got == ["access-new1"] * 8


def test_while_another_renews_ahead_of_time_the_old_token_is_used_at_once(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=5), age=timedelta(minutes=55))
    with tenancy.scope(cast.id):
        Credential.objects.filter(pk=pk).update(lease_until=now() + timedelta(seconds=60))

    began = time.monotonic()

    assert source(cast, pk, never).current() == "access-old"
    assert time.monotonic() - began < 1


def test_the_lease_of_a_worker_that_died_runs_out(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))
    with tenancy.scope(cast.id):
        Credential.objects.filter(pk=pk).update(lease_until=now() - timedelta(seconds=1))

    assert source(cast, pk, lambda token: grant("new")).current() == "access-new"


def test_a_pair_that_comes_after_the_lease_was_lost_is_not_stored_over_a_newer_one(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))

    def slow(token: str) -> Grant:
        with tenancy.scope(cast.id):
            credentials.store_grant(cast.account, grant("newer"))
        return grant("late")

    assert source(cast, pk, slow).current() == "access-newer"


def test_an_unanswered_refresh_is_tried_once_more_with_the_same_token(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))
    seen: list[str] = []

    def refresh(token: str) -> Grant:
        seen.append(token)
        if len(seen) == 1:
            raise OutcomeUnknown("no answer")
        return grant("new")

    assert source(cast, pk, refresh).current() == "access-new"
    assert seen == ["refresh-old", "refresh-old"]


def test_a_platform_that_is_down_does_not_end_a_connection(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))

    def refresh(token: str) -> Grant:
        raise OutcomeUnknown("no answer")

    with pytest.raises(TransientError):
        source(cast, pk, refresh).current()

    assert state_of(cast) == "active"
    assert source(cast, pk, lambda token: grant("later")).current() == "access-later"


def test_a_pause_asked_for_is_passed_on_and_not_hammered(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))
    seen: list[str] = []

    def refresh(token: str) -> Grant:
        seen.append(token)
        raise RateLimited("pause", retry_after=5)

    with pytest.raises(RateLimited):
        source(cast, pk, refresh).current()

    assert len(seen) == 1


def test_a_refused_refresh_expires_the_account_once_and_tells_why(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))

    def refresh(token: str) -> Grant:
        raise AuthorizationExpired("the seller withdrew")

    for _ in range(2):
        with pytest.raises(AuthorizationExpired):
            source(cast, pk, refresh).current()

    assert state_of(cast) == "expired"
    with tenancy.scope(cast.id):
        assert [(a.kind, a.key) for a in Alert.objects.filter(closed_at=None)] == [
            ("account_expired", str(cast.account.pk))
        ]


def test_a_refusal_of_the_old_pair_does_not_end_a_connection_that_was_made_anew_meanwhile(cast: Cast) -> None:
    pk = stored(cast, grant("old", minutes=-1))

    def agreed_again(token: str) -> Grant:
        with tenancy.scope(cast.id):
            credentials.store_grant(cast.account, grant("new"))
        raise AuthorizationExpired("The seller's permission ended")

    assert source(cast, pk, agreed_again).current() == "access-new"
    assert state_of(cast) == "active"


def test_a_token_the_platform_refused_is_replaced_although_it_looks_fresh(cast: Cast) -> None:
    pk = stored(cast, grant("old"))
    tokens = source(cast, pk, lambda token: grant("new"))
    token = tokens.current()

    tokens.refused(token)

    assert tokens.current() == "access-new"
    tokens.refused(token)  # told again, late, by another thread: the new one stays
    assert tokens.current() == "access-new"


def test_a_refused_token_that_cannot_be_renewed_expires_the_account(cast: Cast) -> None:
    pk = stored(cast, grant("only", refresh=""))
    tokens = source(cast, pk, None)

    tokens.refused(tokens.current())

    with pytest.raises(AuthorizationExpired):
        tokens.current()
    assert state_of(cast) == "expired"


def test_dropped_tokens_are_gone_and_a_reconnect_gives_the_same_source_new_ones(cast: Cast) -> None:
    pk = stored(cast, grant("old"))
    tokens = source(cast, pk, never)
    tokens.current()
    with tenancy.scope(cast.id):
        credentials.drop(cast.account)
        row = Credential.objects.get(pk=pk)
        assert (bytes(row.access_sealed), bytes(row.refresh_sealed)) == (b"", b"")

    with pytest.raises(AuthorizationExpired):
        tokens.current()
    stored(cast, grant("again"))

    assert tokens.current() == "access-again"


def test_rotation_encrypts_everything_with_the_newest_key(cast: Cast, settings: object) -> None:
    old_key, new_key = settings.CREDENTIAL_KEYS[0], Fernet.generate_key().decode()  # type: ignore[attr-defined]
    pk = stored(cast, grant("kept"))
    settings.KEY_RING = KeyRing([new_key, old_key])  # type: ignore[attr-defined]

    assert credentials.rotate() == 1

    settings.KEY_RING = KeyRing([new_key])  # type: ignore[attr-defined]
    credentials.forget_all()
    assert source(cast, pk, never).current() == "access-kept"


def test_a_source_shows_no_token_in_its_repr(cast: Cast) -> None:
    pk = stored(cast, grant("canary"))
    tokens = source(cast, pk, never)
    tokens.current()

    assert "canary" not in repr(tokens)
