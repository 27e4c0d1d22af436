"""What the store tells us about stock, products and locations: look again, at the things it names, and no more.

The inbox drain calls these outside any scope with one batch of a lane and topic, the objects already made distinct. A
payload is never a figure (MECHANISMS 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inventory import catalog, refresh
from salestio import tenancy


def on_stock(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Any]) -> None:
    """Stock items changed: their figures are read with the next batch; a read already due is not asked for again."""
    with tenancy.scope(merchant_id):
        refresh.ask_items(store_id, [str(one) for one in object_ids])


def on_product(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Any]) -> None:
    """Products were made or changed: read them again. Raises `ConnectorError`, then the messages are tried again."""
    catalog.read_products(merchant_id, store_id, [str(one) for one in object_ids])


def on_product_deleted(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Any]) -> None:
    """Products are said to be gone: they are asked for, because the message may be old and the product back."""
    catalog.read_products(merchant_id, store_id, [str(one) for one in object_ids])


def on_location(merchant_id: int, store_id: int, object_ids: Sequence[Any], rows: Sequence[Any]) -> None:
    """A location came, changed or went: read them all, they are few, then the catalog, whose figures name them."""
    catalog.read_locations(merchant_id, store_id)
    with tenancy.scope(merchant_id):
        catalog.sync_soon(store_id, whole=True)
