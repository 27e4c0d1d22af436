"""What becomes of a call, whatever the other side does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from connectors import http, transport
from connectors.contract.errors import (
    AuthorizationExpired,
    OutcomeUnknown,
    RateLimited,
    TransientError,
    UnexpectedReply,
)
from connectors.http import Caller, Deadlines
from connectors.ratelimit import LocalLimiter, NoLimiter, Take
from tests.connectors import wire as wires
from tests.connectors.contract import Tokens
from tests.connectors.wire import Wire

QUICK = Deadlines(connect=0.5, read=0.4, total=0.8, max_bytes=100_000)


def caller(wire: Wire, **options: Any) -> Caller:
    settings: dict[str, Any] = {
        "platform": "testland",
        "base_url": wire.url,
        "tokens": None,
        "limiter": NoLimiter(),
        "account": "A1",
        "deadlines": QUICK,
    }
    return Caller(**{**settings, **options})


LOST = [
    pytest.param(wires.drop, id="dropped"),
    pytest.param(wires.half, id="half a body"),
    pytest.param(wires.half_chunked, id="half a chunked body"),
    pytest.param(wires.silence, id="silence"),
    pytest.param(wires.answer(500, {}), id="500"),
    pytest.param(wires.answer(503, raw=b"<h1>Maintenance</h1>"), id="503 in HTML"),
    pytest.param(wires.answer(408, {}), id="408"),
]


@pytest.mark.parametrize("step", LOST)
def test_a_lost_answer_to_a_write_is_unknown(wire: Wire, step: wires.Step) -> None:
    wire.answer_with(step)

    with pytest.raises(OutcomeUnknown) as caught:
        caller(wire).call("makeThing", "POST", "/things", json={"a": 1}, write=True)

    assert (caught.value.platform, caught.value.operation) == ("testland", "makeThing")
    assert len(wire.asked) == 1


@pytest.mark.parametrize("step", LOST)
def test_a_lost_answer_to_a_read_is_transient(wire: Wire, step: wires.Step) -> None:
    wire.answer_with(step)

    with pytest.raises(TransientError):
        caller(wire).call("listThings", "GET", "/things")

    assert len(wire.asked) == 1


@pytest.mark.parametrize("write", [True, False])
def test_nothing_happened_when_nobody_listens(write: bool, observed: list[tuple[str, str, str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    nobody = Caller(
        platform="testland", base_url=f"http://127.0.0.1:{port}", tokens=None, limiter=NoLimiter(), account="A1"
    )

    with pytest.raises(TransientError):
        nobody.call("makeThing", "POST", "/things", write=write)

    assert observed == [("testland", "makeThing", "refused")]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(wires.drip(b"HTTP/1.1 200 OK\r\n", b"X-Slow: " + b"a" * 200), id="headers"),
        pytest.param(wires.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", b"a" * 200), id="body"),
    ],
)
def test_an_answer_that_drips_ends_at_the_total_deadline(wire: Wire, step: wires.Step) -> None:
    wire.answer_with(step)
    started = time.monotonic()

    with pytest.raises(TransientError):
        caller(wire).call("listThings", "GET", "/things")

    assert 0.7 < time.monotonic() - started < 1.5


def test_a_body_beyond_the_cap_is_not_kept(wire: Wire) -> None:
    wire.answer_with(wires.answer(200, raw=b"a" * 200_000))

    with pytest.raises(UnexpectedReply):
        caller(wire).call("listThings", "GET", "/things")


def test_a_small_answer_that_unpacks_beyond_the_cap_is_not_kept(wire: Wire) -> None:
    bomb = gzip.compress(b"a" * 10_000_000)
    wire.answer_with(wires.answer(200, raw=bomb, headers={"Content-Encoding": "gzip"}))

    with pytest.raises(UnexpectedReply):
        caller(wire).call("listThings", "GET", "/things")

    assert len(bomb) < QUICK.max_bytes


def test_an_answer_is_unpacked_and_read(wire: Wire) -> None:
    wire.answer_with(wires.answer(200, raw=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}))

    reply = caller(wire).call("listThings", "GET", "/things", params={"q": "a b", "n": 2})

    assert reply.json() == {"a": 1}
    assert wire.asked[0].query == {"q": "a b", "n": "2"}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        pytest.param(rb'{"note": "Love \ud83d"}', "Love \ufffd", id="half an emoji"),
        pytest.param(b'{"note": "Love \xed\xa0\xbd"}', "Love \ufffd", id="half an emoji, as bytes"),
        pytest.param(rb'{"note": "A\u0000B"}', "AB", id="the zero character"),
        pytest.param(rb'{"note": "\uD83D\uDE00"}', "\U0001f600", id="a whole emoji"),
    ],
)
def test_every_text_of_an_answer_can_be_stored(wire: Wire, raw: bytes, read: str) -> None:
    wire.answer_with(wires.answer(200, raw=raw))

    assert caller(wire).call("listThings", "GET", "/things").json() == {"note": read}


def test_connections_are_reused(wire: Wire) -> None:
    calls = caller(wire)

    for _ in range(5):
        calls.call("listThings", "GET", "/things")

    assert wire.connections == 1


def test_a_connection_that_lay_idle_too_long_is_opened_anew(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = caller(wire)
    calls.call("listThings", "GET", "/things")
    monkeypatch.setattr(transport, "IDLE_CONNECTION_SECONDS", 0.0)

    calls.call("listThings", "GET", "/things")

    assert wire.connections == 2


def test_an_unreadable_success_is_unknown_for_a_write_and_transient_for_a_read(wire: Wire) -> None:
    wire.answer_with(wires.answer(200, raw=b"<html>back soon</html>"))

    with pytest.raises(OutcomeUnknown):
        caller(wire).call("makeThing", "POST", "/things", write=True).json()
    with pytest.raises(TransientError):
        caller(wire).call("listThings", "GET", "/things").json()


def test_redirects_are_not_followed(wire: Wire) -> None:
    wire.answer_with(wires.answer(302, {}, headers={"Location": wire.url + "/elsewhere"}))

    with pytest.raises(UnexpectedReply):
        caller(wire).call("listThings", "GET", "/things")
    with pytest.raises(OutcomeUnknown):
        caller(wire).call("makeThing", "POST", "/things", write=True)

    assert [asked.path for asked in wire.asked] == ["/things", "/things"]


def test_a_clear_no_comes_back_for_the_platform_to_read(wire: Wire) -> None:
    wire.answer_with(wires.answer(422, {"why": "no"}))

    reply = caller(wire).call("makeThing", "POST", "/things", json={}, write=True)

    assert (reply.status, reply.ok, reply.json()) == (422, False, {"why": "no"})


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_token_is_renewed_and_the_call_made_once_more(wire: Wire) -> None:
    wire.answer_with(wires.answer(401, {}), wires.answer(200, {"a": 1}))
    tokens = Tokens("old-token", "new-token")

    reply = caller(wire, tokens=tokens, token_header="X-Token").call("makeThing", "POST", "/things", write=True)

    assert reply.json() == {"a": 1}
    assert tokens.refusals == ["old-token"]
    assert [asked.headers["x-token"] for asked in wire.asked] == ["old-token", "new-token"]


def test_a_fresh_token_refused_too_means_a_reconnect(wire: Wire) -> None:
    wire.answer_with(wires.answer(401, {}))

    with pytest.raises(AuthorizationExpired):
        caller(wire, tokens=Tokens("old", "new")).call("listThings", "GET", "/things")

    assert len(wire.asked) == 2


def test_the_same_token_is_not_tried_twice(wire: Wire) -> None:
    class Stubborn(Tokens):
        def refused(self, token: str) -> None:
            self.refusals.append(token)

    wire.answer_with(wires.answer(401, {}))

    with pytest.raises(AuthorizationExpired):
        caller(wire, tokens=Stubborn("only")).call("listThings", "GET", "/things")

    assert len(wire.asked) == 1


def test_a_call_without_token_gets_its_401_to_read(wire: Wire) -> None:
    wire.answer_with(wires.answer(401, {"error": "invalid_client"}))

    reply = caller(wire).call("getToken", "POST", "/token", auth=False)

    assert reply.json() == {"error": "invalid_client"}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_token_in_the_bucket_nothing_is_sent(wire: Wire, observed: list[tuple[str, str, str]]) -> None:
    calls = caller(wire, limiter=LocalLimiter())

    with pytest.raises(RateLimited) as caught:
        calls.call("listThings", "GET", "/things", limits=[Take("b", rate=2, capacity=4)])

    assert caught.value.ours
    assert caught.value.retry_after == pytest.approx(0.5, abs=0.01)
    assert wire.asked == []
    assert observed == [("testland", "listThings", "limited")]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param({"Retry-After": "0.5"}, 0.5, id="part of a second"),
        pytest.param({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, id="a date gone by"),
        pytest.param({"Retry-After": "soon"}, 2, id="nonsense"),
        pytest.param({}, 2, id="nothing told: the bucket's own refill"),
    ],
)
def test_a_429_names_the_pause_and_closes_the_bucket(wire: Wire, headers: dict[str, str], wait: float) -> None:
    now = [0.0]
    limiter = LocalLimiter(clock=lambda: now[0])
    take = Take("b", rate=0.5, capacity=10)
    limiter.take([take])
    now[0] = 100.0
    wire.answer_with(wires.answer(429, {}, headers=headers))

    with pytest.raises(RateLimited) as caught:
        caller(wire, limiter=limiter).call("makeThing", "POST", "/things", write=True, limits=[take])

    assert caught.value.retry_after == wait
    assert not caught.value.ours
    assert limiter.take([take]) >= wait


def test_the_rate_in_the_header_is_learned(wire: Wire) -> None:
    limiter = LocalLimiter()
    calls = caller(wire, limiter=limiter, rate_header="X-Rate")
    take = Take("b", rate=1000, capacity=10)
    limiter.take([take])
    time.sleep(0.01)
    wire.answer_with(wires.answer(200, {}, headers={"X-Rate": "12.5"}))

    calls.call("listThings", "GET", "/things", limits=[take])

    assert calls.learned_rates == {"listThings": 12.5}
    assert limiter.learned_rate("b") == 12.5


@pytest.mark.parametrize("told", ["", "plenty", "-1", "0", "nan", "inf"])
def test_an_odd_rate_is_not_believed(wire: Wire, told: str) -> None:
    calls = caller(wire, rate_header="X-Rate")
    wire.answer_with(wires.answer(200, {}, headers={"X-Rate": told}))

    calls.call("listThings", "GET", "/things")

    assert calls.learned_rates == {}


# ── what is seen of a call ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_guard_stops_a_call_before_it_leaves(wire: Wire) -> None:
    def guard(platform: str, operation: str) -> None:
        raise AssertionError(f"{operation} inside a transaction")

    http.before_call.append(guard)
    try:
        with pytest.raises(AssertionError, match="inside a transaction"):
            caller(wire).call("listThings", "GET", "/things")
    finally:
        http.before_call.remove(guard)

    assert wire.asked == []


def test_the_log_line_tells_the_call_and_no_secret(wire: Wire, everything_logged: Callable[[], str]) -> None:
    wire.answer_with(wires.answer(200, {"buyer": "Jane Roe"}, headers={"x-amzn-RequestId": "req-1"}), wires.drop)
    calls = caller(wire, tokens=Tokens("very-secret"))

    calls.call("findBuyer", "POST", "/buyers", params={"email": "jane@example.com"}, json={"name": "Jane Roe"})
    with pytest.raises(TransientError):
        calls.call("findBuyer", "GET", "/buyers", params={"email": "jane@example.com"})

    logged = everything_logged()
    assert "req-1" in logged
    assert "'operation': 'findBuyer'" in logged
    for secret in ("very-secret", "Jane", "jane@"):
        assert secret not in logged


def test_an_error_does_not_carry_the_address_with_its_query(wire: Wire) -> None:
    wire.answer_with(wires.drop)

    with pytest.raises(TransientError) as caught:
        caller(wire).call("findBuyer", "GET", "/buyers", params={"email": "jane@example.com"})

    assert "jane" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_calls_of_many_threads_do_not_mix(wire: Wire) -> None:
    wire.answer_with(wires.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}", seconds=0.01))
    first, second = caller(wire, tokens=Tokens("token-1")), caller(wire, tokens=Tokens("token-2"))
    failures: list[Exception] = []

    def work(calls: Caller, name: str) -> None:
        try:
            for _ in range(10):
                calls.call(name, "GET", f"/{name}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((first, "token-1"), (second, "token-2")) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(wire.asked) == 80
    assert all(asked.path == "/" + asked.headers["authorization"] for asked in wire.asked)
