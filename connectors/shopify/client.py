"""GraphQL over the one HTTP caller: one method, `run`. Raw JSON in and out; anything but clean data raises.

Shopify answers 200 for nearly everything, so the body decides: throttling, refused access and failures arrive as
`errors` beside or instead of `data`. Partial data is never used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import requests

from connectors.contract.errors import (
    AccessDenied,
    AddressRejected,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.tokens import TokenSource
from connectors.http import Caller, Reply, unclear
from connectors.ratelimit import Limiter, Take
from connectors.shopify import limits
from connectors.shopify.config import PLATFORM, ShopifyConfig
from connectors.shopify.documents import Document
from connectors.shopify.errors import QueryTooDear
from connectors.shopify.version import API_VERSION

PATH = f"/admin/api/{API_VERSION}/graphql.json"

UNCLEAR_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
"""Something broke while Shopify worked: a write may have been done."""

CLEAR_CODES = frozenset({"ACCESS_DENIED", "THROTTLED", "MAX_COST_EXCEEDED", "SHOP_INACTIVE"})
"""Refused before anything was done, whatever else the answer holds."""

THROTTLED_DEFAULT_SECONDS = 1.0


class Client:
    """Runs documents for one shop. Thread-safe; keep it, do not rebuild it."""

    def __init__(
        self,
        *,
        shop: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: ShopifyConfig,
        session: requests.Session | None = None,
    ) -> None:
        self.shop = shop
        self.costs = limits.CostBook()
        self._limiter = limiter
        self._bucket = limits.bucket(shop)
        self._caller = Caller(
            platform=PLATFORM,
            base_url=config.url(shop),
            tokens=tokens,
            limiter=limiter,
            account=shop,
            session=session,
            deadlines=config.deadlines,
            token_header="X-Shopify-Access-Token",  # noqa: S106 - the name of a header
            user_agent=config.user_agent,
        )

    @property
    def clock_offset(self) -> timedelta:
        """How far Shopify's clock is ahead of ours, as its last answer said."""
        return self._caller.clock_offset

    def run(
        self, document: Document, variables: Mapping[str, Any] | None = None, *, points: float | None = None
    ) -> dict[str, Any]:
        """Send the document and return its `data`, whole.

        `points` is the estimated cost where it depends on the sizes asked for. Raises `RateLimited` (ours or
        THROTTLED), `AccessDenied`, `QueryTooDear`, `OutcomeUnknown` for a write without a clear answer, and what
        `Caller.call` raises.
        """
        estimate = document.points if points is None else points
        expected = self.costs.points(document.text, estimate)
        reply = self._caller.call(
            document.name,
            "POST",
            PATH,
            json={"query": document.text, "variables": dict(variables or {})},
            write=document.write,
            limits=[
                Take(
                    self._bucket,
                    rate=limits.RATE_POINTS_PER_SECOND,
                    capacity=limits.CAPACITY_POINTS,
                    n=expected,
                    reserve=document.reserve,
                )
            ],
        )
        if not reply.ok:
            raise _of_status(reply)
        answer = reply.json()
        if not isinstance(answer, dict):
            raise self._unreadable(reply, "an answer that is not an object")
        cost = _part(answer, "extensions", "cost")
        self._learn(document, estimate, expected, cost)
        errors = answer.get("errors")
        data = answer.get("data")
        if errors:
            raise self._of_errors(document, reply, errors, data, cost)
        if not isinstance(data, dict):
            raise self._unreadable(reply, "neither data nor errors")
        for name in document.answers:
            # A read may answer null (there is no such order); leaving the name out is no answer at all.
            if name not in data or (document.write and not isinstance(data[name], dict)):
                raise self._unreadable(reply, f"no answer to {name}")
        return data

    def fetch(self, url: str) -> Reply:
        """Return a file Shopify made for us, from its short-lived address; no token goes there."""
        caller = Caller(
            platform=PLATFORM,
            base_url=url,
            tokens=None,
            limiter=self._limiter,
            account=self.shop,
            deadlines=self._caller.deadlines,
        )
        reply = caller.call("bulkResult", "GET", "", auth=False)
        if not reply.ok:
            raise TransientError(
                f"The bulk result answered {reply.status}",
                platform=PLATFORM,
                operation="bulkResult",
                status=reply.status,
            )
        return reply

    def _learn(self, document: Document, estimate: float, expected: float, cost: Mapping[str, Any]) -> None:
        """Believe what the answer says of the cost and of the bucket."""
        requested, actual = _number(cost.get("requestedQueryCost")), _number(cost.get("actualQueryCost"))
        if requested is not None:
            self.costs.learn(document.text, estimate, requested)
        status = _part(cost, "throttleStatus")
        rate, capacity = _number(status.get("restoreRate")), _number(status.get("maximumAvailable"))
        available = _number(status.get("currentlyAvailable"))
        if not rate or not capacity:
            return
        spare = expected - actual if actual is not None else 0.0
        # A round trip to the limiter only where it tells something: points to give back, or fewer left than we think.
        told = available if available is not None and (spare < 0 or available < capacity / 5) else None
        self._limiter.learn(
            self._bucket, rate=rate, capacity=capacity, available=told, refund=spare if spare >= 5 else 0.0
        )

    def _of_errors(
        self, document: Document, reply: Reply, errors: Any, data: Any, cost: Mapping[str, Any]
    ) -> ConnectorError:
        """Return the contract error of an answer with `errors`."""
        entries = errors if isinstance(errors, list) else [{"message": str(errors)}]
        codes = {str(_part(entry, "extensions").get("code") or "") for entry in entries}
        words = "; ".join(dict.fromkeys(_message(entry) for entry in entries))[:500]
        done = isinstance(data, dict) and data.get(document.name) is not None
        if document.write and done:
            # The mutation itself answered; only a part of what we asked to see is missing.
            return self._unclear(reply, f"Shopify answered {document.name} only in part: {words}")
        if codes & UNCLEAR_CODES and not codes & CLEAR_CODES:
            return self._unclear(reply, f"Shopify failed while it worked: {words}")
        if "THROTTLED" in codes:
            return self._throttled(reply, cost)
        if "MAX_COST_EXCEEDED" in codes:
            self.costs.too_dear(document.text)
            return QueryTooDear(words, platform=PLATFORM, operation=document.name, status=200)
        if "ACCESS_DENIED" in codes:
            return AccessDenied(
                words,
                code="ACCESS_DENIED",
                fields=_needed(entries),
                platform=PLATFORM,
                operation=document.name,
                status=200,
            )
        if "SHOP_INACTIVE" in codes:
            return TransientError(words, platform=PLATFORM, operation=document.name, status=200)
        if not document.write:
            return UnexpectedReply(words, platform=PLATFORM, operation=document.name, status=200)
        if data is None and all(_before_execution(entry) for entry in entries):
            fields = _refused_fields(entries)
            kind = AddressRejected if any(_ADDRESS.match(field) for field in fields) else Rejected
            return kind(
                words,
                code=next((code for code in sorted(codes) if code), "INVALID"),
                fields=fields,
                platform=PLATFORM,
                operation=document.name,
                status=200,
            )
        return self._unclear(reply, f"Shopify answered {document.name} with errors: {words}")

    def _throttled(self, reply: Reply, cost: Mapping[str, Any]) -> RateLimited:
        """Return the pause that the missing points take to come back, and make everybody keep it."""
        status = _part(cost, "throttleStatus")
        requested, available = _number(cost.get("requestedQueryCost")), _number(status.get("currentlyAvailable"))
        rate = _number(status.get("restoreRate"))
        wait = THROTTLED_DEFAULT_SECONDS
        if requested is not None and available is not None and rate:
            wait = max(0.05, (requested - available) / rate)
        self._limiter.pause(self._bucket, wait)
        return RateLimited(
            f"Shopify asks for a pause of {wait:.1f} s",
            retry_after=wait,
            platform=PLATFORM,
            operation=reply.operation,
            status=reply.status,
        )

    def _unclear(self, reply: Reply, words: str) -> ConnectorError:
        return unclear(words, write=reply.write, platform=PLATFORM, operation=reply.operation, status=reply.status)

    def _unreadable(self, reply: Reply, what: str) -> ConnectorError:
        words = f"Shopify answered with {what}"
        if reply.write:
            return OutcomeUnknown(words, platform=PLATFORM, operation=reply.operation, status=reply.status)
        return UnexpectedReply(words, platform=PLATFORM, operation=reply.operation, status=reply.status)


