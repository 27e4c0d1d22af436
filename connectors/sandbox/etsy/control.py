"""The pretend Etsy in the control API's words (`platforms.MarketplaceControl`; see `docs/sandbox.md`)."""

from __future__ import annotations

from typing import Any

from connectors.sandbox import catalog
from connectors.sandbox.control_input import only
from connectors.sandbox.etsy.buying import ORDER_FIELDS, SITE, Buyers
from connectors.sandbox.etsy.common import DEMO_SCOPES, Etsy
from connectors.sandbox.etsy.hooks import EVENTS
from connectors.sandbox.etsy.shapes import control_view, iso
from connectors.sandbox.etsy.state import CAPABILITIES, Doc
from connectors.sandbox.platforms import Refusal

_LONGEST_KEY = 12


class EtsyControl:
    """Drives the pretend Etsy. Wrong input raises `Refusal`."""

    platform = "etsy"
    operations = (
        "getShopReceipts", "getShopReceipt", "getShopPaymentByReceiptId", "getShopReceiptTransactionsByReceipt",
        "createReceiptShipment", "getMe", "getShop", "getShopByOwnerUserId", "ping", "tokenScopes", "token",
        "getListingsByShop", "getListing", "getListingInventory", "getListingsInventoryByListingIds",
        "getShippingCarriers", *EVENTS,
    )  # fmt: skip

    def __init__(self, etsy: Etsy, buyers: Buyers) -> None:
        self._etsy = etsy
        self._state = etsy.state
        self._buyers = buyers

    # ── shops ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keys(self) -> list[str]:
        """Return all shops, the demo's first."""
        return sorted(self._state.shops, key=lambda key: (not self._state.shops[key]["merchant"], key))

    def seller(self, key: str) -> Doc:
        """Return a shop with what Etsy gives our app of it (`capabilities`)."""
        shop = self._shop(key)
        return {
            "key": key,
            "name": shop["name"],
            "merchant": shop["merchant"],
            "region": "",
            "sites": [SITE],
            "currency": shop["currency"],
            "connected": self._etsy.connected(key),
            "orders": len(self._state.by_created[key]),
            "capabilities": {name: shop[name] for name in CAPABILITIES},
        }

    def _shop(self, key: str) -> Doc:
        shop = self._state.shops.get(key)
        if shop is None:
            raise Refusal("key", f"there is no shop {key}", 404)
        return shop

    def revoke(self, key: str) -> None:
        """The seller withdraws access: every token ends, no webhook is sent any more."""
        self._shop(key)
        self._etsy.revoke(key)

    def add(self, key: str, body: Doc) -> Doc:
        """Make a further shop that agreed to our app: `{name?, like?, currency?, capabilities?}`."""
        only(body, "name", "like", "currency", "capabilities", "sites")
        if not key.isascii() or not key.isdigit() or not 5 <= len(key) <= _LONGEST_KEY or key.startswith("0"):
            raise Refusal("key", f"5 to {_LONGEST_KEY} digits are wanted")
        if key in self._state.shops:
            raise Refusal("key", "this shop exists", 409)
        rows = {row["key"]: row for row in catalog.sellers("etsy")}
        like = str(body.get("like") or next(iter(rows)))
        if like not in rows:
            raise Refusal("like", f"one of {', '.join(rows)} is wanted")
        currency = str(body.get("currency") or rows[like]["currency"])
        if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
            raise Refusal("currency", "a currency code such as USD is wanted")
        given = _capabilities(body.get("capabilities") or {})
        self._state.add_shop(key, str(body.get("name") or f"Shop{key}"), currency, like)
        self._state.change_shop(key, **given)
        return {"key": key, "refresh_token": self._etsy.authorize(key, DEMO_SCOPES), **self.seller(key)}

    def action(self, key: str, action: str, body: Doc) -> Doc:
        """Do what only Etsy has.

        - `capabilities` `{address?, email?, tracking?}`: what the region's rules give our app of this shop;
        - `budget` `{per_second?, per_day?, used?}`: the app's limits until the next reset, and what was spent today;
        - `webhook` `{id, event}`: send an order's webhook once more, as Etsy does when it doubts.
        """
        self._shop(key)
        if action == "capabilities":
            self._state.change_shop(key, **_capabilities(body))
            return self.seller(key)
        if action == "budget":
            only(body, "per_second", "per_day", "used")
            numbers = {name: _whole(value, name) for name, value in body.items()}
            self._etsy.budget.set(**numbers)
            return self._etsy.budget.headers()
        if action == "webhook":
            only(body, "id", "event")
            if body.get("event") not in EVENTS:
                raise Refusal("event", f"one of {', '.join(EVENTS)} is wanted")
            for told in self._etsy.on_change:
                told(self._receipt(key, str(body.get("id"))), str(body["event"]))
            return {"sent": body["event"]}
        raise Refusal("action", "Etsy has capabilities, budget and webhook", 404)

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def place(self, key: str, body: Doc) -> list[str]:
        """Let buyers order; returns the receipt ids."""
        self._shop(key)
        only(body, *ORDER_FIELDS)
        return self._buyers.place(key, body)

    def _receipt(self, key: str, order_id: str) -> Doc:
        self._shop(key)
        receipt = self._state.receipt(key, order_id)
        if receipt is None:
            raise Refusal("id", "this shop has no such order", 404)
        return receipt

    def order(self, key: str, order_id: str) -> Doc:
        """Return an order as Etsy knows it."""
        return control_view(self._receipt(key, order_id))

    def orders(self, key: str, start: int, limit: int) -> tuple[list[Doc], str | None]:
        """Return orders newest first from an offset, and the next offset as text."""
        self._shop(key)
        index = self._state.by_created[key]
        end = max(0, len(index) - start)
        newest = index[max(0, end - limit) : end][::-1]
        rows = [control_view(self._state.receipts[receipt_id]) for _, receipt_id in newest]
        return rows, str(start + limit) if start + limit < len(index) else None

    def change(self, key: str, order_id: str, body: Doc) -> Doc:
        """Let the order's life go on; returns it."""
        receipt = self._receipt(key, order_id)
        self._buyers.change(receipt, body)
        return control_view(receipt)

    def listings(self, key: str, sku: str | None = None) -> list[Doc]:
        """Return the shop's products; `item_id` is the listing's number, `variation_id` the product's in it."""
        self._shop(key)
        names = ("sku", "item_id", "variation_id", "product_id", "title", "variation", "quantity", "price", "prices")
        more = ("fulfilled_by", "version", "kind", "store_sku", "digital", "personalization", "state", "barcode")
        return [
            {**{name: row[name] for name in (*names, *more)}, "updated_at": iso(row["updated_ms"])}
            for row in self._state.rows_of[key]
            if sku is None or row["sku"] == sku
        ]

    # ── where and how a client signs in ──────────────────────────────────────────────────────────────────────────────

    def addresses(self) -> Doc:
        """Return where Etsy lives: the API, the host of the token endpoint, the site with its consent page."""
        base = self._etsy.core.base_url
        return {"api": f"{base}/etsy", "token": f"{base}/etsy", "site": f"{base}/etsy/site"}

    def client(self) -> Doc:
        """Return our app's key and secret, and a refresh token nobody has used yet of each shop that agreed."""
        own = self._etsy.app
        return {
            "keystring": own["keystring"],
            "shared_secret": own["shared_secret"],
            "refresh_tokens": self._etsy.refresh_tokens(),
        }


def _capabilities(given: Any) -> dict[str, bool]:
    if not isinstance(given, dict):
        raise Refusal("capabilities", "an object is wanted")
    only(given, *CAPABILITIES)
    for name, value in given.items():
        if not isinstance(value, bool):
            raise Refusal(name, "true or false is wanted")
    return dict(given)


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise Refusal(name, "a whole number is wanted")
    return value
