"""Shopify's search syntax for ``query:`` arguments: ``sku:'A-1' OR tag:amazon updated_at:>='2026-11-01'``.

Terms side by side mean AND; ``OR``, ``NOT``, ``-`` and parentheses work; a trailing ``*`` is a prefix; words without a
field are looked
for in the main text. Text is compared without regard to case, so a client that cares must compare again. A field the
shop does not know
is ignored with a warning, as Shopify does (https://shopify.dev/docs/api/usage/search-syntax).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connectors.sandbox.shopify.state import Doc, number_of

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

_TOKEN = re.compile(
    r"""\s*(\(|\)|-(?=[A-Za-z_('"])|(?:[A-Za-z_][\w.]*:)|(?:>=|<=|>|<)|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s()]+)"""
)
_NUMBER = re.compile(r"^-?\d+(?:\.\d+)?$")


@dataclass(frozen=True)
class Term:
    """One comparison; ``name`` is "" for a bare word."""

    name: str
    op: str
    value: str


@dataclass(frozen=True)
class Node:
    """``and``, ``or`` or ``not`` over terms and nodes."""

    kind: str
    parts: tuple[Term | Node, ...]


@dataclass
class Field:
    """How one search field of an object type is answered: its value(s) in a document, and an index where there is
    one."""

    get: Callable[[Context, Doc], Any]
    index: Callable[[Context, str], Iterable[Doc]] | None = None


@dataclass
class Found:
    """The result of a search: a test for documents, documents to start from (None: all), and warnings."""

    test: Callable[[Doc], bool]
    start: list[Doc] | None
    warnings: list[Doc] = field(default_factory=list)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [m.group(1) for m in _TOKEN.finditer(text)]
        self.at = 0

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self) -> Term | Node:
        parts = [self.both()]
        while self.peek() == "OR":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Node("or", tuple(parts))

    def both(self) -> Term | Node:
        parts = []
        while (token := self.peek()) is not None and token not in (")", "OR"):
            if token in ("AND",):
                self.take()
                continue
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts))

    def one(self) -> Term | Node:
        token = self.take()
        if token in ("NOT", "-"):
            return Node("not", (self.one(),) if self.peek() is not None else ())
        if token in ("(",):
            inner = self.either()
            if self.peek() == ")":
                self.take()
            return inner
        if token.endswith(":") and token[:-1]:
            op = self.take() if self.peek() in (">=", "<=", ">", "<") else "="
            value = self.take() if self.peek() not in (None, ")") else ""
            return Term(token[:-1].lower(), op, _unquote(value))
        return Term("", "=", _unquote(token))


def _unquote(token: str) -> str:
    if len(token) >= 2 and token[0] in "'\"" and token[-1] == token[0]:
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


@lru_cache(maxsize=2048)
def parse(text: str) -> Term | Node:
    """Return the query as a tree; never raises, what makes no sense becomes a word to look for."""
    return _Parser(text).either()


def search(ctx: Context, query: str | None, fields: dict[str, Field]) -> Found:
    """Turn a query into a test over documents of one type; ``fields[""]`` answers bare words."""
    if not query or not query.strip():
        return Found(lambda doc: True, None)
    tree = parse(query)
    warnings: list[Doc] = []
    _collect_unknown(tree, fields, warnings)
    return Found(lambda doc: _matches(ctx, tree, doc, fields), _start(ctx, tree, fields), warnings)


def _collect_unknown(tree: Term | Node, fields: dict[str, Field], warnings: list[Doc]) -> None:
    if isinstance(tree, Node):
        for part in tree.parts:
            _collect_unknown(part, fields, warnings)
    elif _known(tree.name, fields) is None:
        warnings.append(
            {"field": tree.name, "message": "Invalid search field for this query.", "code": "invalid_field"}
        )


def _known(name: str, fields: dict[str, Field]) -> Field | None:
    if name.startswith("metafields."):
        _, namespace, key = (name.split(".", 2) + ["", ""])[:3]
        return Field(
            lambda ctx, doc: [
                f["value"]
                for f in doc.get("metafields", ())
                if (f["namespace"].lower(), f["key"].lower()) == (namespace, key)
            ]
        )
    return fields.get(name)