_STATUS_WORDS: Mapping[int, tuple[type[ConnectorError], str]] = {
    402: (TransientError, "The store is frozen until its owner settles its bill with Shopify"),
    403: (AccessDenied, "Shopify refuses this call: not granted, or it came from an address it does not allow"),
    404: (NotFound, "Shopify does not know this store"),
    423: (TransientError, "The store is locked"),
}
"""What the statuses below 500 mean that `Caller` leaves to us. None of them did anything."""


def _of_status(reply: Reply) -> ConnectorError:
    kind, words = _STATUS_WORDS.get(reply.status, (Rejected, f"Shopify answered {reply.status}"))
    if issubclass(kind, Rejected):
        return kind(words, code=str(reply.status), platform=PLATFORM, operation=reply.operation, status=reply.status)
    return kind(words, platform=PLATFORM, operation=reply.operation, status=reply.status)


def _part(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the object under the path, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_ADDRESS = re.compile(r"(shipping|billing)Address\b")

_VARIABLE = re.compile(r"invalid value (?:at|for) \.?([A-Za-z0-9_.\[\]]+)")
"""How a refused variable names its place in the error's words, when it is not given apart."""


def _message(entry: Any) -> str:
    """Return an error's words. Those about a refused variable quote its value: what a buyer wrote must stay out."""
    text = str(entry.get("message") or "") if isinstance(entry, dict) else str(entry)
    if fields := _refused_fields([entry]):
        return "Shopify does not take " + ", ".join(dict.fromkeys(_spoken(field) for field in fields))
    if _part(entry, "extensions").get("code") == "INVALID_VARIABLE" or "invalid value" in text:
        return "Shopify does not take one of the values"
    return text[:200] or "no reason given"


_PARTS = {"countryCode": "the country", "provinceCode": "the province", "zip": "the postal code"}
"""Parts of an address by names a merchant knows."""


def _spoken(field: str) -> str:
    """Return a refused field in words where it is a part of an address, else as the value of its path."""
    part = _PARTS.get(field.rpartition(".")[2]) if _ADDRESS.match(field) else None
    return f"{part} of this address" if part else f"this value: {field}"


def _refused_fields(entries: Sequence[Any]) -> list[str]:
    """Return the paths of the variables Shopify refused (shippingAddress.countryCode)."""
    found: list[str] = []
    for entry in entries:
        problems = _part(entry, "extensions").get("problems")
        for problem in problems if isinstance(problems, list) else ():
            if isinstance(problem, dict):
                found.append(".".join(str(step) for step in problem.get("path") or ()))
        if not problems and isinstance(entry, dict):
            found += (path.rstrip(".") for path in _VARIABLE.findall(str(entry.get("message") or "")))
    return list(dict.fromkeys(path for path in found if path))


def _needed(entries: Sequence[Any]) -> list[str]:
    """Return what Shopify says the refused call needs (access scopes in words)."""
    texts = (str(_part(entry, "extensions").get("requiredAccess") or "") for entry in entries)
    return [text for text in dict.fromkeys(texts) if text]


def _before_execution(entry: Any) -> bool:
    """Say whether this error is about the document or its variables, which are read before anything is done."""
    if not isinstance(entry, dict):
        return False
    return "path" not in entry and bool(entry.get("locations") or _part(entry, "extensions").get("problems"))
