"""Amazon's part of the control API: buyers, sellers and listings in the words of `docs/sandbox.md`."""

from __future__ import annotations

import random

from aiohttp import web

from connectors.sandbox import catalog
from connectors.sandbox.amazon import sqs
from connectors.sandbox.amazon.buying import WORDS, Buyers, line_total, total
from connectors.sandbox.amazon.common import RATES, Amazon
from connectors.sandbox.amazon.sites import REGIONS, SITES
from connectors.sandbox.amazon.state import PLANS, STANDINGS, Doc, amount
from connectors.sandbox.control_input import only, read_body, text_field
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.server import CORE

_ORDER_FIELDS = (
    "lines", "site", "currency", "status", "fulfilled_by", "buyer", "count", "discount", "shipping", "tax", "gift_wrap",
    "customization", "replacement_of", "mode", "programs",
)  # fmt: skip


class AmazonControl:
    """The pretend Amazon's side of `/_control` (`platforms.MarketplaceControl`)."""

    platform = "amazon"
    operations = (*RATES, "token", "ORDER_CHANGE", "sqs.ReceiveMessage", "sqs.DeleteMessageBatch")

    def __init__(self, amazon: Amazon, chance: random.Random | None = None) -> None:
        self.amazon = amazon
        self.state = amazon.state
        self.buyers = Buyers(amazon, chance)

    def keys(self) -> list[str]:
        """Return the sellers, those of the demo's merchants first."""
        return sorted(self.state.sellers, key=lambda key: (not self.state.sellers[key]["merchant"], key))

    def seller(self, key: str) -> Doc:
        """Return a seller; `connected` says whether our application has a permission in force."""
        doc = self.state.sellers[key]
        return {
            **{name: doc[name] for name in ("key", "name", "merchant", "region", "sites")},
            "currency": SITES[doc["sites"][0]].currency,
            "connected": key in self.amazon.refresh_tokens(),
            "orders": len(self.state.by_created[key]),
        }

    def place(self, key: str, body: Doc) -> list[str]:
        """Let buyers order."""
        return self.buyers.place(key, only(body, *_ORDER_FIELDS))

    def order(self, key: str, order_id: str) -> Doc:
        """Return an order as Amazon knows it."""
        return order_view(self._order(key, order_id))

    def orders(self, key: str, start: int, limit: int) -> tuple[list[Doc], str | None]:
        """Return orders, newest first."""
        index = self.state.by_created[key]
        newest = index[::-1][start : start + limit]
        rows = [order_view(self.state.orders[order_id]) for _, order_id in newest]
        return rows, str(start + limit) if start + limit < len(index) else None

    def change(self, key: str, order_id: str, body: Doc) -> Doc:
        """Let an order's life go on."""
        order = self._order(key, order_id)
        self.buyers.change(order, body)
        return order_view(order)

    def _order(self, key: str, order_id: str) -> Doc:
        order = self.state.order(key, order_id)
        if order is None:
            raise Refusal("id", "this seller has no such order", 404)
        return order

    def listings(self, key: str, sku: str | None = None) -> list[Doc]:
        """Return the seller's listings, the price of the first site as `price`."""
        return [
            {
                "sku": doc["sku"],
                "item_id": doc["asin"],
                "title": doc["title"],
                "variation": doc["variation"],
                "asin": doc["asin"],
                "quantity": doc["quantity"],
                "price": next(iter(doc["prices"].values())),
                "prices": doc["prices"],
                "fulfilled_by": doc["fulfilled_by"],
                "version": doc["version"],
                "updated_at": doc["updated_at"],
                "kind": doc["kind"],
                "store_sku": doc["store_sku"],
            }
            for doc in self.state.listings_of[key]
            if sku is None or doc["sku"] == sku
        ]

    def revoke(self, key: str) -> None:
        """End the seller's tokens."""
        self.amazon.revoke(key)

    def add(self, key: str, body: Doc) -> Doc:
        """Take in a further seller who copies the listings of `like` and has agreed to our application."""
        only(body, "name", "region", "sites", "like")
        if not key.isalnum() or not 8 <= len(key) <= 20:
            raise Refusal("key", "8 to 20 letters and digits are wanted")
        if key in self.state.sellers:
            raise Refusal("key", "this seller exists", 409)
        region = text_field(body, "region", REGIONS, "na")
        sites = body.get("sites", ["US"])
        if not isinstance(sites, list) or not sites or any(s not in SITES or SITES[s].region != region for s in sites):
            raise Refusal("sites", f"a list of sites of the region {region} is wanted")
        known = [seller["key"] for seller in catalog.sellers(self.platform)]
        like = text_field(body, "like", known, known[0])
        self.state.add_seller(key, text_field(body, "name", (), key), region, sites, like)
        return {"key": key, "refresh_token": self.amazon.new_refresh_token(key)}

    def action(self, key: str, action: str, body: Doc) -> Doc:
        """`standing {plan?: PROFESSIONAL | INDIVIDUAL, suspended?: [sites whose listings are switched off]}`."""
        if key not in self.state.sellers:
            raise Refusal("key", "there is no such seller", 404)
        if action != "standing":
            raise Refusal("action", "known is standing", 404)
        only(body, "plan", "suspended")
        standing = self.state.standing(key)
        plan = text_field(body, "plan", PLANS, standing["plan"])
        suspended, own = body.get("suspended", standing["suspended"]), self.state.sellers[key]["sites"]
        if not isinstance(suspended, list) or any(site not in own for site in suspended):
            raise Refusal("suspended", f"a list of sites of this seller ({', '.join(own)}) is wanted")
        self.state.world.put(STANDINGS, key, {"plan": plan, "suspended": suspended})
        return self.state.standing(key)

    def addresses(self) -> Doc:
        """Return where a client finds Amazon."""
        base = self.amazon.core.base_url
        return {
            **{region: f"{base}/amazon/{region}" for region in REGIONS},
            "lwa": f"{base}/amazon/lwa",
            "sqs": f"{base}/sqs",
            "seller_central": f"{base}/amazon/sellercentral/{{region}}",
        }

    def client(self) -> Doc:
        """Return our application and the refresh tokens in force."""
        own = self.amazon.app
        return {
            "client_id": own["client_id"],
            "client_secret": own["client_secret"],
            "application_id": own["application_id"],
            "refresh_tokens": self.amazon.refresh_tokens(),
        }

    def further_clients(self) -> Doc:
        """Return how our application reads its queue."""
        own = self.amazon.app
        return {
            "sqs": {
                "queue_url": sqs.url(self.amazon),
                "queue_arn": sqs.arn(),
                "access_key_id": own["aws_access_key_id"],
                "secret_access_key": own["aws_secret_access_key"],
                "region": sqs.REGION,
            }
        }


