"""The pretend eBay in the control API's words: see `docs/sandbox.md`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from connectors.sandbox.ebay import money
from connectors.sandbox.ebay.buying import Buyers, words
from connectors.sandbox.ebay.common import DAILY, RULES, SCOPES, Ebay
from connectors.sandbox.ebay.sites import SITES
from connectors.sandbox.ebay.state import Doc, amount
from connectors.sandbox.platforms import Refusal

EBAY_BUYERS: web.AppKey[Buyers] = web.AppKey("ebay_buyers", Buyers)
_SETTINGS = ("refund_seconds", "refund_outcome", "daily_limits", "without_programs")


class EbayControl:
    """eBay as a `MarketplaceControl`."""

    platform = "ebay"
    operations = (*RULES, "token")

    def __init__(self, ebay: Ebay, buyers: Buyers) -> None:
        self.ebay = ebay
        self.buyers = buyers
        self.state = ebay.state

    def keys(self) -> list[str]:
        """Return all sellers, the demo's first."""
        return list(self.state.sellers)

    def _seller(self, key: str) -> Doc:
        if key not in self.state.sellers:
            raise Refusal("key", f"there is no seller {key}", 404)
        return self.state.sellers[key]

    def seller(self, key: str) -> Doc:
        """Return a seller; `username` is what may change, `key` is eBay's immutable userId."""
        seller = self._seller(key)
        return {
            "key": key,
            "name": seller["name"],
            "username": seller["username"],
            "merchant": seller["merchant"],
            "region": "",
            "sites": seller["sites"],
            "currency": SITES[seller["sites"][0]].currency,
            "connected": key in self.ebay.refresh_tokens(),
            "orders": len(self.state.by_created[key]),
        }

    def place(self, key: str, body: Doc) -> list[str]:
        """Let buyers order; the ids are those the orders are born with (an unpaid one gets another when paid)."""
        self._seller(key)
        return self.buyers.place(key, body)

    def _order(self, key: str, order_id: str) -> Doc:
        self._seller(key)
        order = self.state.find(key, order_id)
        if order is None:
            raise Refusal("id", "this seller has no such order", 404)
        return order

    def order(self, key: str, order_id: str) -> Doc:
        """Return an order by its current id or one it had before."""
        order = self._order(key, order_id)
        self.buyers.settle()
        return order_view(order)

    def orders(self, key: str, start: int, limit: int) -> tuple[list[Doc], str | None]:
        """Return orders newest first from an offset, and the next offset as text."""
        self._seller(key)
        self.buyers.settle()
        index = self.state.by_created[key]
        last = len(index) - start
        newest = index[max(0, last - limit) : max(0, last)][::-1]
        rows = [order_view(self.state.orders[order_id]) for _, order_id in newest]
        return rows, str(start + limit) if start + limit < len(index) else None

    def change(self, key: str, order_id: str, body: Doc) -> Doc:
        """Let the order's life go on; the answer has its current id."""
        order = self._order(key, order_id)
        self.buyers.change(order, dict(body))
        return order_view(order)

    def listings(self, key: str, sku: str | None = None) -> list[Doc]:
        """Return listings, one row for each variation."""
        self._seller(key)
        names = (
            "sku", "title", "item_id", "variation_id", "variation", "quantity", "prices", "fulfilled_by", "version",
            "updated_at", "kind", "store_sku",
        )  # fmt: skip
        return [
            {"price": next(iter(doc["prices"].values())), **{name: doc[name] for name in names}}
            for doc in self.state.listings_of[key]
            if sku is None or doc["sku"] == sku
        ]

    def revoke(self, key: str) -> None:
        """The seller withdraws access; subscribers to AUTHORIZATION_REVOCATION are told."""
        seller = self._seller(key)
        self.ebay.revoke(key)
        for told in self.ebay.on_revoked:
            told(seller)

    def add(self, key: str, body: Doc) -> Doc:
        """Make a further seller who agreed to our application."""
        unknown = sorted(set(body) - {"name", "like", "sites", "currency"})
        if unknown:
            raise Refusal(unknown[0], "not known; known are name, like, sites, currency")
        if not key.isascii() or not key.isalnum() or not 6 <= len(key) <= 20:
            raise Refusal("key", "6 to 20 letters and digits are wanted")
        if key in self.state.sellers:
            raise Refusal("key", "this seller exists", 409)
        like = body.get("like") or next(iter(self.state.sellers))
        if like not in self.state.sellers:
            raise Refusal("like", f"there is no seller {like}")
        sites = body.get("sites") or self.state.sellers[like]["sites"]
        if not isinstance(sites, list) or any(site not in SITES for site in sites):
            raise Refusal("sites", f"a list of {', '.join(SITES)} is wanted")
        self.state.add_seller(key, str(body.get("name") or f"Seller {key}"), sites, self.state.sellers[like]["like"])
        token = self.ebay.new_refresh_token(key)
        return {**self.seller(key), "refresh_token": token}

    def action(self, key: str, action: str, body: Doc) -> Doc:
        """`delete-user {username}`, `rename {username}`, `settings {...}`."""
        self._seller(key)
        if action == "delete-user":
            return self._delete_user(body)
        if action == "rename":
            return self._rename(key, body)
        if action == "settings":
            return self._settings(body)
        raise Refusal("action", "known are delete-user, rename, settings", 404)

    def _delete_user(self, body: Doc) -> Doc:
        """A member closes their account: eBay tells every application, and shows the person no more."""
        name = body.get("username")
        if not isinstance(name, str) or not name:
            raise Refusal("username", "a text is wanted")
        user_id, touched = "", 0
        for order in self.state.orders.values():
            buyer = order["buyer"]
            if buyer["username"] == name:
                user_id, touched = buyer["user_id"], touched + 1
                buyer.update(name="Deleted user", email="", phone="")
                self.state.save(order)
        for told in self.ebay.on_deleted:
            told(name, user_id or f"gone{abs(hash(name)) % 10**7:07d}")
        return {"username": name, "user_id": user_id, "orders": touched}

    def _rename(self, key: str, body: Doc) -> Doc:
        name = body.get("username")
        if not isinstance(name, str) or not name:
            raise Refusal("username", "a text is wanted")
        seller = self.state.sellers[key]
        seller["username"] = name
        self.state.world.put("ebay_sellers", key, seller)
        return self.seller(key)

    def _settings(self, body: Doc) -> Doc:
        unknown = sorted(set(body) - set(_SETTINGS))
        if unknown:
            raise Refusal(unknown[0], f"not known; known are {', '.join(_SETTINGS)}")
        seconds, outcome = body.get("refund_seconds", 0), body.get("refund_outcome", "REFUNDED")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 10**6:
            raise Refusal("refund_seconds", "a number of seconds is wanted")
        if outcome not in ("REFUNDED", "FAILED"):
            raise Refusal("refund_outcome", "one of REFUNDED, FAILED is wanted")
        limits = body.get("daily_limits", {})
        if not isinstance(limits, dict) or any(n not in DAILY or not isinstance(v, int) for n, v in limits.items()):
            raise Refusal("daily_limits", f"calls a day by budget are wanted: {', '.join(DAILY)}")
        if not isinstance(body.get("without_programs", {}), dict):
            raise Refusal("without_programs", "lists of programs by seller are wanted")
        changed = {**self.ebay.settings, **body}
        self.ebay.world.put("ebay_settings", "settings", changed)
        return changed

    def addresses(self) -> Doc:
        """Return eBay's part of `GET /endpoints`."""
        base = f"{self.ebay.core.base_url}/ebay"
        return {name: f"{base}/{name}" for name in ("api", "apiz", "auth", "hub")}

    def client(self) -> Doc:
        """Return how a foreign client signs in."""
        app = self.ebay.app
        names = ("client_id", "client_secret", "ru_name", "verification_token")
        tokens = self.ebay.refresh_tokens()
        return {**{n: app.get(n, "") for n in names}, "scopes": list(SCOPES), "refresh_tokens": tokens}


