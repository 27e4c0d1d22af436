"""What Shopify's refusals mean, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from connectors.contract.errors import (
    AddressRejected,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    RateLimited,
    Rejected,
    TransientError,
)
from connectors.shopify.config import PLATFORM
from connectors.shopify.limits import DEV_STORE_PAUSE_SECONDS


class QueryTooDear(TransientError):
    """A single query may not cost that much: ask for fewer objects at once."""


class CustomerRefused(Rejected):
    """Only the customer record was refused; the order may be sent once more without one."""


class Meaning(Enum):
    """What an entry of `userErrors` means to us."""

    KEY_TAKEN = 1
    """The store already has an order with our key: look it up."""
    TOO_MANY = 2
    OUT_OF_STOCK = 3
    ADDRESS = 4
    DORMANT = 5
    CUSTOMER = 6
    NOT_FOUND = 7
    OTHER = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry fits when every pattern given is found in it: its code, its field path joined by dots, its message."""

    meaning: Meaning
    code: str = ""
    path: str = ""
    message: str = ""

    def fits(self, code: str, path: str, message: str) -> bool:
        """Say whether the entry is what this rule is about."""
        return all(
            re.search(pattern, text, re.IGNORECASE)
            for pattern, text in ((self.code, code), (self.path, path), (self.message, message))
            if pattern
        )


RULES: tuple[Rule, ...] = (
    # A unique metafield refuses a second order with the same value (the platforms' notes, section 0.6: unmeasured).
    Rule(Meaning.KEY_TAKEN, path=r"metafields", message=r"taken|unique|already|in use"),
    Rule(Meaning.KEY_TAKEN, path=r"metafields", code=r"^TAKEN$"),
    # The documented code, and the words seen in its place (code INVALID, field order.lineItems).
    Rule(Meaning.OUT_OF_STOCK, code=r"^INVENTORY_CLAIM_FAILED$"),
    Rule(Meaning.OUT_OF_STOCK, message=r"unable to reserve inventory"),
    # Development stores: five orders a minute.
    Rule(Meaning.TOO_MANY, message=r"rate limit|too many (requests|orders)|try again in a minute"),
    Rule(Meaning.DORMANT, code=r"^SHOP_DORMANT$"),
    Rule(Meaning.ADDRESS, path=r"(shipping|billing)_?address"),
    Rule(Meaning.ADDRESS, message=r"\b(shipping|billing) address\b"),
    Rule(Meaning.CUSTOMER, code=r"^REDUNDANT_CUSTOMER_FIELDS$"),
    Rule(Meaning.CUSTOMER, path=r"(^|\.)(customer|email|phone)"),
    Rule(Meaning.CUSTOMER, message=r"\b(customer|e-?mail|phone)\b.*\b(taken|invalid|exist)"),
    Rule(Meaning.CUSTOMER, message=r"\bcustomer\b"),
    Rule(Meaning.NOT_FOUND, code=r"^(NOT_FOUND|.*_NOT_FOUND)$"),
    Rule(Meaning.NOT_FOUND, message=r"does(n't| not) exist|could not be found|not found"),
)
"""The first that fits says what an entry means; the meaning with the smallest number says what the answer means."""


@dataclass(frozen=True, slots=True)
class UserError:
    """One entry of `userErrors`."""

    code: str
    path: tuple[str, ...]
    message: str
    meaning: Meaning

    @property
    def field(self) -> str:
        """Return the field path without its head: shippingAddress.zip."""
        return ".".join(part for part in self.path if part not in ("order", "input"))


def read_user_errors(raw: Sequence[Mapping[str, Any]]) -> tuple[UserError, ...]:
    """Return the entries of a payload's `userErrors`, each with its meaning."""
    return tuple(_read(entry) for entry in raw)


def _read(entry: Mapping[str, Any]) -> UserError:
    code = str(entry.get("code") or "")
    path = tuple(str(part) for part in entry.get("field") or ())
    message = str(entry.get("message") or "")
    joined = ".".join(path)
    meaning = next((rule.meaning for rule in RULES if rule.fits(code, joined, message)), Meaning.OTHER)
    return UserError(code, path, message, meaning)


_DISPENSABLE: tuple[tuple[str, frozenset[str]], ...] = (
    (r"(shipping|billing)_?address\.phone$", frozenset({"phone"})),
    (r"(^|\.)email$", frozenset({"email", "customer"})),
    (r"^(customer|phone$)", frozenset({"customer"})),
)
"""Field path → what an order is sent once more without; the first that fits counts."""


def dispensable(refused: Rejected) -> frozenset[str]:
    """Return what an order can do without when only that was refused; nothing where anything else was refused too."""
    if not refused.fields:
        return frozenset({"customer"}) if isinstance(refused, CustomerRefused) else frozenset()
    spare = [
        next((parts for path, parts in _DISPENSABLE if re.search(path, field, re.IGNORECASE)), frozenset())
        for field in refused.fields
    ]
    return frozenset().union(*spare) if all(spare) else frozenset()


_KINDS: Mapping[Meaning, type[Rejected]] = {
    Meaning.OUT_OF_STOCK: OutOfStock,
    Meaning.ADDRESS: AddressRejected,
    Meaning.DORMANT: Rejected,
    Meaning.NOT_FOUND: NotFound,
    Meaning.OTHER: Rejected,
}


def error_of(errors: Sequence[UserError], operation: str) -> ConnectorError:
    """Return the contract error for a payload's `userErrors`; there is at least one.

    A mutation that answers `userErrors` and no object made nothing, so all of them are a clear no, but for one: a key
    that is taken means that an order with our key exists, which only a look-up can tell.
    """
    meaning = min((error.meaning for error in errors), key=lambda item: item.value)
    words = "; ".join(dict.fromkeys(error.message for error in errors if error.message)) or "The store gave no reason"
    if meaning is Meaning.KEY_TAKEN:
        return OutcomeUnknown(
            "The store already has an order with our key", platform=PLATFORM, operation=operation, status=200
        )
    if meaning is Meaning.TOO_MANY:
        return RateLimited(
            words, retry_after=DEV_STORE_PAUSE_SECONDS, platform=PLATFORM, operation=operation, status=200
        )
    kind = _KINDS.get(meaning, Rejected)
    if meaning is Meaning.CUSTOMER and all(error.meaning is Meaning.CUSTOMER for error in errors):
        kind = CustomerRefused
    telling = next(error for error in errors if error.meaning is meaning)
    return kind(
        words,
        code="INVENTORY_CLAIM_FAILED" if kind is OutOfStock else telling.code or "INVALID",
        fields=[error.field for error in errors if error.field],
        texts=[error.message for error in errors if error.message],
        platform=PLATFORM,
        operation=operation,
        status=200,
    )