def order_view(order: Doc) -> Doc:
    """Return an order in the control API's words."""
    currency = order["currency"]
    return {
        "id": order["id"],
        "status": WORDS[order["status"]],
        "site": order["site"],
        "fulfilled_by": order["fulfilled_by"],
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
        "lines": [
            {
                "id": line["item_id"],
                "sku": line["sku"],
                "title": line["title"],
                "quantity": line["quantity"],
                "shipped": line["shipped"],
                "unit_price": line["unit_price"],
                "total": amount(line_total(line), currency),
            }
            for line in order["lines"]
        ],
        "total": amount(total(order), currency),
        "currency": currency,
        "shipments": [
            {"reference": p["reference"], "carrier": p["carrier"], "tracking": p["tracking"], "items": p["items"]}
            for p in order["packages"]
        ],
        "canceled": order.get("canceled"),
        "refunds": order["refunds"],
    }


async def roles(request: web.Request) -> web.Response:
    """`POST /_control/roles`: give our application the restricted roles, or take them: without, no personal data shows."""
    body = await read_body(request, "restricted_roles")
    if not isinstance(body.get("restricted_roles"), bool):
        raise Refusal("restricted_roles", "true or false is wanted")
    request.app[CORE].world.put("settings", "amazon", body)
    return web.json_response(body)


def setup(app: web.Application, amazon: Amazon) -> None:
    """Let the control API, the order stream and the pages drive Amazon."""
    amazon.core.marketplaces["amazon"] = AmazonControl(amazon)
    app.router.add_post("/_control/roles", roles)
