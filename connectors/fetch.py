"""Fetch a file from an address that somebody else wrote: only from known hosts, at public addresses, small and in time.

A link inside an order is a stranger's text. Whoever fetches it blindly can be sent to our own network (SSRF), to a file
without end, or to another host by a redirect. What may be fetched is declared by the platform's folder (`Allowed`).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError

from connectors.contract.errors import ConnectorError, NotFound, Rejected, UnexpectedReply
from connectors.http import Caller, Deadlines, Reply
from connectors.ratelimit import LocalLimiter, Take
from connectors.transport import DeadlineAdapter, TlsConnection, TlsPool, new_session

LARGEST = 25 * 1024 * 1024
"""Bytes of a file; a larger one is refused while it is read."""

TOTAL_SECONDS = 60.0
REDIRECTS = 3
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REFUSED = (401, 403, 404, 410)
_PAGES = ("text/", "application/json", "application/xml", "application/xhtml")
"""Kinds of answers that are a page about the file, not the file: a sign-in form, an error."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Where files may come from. `hosts`: exact names, by https at their usual port and at public addresses only.

    `below`: instead of them one base address, taken as it is: the pretend world's, or a checking proxy of the operator's.
    """

    hosts: Sequence[str] = ()
    below: str = ""

    def takes(self, url: str) -> bool:
        """Say whether this address may be asked."""
        if _ODD.search(url):
            return False
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or not parts.hostname:
            return False
        if self.below:
            base = urlsplit(self.below)
            same = (parts.scheme, parts.hostname, port) == (base.scheme, base.hostname, base.port)
            inside = parts.path.startswith(base.path.rstrip("/") + "/")
            return same and inside and ".." not in parts.path.split("/") and "%2e" not in parts.path.lower()
        return parts.scheme == "https" and port in (None, 443) and parts.hostname in self.hosts


class Fetcher:
    """Fetches files of one platform. Thread-safe; keep it."""

    def __init__(self, platform: str, allowed: Allowed, *, user_agent: str = "", deadlines: Deadlines | None = None):
        self.platform = platform
        self._allowed = allowed
        self._user_agent = user_agent
        given = deadlines or Deadlines()
        self._deadlines = Deadlines(
            connect=given.connect, read=given.read, total=min(given.total, TOTAL_SECONDS), max_bytes=LARGEST
        )

    def fetch(self, url: str) -> bytes:
        """Return the file's content, at most 25 MB, read within 60 s in all.

        Raises `NotFound` (code `link_refused`) when the host refuses the link, as when it has expired, `Rejected` with
        the code `not_allowed` (host, scheme, port or a redirect to such), `not_public` (an address inside a private
        network), `too_large` or `not_a_file` (a page came instead), and `TransientError` for what may pass.
        """
        for _ in range(REDIRECTS + 1):
            if not self._allowed.takes(url):
                raise self._rejected("not_allowed", "The link leads to a host that files are not fetched from")
            reply = self._ask(url)
            if not 300 <= reply.status < 400:
                return self._file_of(reply)
            url = urljoin(url, reply.headers.get("Location", ""))
        raise self._rejected("not_allowed", "The link leads from one address to the next without end")

    def _ask(self, url: str) -> Reply:
        parts = urlsplit(url)
        # Put together anew of what was checked, so that no library reads another host out of it than we did.
        origin = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        caller = _FileCaller(
            platform=self.platform, base_url=origin, tokens=None, limiter=LocalLimiter(), account="",
            session=None if self._allowed.below else _public_session(), deadlines=self._deadlines,
            user_agent=self._user_agent,
        )  # fmt: skip
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            return caller.call("fetchFile", "GET", path, headers={"Accept": "*/*"}, auth=False)
        except PrivateAddress:
            raise self._rejected("not_public", "The link leads into a private network") from None
        except UnexpectedReply as error:
            if error.status is not None:
                raise self._rejected("not_allowed", "The link was answered with a redirect to nowhere") from error
            raise self._rejected("too_large", f"The file is larger than {LARGEST // 1024 // 1024} MB") from error

    def _file_of(self, reply: Reply) -> bytes:
        if reply.status in _REFUSED:
            raise NotFound(
                f"The link was refused ({reply.status}); it may have expired", code="link_refused",
                platform=self.platform, operation=reply.operation, status=reply.status,
            )  # fmt: skip
        if not reply.ok:
            raise self._rejected("link_refused", f"The link was answered with {reply.status}")
        if reply.headers.get("Content-Type", "").lower().startswith(_PAGES):
            raise self._rejected("not_a_file", "A page came instead of the file")
        return reply.body

    def _rejected(self, code: str, message: str) -> ConnectorError:
        return Rejected(message, code=code, platform=self.platform, operation="fetchFile")


class _FileCaller(Caller):
    def _judge(self, reply: Reply, limits: Sequence[Take]) -> Reply:
        # A redirect is looked at by the fetcher, which checks where it leads; 304 has no place in our requests.
        if 300 <= reply.status < 400 and reply.headers.get("Location"):
            return reply
        return super()._judge(reply, limits)


# ── connections to public addresses only ─────────────────────────────────────────────────────────────────────────────


class PrivateAddress(Exception):
    """A name stands for an address that is not public."""


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet, also when it is written as IPv6 around an IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        # Ways around an IPv4 address that nobody's file host is reached by.
        if found.sixtofour is not None or found.teredo is not None or found in _NAT64:
            return False
    return found.is_global and not found.is_multicast


class _PublicConnection(TlsConnection):
    """Looks the name up once, and connects to what it checked: no second answer of the name server can slip in."""

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        if not found or not all(is_public(str(row[4][0])) for row in found):
            raise PrivateAddress(self.host)
        problem: OSError | None = None
        for family, kind, protocol, _, address in found:
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(self.timeout if isinstance(self.timeout, int | float) else 3.0)
                made.connect(address)
            except OSError as error:
                made.close()
                problem = error
                continue
            return made
        raise NewConnectionError(self, f"no address could be reached ({problem})")


class _PublicPool(TlsPool):
    ConnectionCls = _PublicConnection


class _NoPlain:
    """Stands where plain http would be: nothing is fetched by it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise PrivateAddress("plain http")


class _PublicAdapter(DeadlineAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _NoPlain, "https": _PublicPool}


@cache
def _public_session() -> requests.Session:
    return new_session(_PublicAdapter)
