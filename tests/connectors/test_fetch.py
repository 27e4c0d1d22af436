"""Fetching a file from a stranger's link: from known hosts only, never from inside our network, small and in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.contract.errors import NotFound, Rejected, TransientError
from connectors.fetch import LARGEST, Allowed, Fetcher, is_public
from connectors.http import Deadlines
from tests.connectors.wire import Wire, answer, drip, half, silence

HOST = "files.example.com"
ZIP = {"Content-Type": "application/zip"}


@pytest.fixture
def wire() -> Iterator[Wire]:
    server = Wire()
    yield server
    server.close()


def fetcher(wire: Wire, **more: Any) -> Fetcher:
    """Return a fetcher that may ask this server below /files."""
    return Fetcher("amazon", Allowed(below=f"{wire.url}/files"), **more)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (f"https://{HOST}/t/a/b/12", True),
        (f"https://{HOST}:443/t?x=1", True),
        (f"https://{HOST.upper()}/t", True),
        (f"http://{HOST}/t", False),
        (f"https://{HOST}:8443/t", False),
        (f"https://evil.{HOST}/t", False),
        (f"https://{HOST}.evil.example/t", False),
        (f"https://{HOST}@evil.example/t", False),
        (f"https://user:pass@{HOST}/t", False),
        (f"https://evil.example#{HOST}", False),
        (f"https://evil.example\\@{HOST}/t", False),
        (f"https://{HOST}\r\nHost: evil/t", False),
        (f"//{HOST}/t", False),
        (f"ftp://{HOST}/t", False),
        (f"file:///{HOST}", False),
        ("https://127.0.0.1/t", False),
        ("https://[::1]/t", False),
        ("https://[broken/t", False),
        (f"https://{HOST}:99999/t", False),
        ("", False),
    ],
)
def test_only_https_at_a_known_host_is_taken(url: str, taken: bool) -> None:
    assert Allowed(hosts=(HOST,)).takes(url) is taken


@pytest.mark.parametrize(
    ("path", "taken"),
    [("/files/a.zip", True), ("/files/a.zip?x=1", True), ("/files", False), ("/filesystem/a", False), ("/other/a", False),
     ("/files/../other", False), ("/files/%2e%2e/other", False), ("/files/%2E./other", False)],
)  # fmt: skip
def test_below_an_address_means_below_it(path: str, taken: bool) -> None:
    assert Allowed(below="http://127.0.0.1:9/files").takes(f"http://127.0.0.1:9{path}") is taken
    assert not Allowed(below="http://127.0.0.1:9/files").takes(f"http://127.0.0.1:8{path}")
    assert not Allowed(below="http://127.0.0.1:9/files").takes(f"https://127.0.0.1:9{path}")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:93.184.216.34", True), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False),
        ("nonsense", False),
    ],
)  # fmt: skip
def test_an_address_is_public_or_it_is_not(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("found", [["127.0.0.1"], ["10.0.0.8"], ["::1"], ["93.184.216.34", "169.254.169.254"]])
def test_a_known_name_that_leads_into_a_private_network_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, found: list[str]
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(Rejected) as refused:
        Fetcher("amazon", Allowed(hosts=(HOST,))).fetch(f"https://{HOST}/t/1")

    assert (refused.value.code, asked) == ("not_public", [HOST])


def test_a_link_to_another_host_is_refused_before_anything_is_sent(wire: Wire) -> None:
    with pytest.raises(Rejected) as refused:
        Fetcher("amazon", Allowed(hosts=(HOST,))).fetch(f"{wire.url}/files/a.zip")

    assert (refused.value.code, wire.asked) == ("not_allowed", [])


def test_a_file_is_fetched_with_its_query_and_without_a_token(wire: Wire) -> None:
    wire.answer_with(answer(200, raw=b"PK\x03\x04abc", headers=ZIP))

    content = fetcher(wire, user_agent="Ours/1.0").fetch(f"{wire.url}/files/a.zip?expires=5&signature=x%2By")

    assert content == b"PK\x03\x04abc"
    (asked,) = wire.asked
    assert asked.target == "/files/a.zip?expires=5&signature=x%2By"
    assert asked.headers["user-agent"] == "Ours/1.0"
    assert not {"authorization", "cookie", "x-amz-access-token"} & set(asked.headers)


def test_a_redirect_is_followed_to_where_we_may_go_and_nowhere_else(wire: Wire) -> None:
    there = answer(302, raw=b"", headers={"Location": "/files/b.zip"})
    away = answer(302, raw=b"", headers={"Location": "http://169.254.169.254/latest/meta-data"})
    inside = answer(307, raw=b"", headers={"Location": f"{wire.url}/secret"})
    nowhere = answer(302, raw=b"")

    wire.answer_with(there, answer(200, raw=b"PK", headers=ZIP))
    assert fetcher(wire).fetch(f"{wire.url}/files/a.zip") == b"PK"
    for step in (away, inside, nowhere, there):  # the last one leads on for ever
        wire.answer_with(step)
        with pytest.raises(Rejected) as refused:
            fetcher(wire).fetch(f"{wire.url}/files/a.zip")
        assert refused.value.code == "not_allowed"
    assert {asked.path for asked in wire.asked} <= {"/files/a.zip", "/files/b.zip"}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refused_link_may_have_expired(wire: Wire, status: int) -> None:
    wire.answer_with(answer(status, raw=b"Request has expired", headers={"Content-Type": "text/html"}))

    with pytest.raises(NotFound) as refused:
        fetcher(wire).fetch(f"{wire.url}/files/a.zip")

    assert refused.value.code == "link_refused"


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "Text/Plain", "application/json"])
def test_a_page_instead_of_the_file_is_none(wire: Wire, kind: str) -> None:
    wire.answer_with(answer(200, raw=b"<html>Sign in</html>", headers={"Content-Type": kind}))

    with pytest.raises(Rejected) as refused:
        fetcher(wire).fetch(f"{wire.url}/files/a.zip")

    assert refused.value.code == "not_a_file"


@pytest.mark.parametrize("step", [answer(500, raw=b"x"), answer(503, raw=b"x"), half], ids=["500", "503", "half"])
def test_what_may_pass_is_told_as_such(wire: Wire, step: Any) -> None:
    wire.answer_with(step)

    with pytest.raises(TransientError):
        fetcher(wire).fetch(f"{wire.url}/files/a.zip")


def test_a_file_that_does_not_end_is_left_at_the_limit(wire: Wire) -> None:
    def endless(connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b"\0" * 0x100000 + b"\r\n"
        try:
            for _ in range(LARGEST // 0x100000 + 8):
                connection.sendall(piece)
        except OSError:
            return False
        return False

    wire.answer_with(endless)

    with pytest.raises(Rejected) as refused:
        fetcher(wire).fetch(f"{wire.url}/files/a.zip")

    assert refused.value.code == "too_large"


def test_a_file_that_drips_is_left_at_the_deadline(wire: Wire) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: 1000\r\n\r\n"
    wire.answer_with(drip(head, b"x" * 1000, seconds=0.02))
    started = time.monotonic()

    with pytest.raises(TransientError):
        fetcher(wire, deadlines=Deadlines(total=0.5)).fetch(f"{wire.url}/files/a.zip")

    assert time.monotonic() - started < 2


def test_a_server_that_says_nothing_is_left_too(wire: Wire) -> None:
    wire.answer_with(silence)

    with pytest.raises(TransientError):
        fetcher(wire, deadlines=Deadlines(read=0.3, total=0.5)).fetch(f"{wire.url}/files/a.zip")