def _start(ctx: Context, tree: Term | Node, fields: dict[str, Field]) -> list[Doc] | None:
    """Documents an index offers for a query; None when every document must be looked at."""
    if isinstance(tree, Term):
        known = fields.get(tree.name)
        if known is None or known.index is None or tree.op != "=" or tree.value.endswith("*"):
            return None
        return list(known.index(ctx, tree.value))
    if tree.kind == "and":
        for part in tree.parts:
            found = _start(ctx, part, fields)
            if found is not None:
                return found
        return None
    if tree.kind == "or" and tree.parts:
        union: dict[str, Doc] = {}
        for part in tree.parts:
            found = _start(ctx, part, fields)
            if found is None:
                return None
            union.update((doc["id"], doc) for doc in found)
        return list(union.values())
    return None


def _matches(ctx: Context, tree: Term | Node, doc: Doc, fields: dict[str, Field]) -> bool:
    if isinstance(tree, Node):
        if tree.kind == "and":
            return all(_matches(ctx, part, doc, fields) for part in tree.parts)
        if tree.kind == "or":
            return any(_matches(ctx, part, doc, fields) for part in tree.parts)
        return not any(_matches(ctx, part, doc, fields) for part in tree.parts)
    known = _known(tree.name, fields)
    if known is None:
        return True
    value = known.get(ctx, doc)
    if isinstance(value, (list, tuple)):
        return any(_compare(entry, tree) for entry in value)
    if not tree.name:
        return tree.value.casefold().rstrip("*") in str(value or "").casefold()
    return _compare(value, tree)


def _compare(value: Any, term: Term) -> bool:
    wanted = term.value
    if value is None:
        return False
    if isinstance(value, bool):
        return value == (wanted.lower() == "true")
    if isinstance(value, int):
        try:
            return _ordered(value, int(wanted.rpartition("/")[2]), term.op)
        except ValueError:
            return False
    have = str(value).casefold()
    if term.op != "=":
        if _NUMBER.match(have) and _NUMBER.match(wanted):
            return _ordered(Decimal(have), Decimal(wanted), term.op)
        return _ordered(have, _same_form(wanted.casefold()), term.op)
    if wanted == "*":
        return bool(have)
    if wanted.endswith("*"):
        return have.startswith(wanted[:-1].casefold())
    return have == wanted.casefold()


def _same_form(text: str) -> str:
    """Bring a time such as 2026-11-01T10:00:00+00:00 to the stored form (…z, lower case), so that both sort as text."""
    return re.sub(r"(?:\.\d+)?\+00:00$", "z", text)


def _ordered(have: Any, wanted: Any, op: str) -> bool:
    if op == ">=":
        return bool(have >= wanted)
    if op == "<=":
        return bool(have <= wanted)
    if op == ">":
        return bool(have > wanted)
    if op == "<":
        return bool(have < wanted)
    return bool(have == wanted)


def _plain(name: str) -> Field:
    return Field(lambda ctx, doc: doc.get(name))


def _number(name: str = "id") -> Field:
    return Field(lambda ctx, doc: number_of(doc[name]))


def _status(ctx: Context, doc: Doc) -> list[str]:
    state = "cancelled" if doc.get("cancelledAt") else ("closed" if doc.get("closedAt") else "open")
    return [state, "any"]


_SHIPPED = {
    "FULFILLED": ["fulfilled", "shipped"],
    "PARTIALLY_FULFILLED": ["partial"],
    "UNFULFILLED": ["unfulfilled", "unshipped"],
}

ORDER_FIELDS: dict[str, Field] = {
    "": Field(
        lambda ctx, doc: " ".join(filter(None, (doc["name"], doc["email"], doc["sourceIdentifier"], *doc["tags"])))
    ),
    "id": _number(),
    "name": Field(lambda ctx, doc: [doc["name"], doc["name"].lstrip("#")], lambda ctx, v: _by_name(ctx, v)),
    "tag": Field(lambda ctx, doc: doc["tags"], lambda ctx, v: ctx.state.by_tag.get((ctx.shop, v.casefold()), ())),
    "source_identifier": Field(
        lambda ctx, doc: doc["sourceIdentifier"], lambda ctx, v: ctx.state.by_source.get((ctx.shop, v), ())
    ),
    "source_name": _plain("sourceName"),
    "email": _plain("email"),
    "po_number": _plain("poNumber"),
    "created_at": _plain("createdAt"),
    "updated_at": _plain("updatedAt"),
    "processed_at": _plain("processedAt"),
    "test": _plain("test"),
    "status": Field(_status),
    "financial_status": Field(lambda ctx, doc: [doc["displayFinancialStatus"].lower(), "any"]),
    "fulfillment_status": Field(lambda ctx, doc: [*_SHIPPED.get(doc["displayFulfillmentStatus"], []), "any"]),
    "sku": Field(lambda ctx, doc: [line["sku"] for line in doc["lines"] if line["sku"]]),
    "app_id": Field(lambda ctx, doc: doc["sourceName"]),
}


