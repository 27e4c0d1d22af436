"""What a platform's folder declares about its configuration, so that nobody else needs to know its settings.

`salestio/settings.py` reads the environment by these declarations, `./run` makes pretend credentials by them, the
documents' test looks them up, and the connector gets them back as one `AppSettings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Address:
    """Where a part of the platform is. `pretend` is the path below the sandbox's own address."""

    env: str
    real: str
    pretend: str


@dataclass(frozen=True, slots=True)
class Value:
    """One setting of our application at the platform. A tuple default is a comma list, an int a whole number.

    `pretend` makes the sandbox's value, random at each fresh start; `required` ones are missed by production's checks.
    """

    env: str
    default: str | int | tuple[str, ...] = ""
    required: bool = False
    pretend: Callable[[], str] | None = None


def rotating(secrets: str) -> tuple[str, str]:
    """Return (newest, the one before or "") of secrets separated by commas, as they stand while they are rotated."""
    newest, _, before = secrets.replace(" ", "").partition(",")
    return newest, before.partition(",")[0]


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """All of a platform's settings, by the short names its connector uses."""

    addresses: Mapping[str, Address]
    app: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What a connector's `config:from_app` gets: the addresses and values read, and what all platforms share.

    `app_url` is where our own pages are (no last slash), `limits` the deadlines of one call.
    """

    urls: Mapping[str, str]
    app: Mapping[str, Any] = field(repr=False)
    app_url: str
    app_name: str
    deadlines: Any
