"""The one place every platform call passes.

It owns connection reuse, the total deadline, the question to the limiter before anything is sent, the token and its
one retry, the mapping of what went wrong to the contract's few errors, a log line without secrets, and the counters.
It does not retry, sleep or follow redirects: waiting is a row's business.

Answers below 500 other than redirects, 429 and a refused token come back as a `Reply`; the platform's client says what
they mean. A call without a token (`auth=False`: OAuth endpoints) gets its 401 back as a `Reply` too.
"""

from __future__ import annotations

import email.utils
import http.client
import json as jsonlib
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from connectors.contract.errors import (
    AuthorizationExpired,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.tokens import TokenSource
from connectors.ratelimit import Limiter, Take
from connectors.transport import session_for, state
from salestio.lib.text import storable

logger = logging.getLogger(__name__)
# At DEBUG urllib3 prints whole addresses, and a query may hold what identifies a buyer.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

Observer = Callable[[str, str, str, float], None]
"""(platform, operation, status, seconds); status: the HTTP status, or limited, refused, timeout, dropped, too_large."""

observers: list[Observer] = []
"""Functions told of every call; `salestio.metrics` adds its own here."""

before_call: list[Callable[[str, str], None]] = []
"""Guards run with (platform, operation) before a call leaves; one that raises stops it (HTTP inside a transaction)."""

THROTTLE_WAIT_SECONDS = 1.0
"""The pause after a 429 that names none, when the bucket's own refill is faster than that."""

UNCLEAR_STATUSES = frozenset({408, 425})
"""Besides 5xx: the server says it did not get the request whole, which tells nothing about a write."""


_NO_TEXT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")
"""Where a JSON body may hold what no database takes as text (`storable`)."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Limits of one call, in seconds and bytes. `total` covers sending, headers and body, however slowly they drip."""

    connect: float = 3.0
    read: float = 20.0
    total: float = 60.0
    max_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer below 500. Its body is never logged and never part of an error's text."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    platform: str = ""
    operation: str = ""
    write: bool = False

    @property
    def ok(self) -> bool:
        """Say whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """Return the body as text; undecodable bytes are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the parsed body, every text of it one that can be stored.

        An unreadable one (a maintenance page in HTML, half a document) raises `OutcomeUnknown` for a write and
        `TransientError` for a read.
        """
        try:
            parsed = jsonlib.loads(self.body)
        except ValueError:
            raise unclear(
                f"{self.platform} answered {self.status} with something that is not JSON",
                write=self.write,
                platform=self.platform,
                operation=self.operation,
                status=self.status,
            ) from None
        return storable(parsed) if _NO_TEXT.search(self.body) else parsed


def unclear(message: str, *, write: bool, platform: str, operation: str, status: int | None = None) -> ConnectorError:
    """Return the error for a call that left us and got no clear answer."""
    kind = OutcomeUnknown if write else TransientError
    return kind(message, platform=platform, operation=operation, status=status)


# ── the caller ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _refused_by_401(reply: Reply) -> bool:
    return reply.status == 401


class Caller:
    """Makes the calls of one account (or of our app, without an account). Thread-safe; keep it, do not rebuild it.

    `token_header` and `token_prefix` say how the token travels, `token_refused` how this platform says that it is not
    good, `rate_header` which header tells the rate in force (tokens a second), `pause_of` how the headers of a 429 name
    the pause in seconds (by default `Retry-After`).
    """

    def __init__(
        self,
        *,
        platform: str,
        base_url: str,
        tokens: TokenSource | None,
        limiter: Limiter,
        account: str,
        session: requests.Session | None = None,
        deadlines: Deadlines | None = None,
        token_header: str = "Authorization",  # noqa: S107 - the name of a header
        token_prefix: str = "",
        token_refused: Callable[[Reply], bool] = _refused_by_401,
        rate_header: str = "",
        pause_of: Callable[[Mapping[str, str]], float | None] | None = None,
        user_agent: str = "",
    ) -> None:
        self.platform = platform
        self.base_url = base_url.rstrip("/")
        self.account = account
        self.deadlines = deadlines or Deadlines()
        self.learned_rates: dict[str, float] = {}
        """Operation → tokens a second, as the platform's header last said it to this process."""
        self.clock_offset = timedelta(0)
        """How far the platform's clock is ahead of ours, as its last answer's Date header said."""
        self._tokens = tokens
        self._limiter = limiter
        self._session = session
        self._token_header = token_header
        self._token_prefix = token_prefix
        self._token_refused = token_refused
        self._rate_header = rate_header
        self._pause_of = pause_of or retry_after
        self._user_agent = user_agent

    def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        write: bool = False,
        auth: bool = True,
        limits: Sequence[Take] = (),
    ) -> Reply:
        """Make one call and return the answer.

        Raises `RateLimited` (our limiter, before anything was sent, or the platform's 429), `TransientError` when
        surely nothing happened or a read failed, `OutcomeUnknown` when a write left us and no clear answer came,
        `AuthorizationExpired` when a fresh token was refused too, `UnexpectedReply` for a redirected read.
        """
        for guard in before_call:
            guard(self.platform, operation)
        wait = self._limiter.take(limits) if limits else 0.0
        if wait > 0:
            self._observe(operation, "limited", 0.0)
            raise RateLimited(
                f"Our own limit for {operation} is used up for {wait:.1f} s",
                retry_after=wait,
                platform=self.platform,
                operation=operation,
                ours=True,
            )
        request = _build(method, self.base_url + path, params, json, data, headers, self._user_agent)
        if not auth or self._tokens is None:
            return self._judge(self._send(operation, request, write), limits)
        token = self._tokens.current()
        reply = self._send(operation, request, write, token)
        if self._token_refused(reply):
            self._tokens.refused(token)
            renewed = self._tokens.current()
            if renewed != token:
                reply = self._send(operation, request, write, renewed)
            if self._token_refused(reply):
                raise self._error(AuthorizationExpired, "The access token was refused", reply)
        return self._judge(reply, limits)

    def _judge(self, reply: Reply, limits: Sequence[Take]) -> Reply:
        """Learn the rate; raise what this answer means on every platform; return what the client shall read."""
        self._learn(reply, limits)
        if reply.status == 429:
            wait = self._pause_of(reply.headers)
            if wait is None:
                wait = max([THROTTLE_WAIT_SECONDS, *(take.n / take.rate for take in limits)])
            for take in limits:
                self._limiter.pause(take.bucket, wait)
            raise RateLimited(
                f"{self.platform} asks for a pause of {wait:.1f} s",
                retry_after=wait,
                platform=self.platform,
                operation=reply.operation,
                status=429,
            )
        if reply.status >= 500 or reply.status in UNCLEAR_STATUSES or reply.status < 200:
            raise self._unclear(f"{self.platform} answered {reply.status}", reply)
        if 300 <= reply.status < 400:
            if reply.write:
                raise self._unclear(f"{self.platform} answered {reply.status}, a redirect", reply)
            raise self._error(UnexpectedReply, f"{self.platform} answered {reply.status}, a redirect", reply)
        return reply

    def _learn(self, reply: Reply, limits: Sequence[Take]) -> None:
        told = reply.headers.get(self._rate_header, "") if self._rate_header else ""
        try:
            rate = float(told)
        except ValueError:
            return  # best effort: the header is absent or odd, and the rate we know stays
        if 0 < rate < 1e6:
            self.learned_rates[reply.operation] = rate
            for take in limits[:1]:
                self._limiter.learn(take.bucket, rate=rate)

    def _send(self, operation: str, request: requests.Request, write: bool, token: str = "") -> Reply:
        session = self._session or session_for(self.platform)
        prepared = request.prepare()
        if token:
            prepared.headers[self._token_header] = self._token_prefix + token
        started = time.monotonic()
        state.deadline = started + self.deadlines.total
        state.read_seconds = self.deadlines.read
        state.sent = False
        try:
            response = session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=(self.deadlines.connect, min(self.deadlines.read, self.deadlines.total)),
            )
            with response:
                body = _read_body(response, self.deadlines.max_bytes)
        except (requests.RequestException, HTTPError, OSError, http.client.HTTPException) as error:
            self._raise_lost(operation, write, error, time.monotonic() - started)
        finally:
            state.deadline = float("inf")
        seconds = time.monotonic() - started
        reply = Reply(response.status_code, response.headers, body, seconds, self.platform, operation, write)
        self._note_clock(reply)
        self._log(operation, method=str(prepared.method), status=str(reply.status), seconds=seconds, reply=reply)
        return reply

    def _note_clock(self, reply: Reply) -> None:
        theirs = http_date(reply.headers.get("Date", ""))
        if theirs is not None:
            # The header has whole seconds, cut off, and was written before the answer travelled.
            self.clock_offset = theirs + timedelta(seconds=0.5) - datetime.now(UTC)

    def _raise_lost(self, operation: str, write: bool, error: Exception, seconds: float) -> None:
        """Raise the contract error of a call that brought no whole answer."""
        if isinstance(error, _TooLarge):
            status, words = "too_large", f"{self.platform} answered more than {self.deadlines.max_bytes} bytes"
        elif not state.sent:
            status, words = "refused", f"{self.platform} could not be reached"
        elif _is_timeout(error):
            status, words = "timeout", f"{self.platform} did not answer within {seconds:.0f} s"
        else:
            status, words = "dropped", f"{self.platform} dropped the connection"
        self._log(operation, method="", status=status, seconds=seconds, cause=_cause(error))
        # "from None": the library's own text holds the whole address with its query.
        if not state.sent:
            raise TransientError(words, platform=self.platform, operation=operation) from None
        if isinstance(error, _TooLarge) and not write:
            raise UnexpectedReply(words, platform=self.platform, operation=operation) from None
        raise unclear(words, write=write, platform=self.platform, operation=operation) from None

    def _error(self, kind: type[ConnectorError], message: str, reply: Reply) -> ConnectorError:
        return kind(message, platform=self.platform, operation=reply.operation, status=reply.status)

    def _unclear(self, message: str, reply: Reply) -> ConnectorError:
        return unclear(
            message, write=reply.write, platform=self.platform, operation=reply.operation, status=reply.status
        )

    def _observe(self, operation: str, status: str, seconds: float) -> None:
        for observe in observers:
            observe(self.platform, operation, status, seconds)

    def _log(
        self, operation: str, *, method: str, status: str, seconds: float, cause: str = "", reply: Reply | None = None
    ) -> None:
        """Write the call's line: never a token, a body or a query."""
        self._observe(operation, status, seconds)
        extra: dict[str, Any] = {
            "platform": self.platform,
            "operation": operation,
            "account": self.account,
            "method": method,
            "status": status,
            "milliseconds": round(seconds * 1000),
        }
        if reply is not None:
            extra["bytes"] = len(reply.body)
            extra["request_id"] = request_id(reply.headers)
        if cause:
            extra["cause"] = cause
        failed = reply is None or reply.status >= 400
        logger.log(
            logging.WARNING if failed else logging.INFO, "%s %s %s", self.platform, operation, status, extra=extra
        )