def _by_name(ctx: Context, value: str) -> list[Doc]:
    index = ctx.state.by_name
    return [doc for form in {value, "#" + value.lstrip("#")} for doc in index.get((ctx.shop, form), ())]


def _product(ctx: Context, variant: Doc) -> Doc:
    return ctx.state.products[variant["product"]]


def _option(place: int) -> Field:
    return Field(lambda ctx, doc: (list(doc["options"].values()) + [None] * 3)[place])


def _by_sku(ctx: Context, value: str) -> Iterable[Doc]:
    return ctx.state.by_sku.get((ctx.shop, value.casefold()), ())


def _available(ctx: Context, variant: Doc) -> int:
    return sum(level["available"] for level in ctx.state.stock_of(variant))


VARIANT_FIELDS: dict[str, Field] = {
    "": Field(lambda ctx, doc: f"{_product(ctx, doc)['title']} {doc['title']} {doc['sku']} {doc['barcode'] or ''}"),
    "id": _number(),
    "sku": Field(lambda ctx, doc: doc["sku"], _by_sku),
    "barcode": _plain("barcode"),
    "title": _plain("title"),
    "option1": _option(0),
    "option2": _option(1),
    "option3": _option(2),
    "product_id": _number("product"),
    "product_status": Field(lambda ctx, doc: _product(ctx, doc)["status"]),
    "vendor": Field(lambda ctx, doc: _product(ctx, doc)["vendor"]),
    "product_type": Field(lambda ctx, doc: _product(ctx, doc)["productType"]),
    "tag": Field(lambda ctx, doc: _product(ctx, doc)["tags"]),
    "location_id": Field(lambda ctx, doc: [number_of(level["location"]) for level in ctx.state.stock_of(doc)]),
    "inventory_quantity": Field(_available),
    "managed": _plain("tracked"),
    "requires_components": Field(lambda ctx, doc: bool(doc["components"])),
    "updated_at": _plain("updatedAt"),
    "created_at": _plain("createdAt"),
}


def _variants(ctx: Context, product: Doc, name: str) -> list[Any]:
    return [variant[name] for variant in ctx.state.variants_of_product[product["id"]] if variant[name] is not None]


PRODUCT_FIELDS: dict[str, Field] = {
    "": Field(lambda ctx, doc: f"{doc['title']} {doc['vendor']} {doc['productType']}"),
    "id": _number(),
    "title": _plain("title"),
    "handle": _plain("handle"),
    "status": _plain("status"),
    "vendor": _plain("vendor"),
    "product_type": _plain("productType"),
    "tag": _plain("tags"),
    "sku": Field(
        lambda ctx, doc: _variants(ctx, doc, "sku"),
        lambda ctx, v: {d["id"]: d for d in (_product(ctx, x) for x in _by_sku(ctx, v))}.values(),
    ),
    "barcode": Field(lambda ctx, doc: _variants(ctx, doc, "barcode")),
    "updated_at": _plain("updatedAt"),
    "created_at": _plain("createdAt"),
    "published_at": _plain("publishedAt"),
    "inventory_total": Field(
        lambda ctx, doc: sum(_available(ctx, v) for v in ctx.state.variants_of_product[doc["id"]])
    ),
}

ITEM_FIELDS: dict[str, Field] = {
    "": Field(lambda ctx, doc: doc["sku"]),
    "id": _number("item"),
    "sku": Field(lambda ctx, doc: doc["sku"], _by_sku),
    "updated_at": _plain("itemUpdatedAt"),
    "created_at": _plain("createdAt"),
}

LOCATION_FIELDS: dict[str, Field] = {
    "": _plain("name"),
    "id": _number("id"),
    "name": _plain("name"),
    "active": _plain("isActive"),
    "created_at": _plain("createdAt"),
}
