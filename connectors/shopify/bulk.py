"""The whole catalog in one background operation of Shopify's: for first reads of large shops, where it is allowed.

An app must have bulk operations switched on, and loses them after 31 days without use: then `AccessDenied` is raised,
and plain paging does the same work more slowly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract.errors import Rejected, TransientError, UnexpectedReply
from connectors.contract.types import StoreVariant
from connectors.shopify import documents, mapping
from connectors.shopify.client import Client
from connectors.shopify.config import PLATFORM
from connectors.shopify.errors import error_of, read_user_errors
from salestio.lib.text import storable

_BUSY = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})


@dataclass(frozen=True, slots=True)
class BulkRead:
    """Where a bulk read stands: ask again with `operation_id` until `done`, then `variants` is the whole catalog."""

    operation_id: str
    done: bool
    variants: tuple[StoreVariant, ...] = ()


def read(client: Client, operation_id: str) -> BulkRead:
    """Start a bulk read (no id) or follow the one of this id. It takes minutes, and never blocks.

    Raises `AccessDenied` where bulk operations are switched off, `TransientError` while another one runs, `Rejected`
    (with Shopify's code) when it failed: in each case paging through the catalog works instead.
    """
    if not operation_id:
        return BulkRead(_start(client), done=False)
    document = documents.BULK_STATUS
    state = client.run(document, {"id": operation_id})[document.name]
    if not isinstance(state, dict):
        raise Rejected("Shopify has forgotten this bulk read", code="NOT_FOUND", platform=PLATFORM)
    status = state.get("status")
    if status in _RUNNING:
        return BulkRead(operation_id, done=False)
    if status != "COMPLETED":
        code = str(state.get("errorCode") or status)
        raise Rejected(
            f"Shopify's bulk read ended as {status}", code=code, platform=PLATFORM, operation="bulkOperation"
        )
    url = state.get("url")
    # A shop without products has no file.
    variants = tuple(variants_of(client.fetch(url).text)) if isinstance(url, str) and url else ()
    return BulkRead(operation_id, done=True, variants=variants)


def _start(client: Client) -> str:
    document = documents.BULK_START
    answer = client.run(document, {"query": documents.BULK_CATALOG})[document.name]
    if errors := read_user_errors(answer.get("userErrors") or ()):
        if any(error.code in _BUSY for error in errors):
            raise TransientError(
                "Another bulk read of this shop is running", platform=PLATFORM, operation=document.name
            )
        raise error_of(errors, document.name)
    return mapping.text_of(answer.get("bulkOperation") or {}, "id")


def variants_of(lines: str) -> Iterator[StoreVariant]:
    """Yield the variants of a result: one JSON object a line, children naming their parent, in whatever order."""
    products: dict[str, Mapping[str, Any]] = {}
    variants: dict[str, dict[str, Any]] = {}
    levels: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines.splitlines():
        if not line.strip():
            continue
        try:
            node = storable(json.loads(line))
            kind = node["id"].split("/")[3]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise UnexpectedReply("A line of Shopify's bulk result cannot be read", platform=PLATFORM) from None
        if kind == "Product":
            products[node["id"]] = node
        elif kind == "ProductVariant":
            variants[node["id"]] = node
        elif kind == "InventoryLevel":
            levels.setdefault(str(node.get("__parentId")), []).append(node)
    for gid, node in variants.items():
        product = products.get(str(node.get("__parentId")))
        if product is None:
            raise UnexpectedReply("Shopify's bulk result has a variant without its product", platform=PLATFORM)
        item = dict(node.get("inventoryItem") or {})
        # The levels hang on the stock item, or on the variant as the nearest listed object.
        item["inventoryLevels"] = {"nodes": levels.get(str(item.get("id"))) or levels.get(gid) or []}
        yield mapping.variant({**node, "inventoryItem": item}, product)
