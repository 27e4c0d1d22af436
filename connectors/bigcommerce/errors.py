"""What BigCommerce's refusals mean, as data.

V2 answers a JSON *array* of `{status, message, details}`, V3 an object of `{status, title, errors}`; a proxy before them
may answer anything. The texts are kept verbatim. The shapes of a refused order are not in BigCommerce's OpenAPI files;
they were taken from its archived reference and from what merchants' support pages show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from connectors.bigcommerce.config import PLATFORM
from connectors.contract.errors import (
    AccessDenied,
    AddressRejected,
    ConnectorError,
    NotFound,
    OptionsMissing,
    OutOfStock,
    Rejected,
    TransientError,
)
from connectors.http import Reply


class CustomerRefused(Rejected):
    """Only the customer was refused; the order may be sent once more as a guest's."""


class Meaning(Enum):
    """What a refusal means to us; of several the one with the smallest number counts."""

    SUSPENDED = 1
    OUT_OF_STOCK = 2
    OPTIONS_MISSING = 3
    QUANTITY_RULE = 4
    OPTIONS_WRONG = 5
    CUSTOMER = 6
    ADDRESS = 7
    OTHER = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when its type is the entry's own, or its pattern is found in the message."""

    meaning: Meaning
    type: str = ""
    message: str = ""

    def fits(self, entry: Entry) -> bool:
        """Say whether the entry is what this rule is about."""
        if self.type:
            return entry.type == self.type
        return not entry.type and re.search(self.message, entry.message, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is wrong: BigCommerce's type ("" when it names none), its words, what it is about."""

    type: str
    message: str
    about: str = ""
    """The product (and its SKU) or the field."""
    options: tuple[str, ...] = ()
    """The names of the options it asks for."""
    product_id: str = ""
    left: int | None = None
    """The units the store says it still has."""


RULES: tuple[Rule, ...] = (
    Rule(Meaning.SUSPENDED, message=r"store is (suspended|closed|not available)"),
    Rule(Meaning.OUT_OF_STOCK, type="OutOfStock"),
    Rule(Meaning.OPTIONS_MISSING, type="MandatoryProductOptions"),
    # The message of a 409 speaks of stock even where only the product's smallest or largest order quantity is missed.
    Rule(Meaning.QUANTITY_RULE, type="ExceedsMaxQuantity"),
    Rule(Meaning.QUANTITY_RULE, type="InsufficientQuantity"),
    Rule(Meaning.OPTIONS_WRONG, type="InvalidProductOption"),
    Rule(Meaning.OPTIONS_WRONG, type="InvalidProductOptionValue"),
    Rule(Meaning.OUT_OF_STOCK, message=r"out of stock"),
    Rule(Meaning.CUSTOMER, message=r"\bcustomer(_id)?\b"),
    Rule(Meaning.ADDRESS, message=r"\b(billing|shipping)_?\s?address(es)?\b"),
    Rule(
        Meaning.ADDRESS,
        message=r"field '?(first_name|last_name|street_1|city|state|zip|country|country_iso2|phone|email)\b",
    ),
)
"""The first that fits says what an entry means."""

_KINDS: Mapping[Meaning, type[Rejected]] = {
    Meaning.OUT_OF_STOCK: OutOfStock,
    Meaning.OPTIONS_MISSING: OptionsMissing,
    Meaning.CUSTOMER: CustomerRefused,
    Meaning.ADDRESS: AddressRejected,
}

_FIELD = re.compile(r"field '([\w.]+)'")
_NO_WORDS = "The store gave no reason"


def read_entries(body: bytes) -> tuple[Entry, ...]:
    """Return what an answer says is wrong, whatever its form; nothing when it is not JSON or says nothing."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    return tuple(_entries(raw))


def _entries(raw: Any) -> Iterator[Entry]:
    if isinstance(raw, str):
        if raw:
            yield Entry("", raw, _field(raw))
    elif isinstance(raw, list):
        for one in raw:
            yield from _entries(one)
    elif isinstance(raw, dict):
        yield from _of_object(raw)


def _of_object(raw: Mapping[str, Any]) -> Iterator[Entry]:
    words = next((str(raw[name]) for name in ("message", "title", "detail", "error") if raw.get(name)), "")
    details = raw.get("details")
    listed = details.get("errors") if isinstance(details, dict) else None
    if isinstance(listed, list) and any(isinstance(one, dict) for one in listed):
        for one in listed:
            if isinstance(one, dict):
                yield _detailed(one, words)
        return
    fields = raw.get("errors")
    if isinstance(fields, dict) and fields:
        for name, text in fields.items():
            said = text if isinstance(text, str) else json.dumps(text)
            yield Entry("", f"{words}: {said}" if words else said, str(name))
    elif isinstance(fields, list | str) and fields:
        yield from _entries(fields)
    elif isinstance(details, dict) and details.get("invalid_reason"):
        yield Entry("", f"{words} {details['invalid_reason']}".strip(), _field(words))
    elif words:
        yield Entry("", words, _field(words))


def _detailed(one: Mapping[str, Any], words: str) -> Entry:
    """Return an entry of a refused order: which product, which SKU, which options, how many are left."""
    product = one.get("product") if isinstance(one.get("product"), dict) else {}
    assert isinstance(product, dict)
    held = product.get("sku")
    sku: Mapping[str, Any] = held if isinstance(held, dict) else {}
    about = str(product.get("name") or product.get("id") or "")
    if sku.get("sku"):
        about = f"{about} ({sku['sku']})"
    left = sku.get("inventory_level", product.get("inventory_level"))
    wanted = product.get("required_product_options")
    option = product.get("product_option")
    options = [item for item in wanted if isinstance(item, dict)] if isinstance(wanted, list) else []
    if isinstance(option, dict):
        options.append(option)
    return Entry(
        type=str(one.get("type") or ""),
        message=words,
        about=about,
        options=tuple(str(item.get("display_name") or item.get("id") or "") for item in options),
        product_id=str(product.get("id") or ""),
        left=left if isinstance(left, int) else None,
    )


def _field(words: str) -> str:
    found = _FIELD.search(words)
    return found.group(1) if found else ""


def meaning_of(entry: Entry) -> Meaning:
    """Return what an entry means to us."""
    return next((rule.meaning for rule in RULES if rule.fits(entry)), Meaning.OTHER)


def sentence(entry: Entry) -> str:
    """Return an entry in words: BigCommerce's type, what it is about, the options it wants, the units left."""
    if not entry.type:
        return entry.message or _NO_WORDS
    words = f"{entry.type}: {entry.about}" if entry.about else entry.type
    if entry.options:
        words += f": {', '.join(entry.options)}"
    return words if entry.left is None else f"{words}, {entry.left} left"


def error_of(reply: Reply) -> ConnectorError:
    """Return the contract error of an answer from 400 to 499 that is neither a refused token nor a 429."""
    entries = read_entries(reply.body)
    meaning = min((meaning_of(entry) for entry in entries), key=lambda one: one.value, default=Meaning.OTHER)
    words = "; ".join(dict.fromkeys(entry.message for entry in entries if entry.message)) or _NO_WORDS
    where: dict[str, Any] = {"platform": PLATFORM, "operation": reply.operation, "status": reply.status}
    if meaning is Meaning.SUSPENDED or reply.status in (402, 423):
        # Nothing is wrong with what we asked; it heals when the merchant has settled the matter with BigCommerce.
        return TransientError(words, **where)
    kind: type[Rejected]
    if reply.status == 403:
        kind = AccessDenied
    elif reply.status == 404:
        kind = NotFound
    else:
        kind = _KINDS.get(meaning, Rejected)
    telling = [entry for entry in entries if meaning_of(entry) is meaning]
    return kind(
        _whole(words, entries)[:1000],
        code=next((entry.type for entry in telling if entry.type), str(reply.status)),
        fields=_fields(telling),
        texts=[*dict.fromkeys([entry.message for entry in entries if entry.message] + _typed(entries))],
        **where,
    )


def _typed(entries: Sequence[Entry]) -> list[str]:
    return [sentence(entry) for entry in entries if entry.type]


def _whole(words: str, entries: Sequence[Entry]) -> str:
    typed = _typed(entries)
    return f"{words} {'; '.join(dict.fromkeys(typed))}" if typed else words


def _fields(entries: Sequence[Entry]) -> list[str]:
    """Return the options asked for, else the products or fields named."""
    options = [name for entry in entries for name in entry.options if name]
    return list(dict.fromkeys(options or [entry.about for entry in entries if entry.about]))