def order_view(order: Doc) -> dict[str, Any]:
    """Return an order in the control API's words; `total` is what the buyer pays, eBay's own tax included."""
    return {
        "id": order["id"],
        "former_ids": order["former_ids"],
        "status": words(order),
        "site": order["site"],
        "fulfilled_by": order["fulfilled_by"],
        "programs": order["programs"],
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
        "buyer": {name: order["buyer"].get(name, "") for name in ("username", "name")},
        "lines": [
            {
                "id": line["id"],
                "sku": line["sku"],
                "item_id": line["item_id"],
                "variation_id": line["variation_id"],
                "title": line["title"],
                "variation": line["variation"],
                "quantity": line["quantity"],
                "shipped": line["shipped"],
                "unit_price": line["unit_price"],
                "total": amount(money.line_total(line, ebay_tax=True, tax_by=order["tax_by"])),
            }
            for line in order["lines"]
        ],
        "total": amount(money.total(order)),
        "currency": order["currency"],
        "shipments": [
            {"reference": p["id"], "carrier": p["carrier"], "tracking": p["tracking"], "items": p["lines"]}
            for p in order["fulfillments"]
        ],
        "canceled": _canceled(order),
        "cancel_requests": [
            {"id": r["id"], "by": r["by"].lower(), "reason": r["reason"], "state": r["state"]}
            for r in order["cancel"]["requests"]
        ],
        "refunds": [
            {"id": r["id"], "amount": r["amount"], "status": r["status"], "at": r["at"], "reason": r["reason"]}
            for r in order["refunds"]
        ],
    }


def _canceled(order: Doc) -> dict[str, Any] | None:
    if order["cancel"]["state"] != "CANCELED":
        return None
    last = order["cancel"]["requests"][-1]
    return {"by": last["by"], "reason": last["reason"], "at": order["cancel"]["canceled_at"]}
