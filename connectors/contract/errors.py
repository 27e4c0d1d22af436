"""The errors a connector may raise. There are few, and each says what to do next.

ConnectorError
├── TransientError        surely nothing happened: refused, no route, 429, a read that failed → again, with backoff
│   └── RateLimited       carries retry_after, in seconds → wait exactly that long
├── OutcomeUnknown        a write left us and no clear answer came: timeout, reset, 5xx, unreadable → look up first
├── AuthorizationExpired  credentials refused → stop the account, ask for a reconnect
├── Rejected              a clear no, with a code → hold the order or listing, tell why
└── UnexpectedReply       we cannot read the answer of a read → hold, and tell the developers
"""

from __future__ import annotations

from collections.abc import Sequence


class ConnectorError(Exception):
    """Something went wrong at a platform; `platform` and `operation` say where, for the log and the merchant."""

    def __init__(self, message: str, *, platform: str = "", operation: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.platform = platform
        self.operation = operation
        self.status = status


class TransientError(ConnectorError):
    """Surely nothing happened; the same call may be made again."""


class RateLimited(TransientError):
    """The platform, or our own limiter, asks for a pause of `retry_after` seconds."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        platform: str = "",
        operation: str = "",
        status: int | None = None,
        ours: bool = False,
    ) -> None:
        super().__init__(message, platform=platform, operation=operation, status=status)
        self.retry_after = retry_after
        self.ours = ours
        """True when our own limiter said no before anything was sent."""


class OutcomeUnknown(ConnectorError):
    """A write left us and no clear answer came back. Nothing may be sent again before a look-up."""


class AuthorizationExpired(ConnectorError):
    """The credentials were refused; only the merchant can mend that, by connecting again."""


class Rejected(ConnectorError):
    """A clear no. `code` is the platform's own, `fields` the parts it names, `texts` its words, verbatim."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        fields: Sequence[str] = (),
        texts: Sequence[str] = (),
        platform: str = "",
        operation: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message, platform=platform, operation=operation, status=status)
        self.code = code
        self.fields = tuple(fields)
        self.texts = tuple(texts) or (message,)


class OutOfStock(Rejected):
    """The store says it cannot reserve the units."""


class AddressRejected(Rejected):
    """The store refuses the address; `fields` names the part."""


class OptionsMissing(Rejected):
    """The store wants mandatory product options to be filled; `fields` names them."""


class AccessDenied(Rejected):
    """The credentials are good but this operation is not granted (scope, role, approval)."""


class NotFound(Rejected):
    """The platform does not know the thing asked for."""


class UnexpectedReply(ConnectorError):
    """The answer of a read cannot be understood: hold, and tell the developers."""
