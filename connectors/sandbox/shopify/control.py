"""Shopify's shops as the control API drives them: what programs outside use to drive and to count."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.sandbox.platforms import Refusal
from connectors.sandbox.shopify import access, hooks, merchant, oauth, tokens
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.face import ShopifyFace, face_of
from connectors.sandbox.shopify.money import load
from connectors.sandbox.shopify.state import Doc, number_of
from connectors.sandbox.store_desk import StoreDesk

if TYPE_CHECKING:
    from connectors.sandbox.world import World

SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")


class ShopifyControl(StoreDesk[Context]):
    """The pretend Shopify's side of ``/_control``; needs the platform to be set up on the same world."""

    platform = "shopify"
    operations = (
        "orderCreate",
        "orders",
        "orderByIdentifier",
        "orderCancel",
        "fulfillmentOrders",
        "fulfillmentCreate",
        "refundCreate",
        "productVariants",
        "products",
        "inventorySetQuantities",
        "locations",
        "shop",
        "token",
    )

    plans = merchant.PLANS
    usual_plan = "plus"
    key_form = SHOP
    key_words = "must be like name.myshopify.com"
    merchant = merchant

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def face(self) -> ShopifyFace:
        """The platform's shared parts."""
        return face_of(self.world)

    # Stores

    def knows(self, key: str) -> bool:
        """Say whether there is a shop of this domain."""
        return key in self.face.state.shops

    def keys(self) -> list[str]:
        """Return the domains of all shops."""
        return [shop["shop"] for shop in self.face.state.in_order()]

    def admin_page(self, key: str) -> str:
        """Return the address of the shop's pretend admin."""
        return f"{self.face.core.base_url}/shopify/{key}/admin"

    def app_market(self) -> str:
        """Return the address of the pretend app store."""
        return f"{self.face.core.base_url}/shopify/app-store"

    def make_store(self, key: str, name: str, like: str, plan: str) -> Doc:
        """Take in a shop with the goods of another, the app installed; return fresh tokens of the app."""
        self.face.state.add_shop(key, name, like, plan)
        issued = tokens.issue(self.world, key, list(access.DEFAULT_SCOPES))
        self.world.commit()
        return issued

    # What the desk asks for

    def open(self, key: str) -> Context:
        """Begin a piece of work in a shop."""
        context = self.face.context(key)
        context.by_merchant = True
        return context

    def finish(self, context: Context) -> None:
        """End a piece of work: webhooks go out, the journal is written."""
        self.face.finish(context)
        self.world.commit()

    def variants_of(self, context: Context, sku: str) -> Sequence[Doc]:
        """Return the shop's variants of this SKU, all for ""."""
        state = context.state
        if not sku:
            return [doc for _, doc in state.variants_of[context.shop]]
        return [doc for doc in state.by_sku.get((context.shop, sku.casefold()), []) if doc["sku"] == sku]

    def variant_of(self, context: Context, variant_id: str) -> Doc | None:
        """Return the shop's variant of this gid or number."""
        variants = context.state.variants
        found = variants.get(variant_id) or variants.get(f"gid://shopify/ProductVariant/{variant_id}")
        return found if found is not None and found["shop"] == context.shop else None

    def orders_of(self, context: Context, reference: str) -> Sequence[Doc]:
        """Return the shop's orders of this source identifier, all for ""."""
        state = context.state
        return state.by_source.get((context.shop, reference), []) if reference else state.orders_of[context.shop]

    def order_of(self, context: Context, order_id: str) -> Doc | None:
        """Return the shop's order of this gid or number."""
        return context.order(order_id) or context.order(f"gid://shopify/Order/{order_id}")

    def variant_view(self, context: Context, variant: Doc) -> Doc:
        """Return a variant in the control API's words."""
        return _variant(context, variant)

    def order_view(self, context: Context, order: Doc) -> Doc:
        """Return an order in the control API's words."""
        return _order(context, order)

    def act_on_store(self, context: Context, action: str, body: Doc) -> Doc:
        """``POST /stores/{key}/settings|compliance|revoke|uninstall``.

        ``settings`` ``{plan?, id_metafield?, bulk_operations?}``; ``compliance`` ``{topic, reference?}`` sends a
        compliance webhook to the app; ``revoke`` ends the app's tokens; ``uninstall`` takes the app off the shop.
        """
        if action == "settings":
            merchant.settings(context, body)
        elif action == "compliance":
            return {"sent": self._comply(context, body)}
        elif action == "revoke":
            tokens.revoke(self.world, context.shop)
        elif action == "uninstall":
            context.uninstall()
        else:
            raise Refusal("action", "must be one of settings, compliance, revoke, uninstall", 404)
        shop = context.shop_doc
        return {"plan": shop["plan"], "id_metafield": shop["idMetafield"], "bulk_operations": shop["bulkOperations"]}

    def _comply(self, context: Context, body: Doc) -> str:
        topic = body.get("topic")
        if topic not in hooks.COMPLIANCE:
            raise Refusal("topic", f"must be one of {', '.join(hooks.COMPLIANCE)}")
        shop = context.shop_doc
        payload: Doc = {"shop_id": number_of(shop["gid"]), "shop_domain": context.shop}
        if topic != "shop/redact":
            orders = context.state.by_source.get((context.shop, str(body.get("reference", ""))), [])
            customer = context.state.customers.get(orders[0]["customer"] or "") if orders else None
            numbers = [number_of(order["id"]) for order in orders]
            payload["customer"] = {
                "id": number_of(customer["id"]) if customer else 0,
                "email": (customer or {}).get("email") or "",
                "phone": (customer or {}).get("phone") or "",
            }
            payload["orders_to_redact" if topic == "customers/redact" else "orders_requested"] = numbers
            if topic == "customers/data_request":
                payload["data_request"] = {"id": self.world.next_id("shopify_data_request")}
        raw = json.dumps(payload).encode()
        triggered = self.world.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        headers = hooks.headers(topic, context.shop, raw, self.face.client_secret, str(uuid.uuid4()), triggered)
        destination = f"{self.face.core.web_url}/shopify/webhooks"
        self.face.core.webhooks.deliver(
            str(body.get("uri") or destination), headers, raw, platform="shopify", topic=topic
        )
        return str(topic)

    def addresses(self) -> Doc:
        """Return this platform's part of ``GET /endpoints``: {shop: url}."""
        base = self.face.core.base_url
        return {shop: f"{base}/shopify/{shop}" for shop in self.keys()}

    def client(self) -> Doc:
        """Return how a foreign client signs in, with fresh tokens of the demo's shops."""
        found = {
            "client_id": self.face.client_id,
            "client_secret": self.face.client_secret,
            "tokens": oauth.demo_tokens(self.face),
        }
        self.world.commit()
        return found