class _TooLarge(requests.RequestException):
    """The body grew past the cap."""


def _build(
    method: str,
    url: str,
    params: Mapping[str, Any] | None,
    json: Any,
    data: Any,
    headers: Mapping[str, str] | None,
    user_agent: str,
) -> requests.Request:
    sent = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **(headers or {})}
    if user_agent:
        sent["User-Agent"] = user_agent
    if json is not None:
        data = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        sent["Content-Type"] = "application/json"
    return requests.Request(method, url, params=params, data=data, headers=sent)


def _read_body(response: requests.Response, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    # read1 returns what one read of the socket brought: a body that drips meets the deadline at every drop.
    while part := response.raw.read1(65536, decode_content=True):
        size += len(part)
        if size > max_bytes:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)


def _is_timeout(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError | requests.Timeout) or "Timeout" in type(seen).__name__:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _cause(error: BaseException) -> str:
    """Return the innermost exception's type: its text may hold an address with a query."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return type(error).__name__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause a Retry-After header asks for, in seconds (a number or an HTTP date), or None."""
    told = headers.get("Retry-After", "").strip()
    if not told:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        at = http_date(told)
    return None if at is None else max(0.0, (at - datetime.now(UTC)).total_seconds())


def http_date(told: str) -> datetime | None:
    """Return the moment of an HTTP date (RFC 9110), None when it is not to be read or names no zone."""
    try:
        at = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def request_id(headers: Mapping[str, str]) -> str:
    """Return the platform's own id of the call, which its support asks for."""
    known = CaseInsensitiveDict(headers)
    return str(known.get("x-amzn-RequestId") or known.get("x-request-id") or "")