def _variant(context: Context, doc: Doc) -> Doc:
    product = context.state.products[doc["product"]]
    places = context.state.locations
    return {
        "id": doc["id"],
        "sku": doc["sku"],
        "product_title": product["title"],
        "options": {} if doc["options"] == {"Title": "Default Title"} else doc["options"],
        "tracked": doc["tracked"],
        "policy": doc["inventoryPolicy"].lower(),
        "price": doc["price"],
        "barcode": doc["barcode"],
        "status": product["status"].lower(),
        "locations": [
            {
                "id": level["location"],
                "name": places[level["location"]]["name"],
                "available": level["available"],
                "committed": level["committed"],
            }
            for level in context.state.stock_of(doc)
        ],
    }


def _order(context: Context, doc: Doc) -> Doc:
    places = context.state.locations
    by_id = {line["id"]: line for line in doc["lines"]}
    where = [places[fo["location"]]["name"] for fo in doc["fulfillmentOrders"] if fo["lines"]]
    return {
        "id": doc["id"],
        "name": doc["name"],
        "reference": doc["sourceIdentifier"],
        "created_at": doc["createdAt"],
        "currency": doc["currencyCode"],
        "total": str(load(doc["totals"]["total"])[0]),
        "email": doc["email"],
        "address": {name: text for name, text in (doc["shippingAddress"] or {}).items() if text},
        "tags": doc["tags"],
        "note": doc["note"],
        "lines": [
            {
                "id": x["id"],
                "sku": x["sku"],
                "title": x["title"],
                "quantity": x["quantity"],
                "price": str(load(x["price"])[0]),
            }
            for x in doc["lines"]
        ],
        "location": where[0] if where else None,
        "locations": where,
        "financial_status": doc["displayFinancialStatus"].lower(),
        "fulfillment_status": doc["displayFulfillmentStatus"].lower(),
        "shipments": [
            {
                "carrier": entry["tracking"][0]["company"] if entry["tracking"] else None,
                "tracking": entry["tracking"][0]["number"] if entry["tracking"] else None,
                "status": entry["status"].lower(),
                "location": places[entry["location"]]["name"] if entry.get("location") in places else None,
                "lines": [{"sku": by_id[part["line"]]["sku"], "quantity": part["quantity"]} for part in entry["lines"]],
            }
            for entry in doc["fulfillments"]
        ],
        "canceled": bool(doc.get("cancelledAt")),
        "refunds": [
            {
                "id": entry["id"],
                "amount": str(load(entry["total"])[0]),
                "lines": [{"sku": by_id[part["line"]]["sku"], "quantity": part["quantity"]} for part in entry["lines"]],
            }
            for entry in doc["refunds"]
        ],
    }
