"""The store's part of the control API: what programs outside use to drive and to count. Shapes as in the project's
CONTROL_API.

Each method answers (HTTP status, JSON); wrong input is a 400 naming the field, an unknown store or order a 404.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog
from connectors.sandbox.shopify import access, hooks, merchant, oauth, tokens
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.face import ShopifyFace, face_of
from connectors.sandbox.shopify.merchant import Wrong
from connectors.sandbox.shopify.money import load
from connectors.sandbox.shopify.state import Doc, number_of
from connectors.sandbox.world import page

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Answer = tuple[int, Any]
PAGE = 500
SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")


class ShopifyControl:
    """The pretend Shopify's side of ``/_control`` (``platforms.StoreControl``); needs the platform to be set up on the
    same world."""

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

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def face(self) -> ShopifyFace:
        """The platform's shared parts."""
        return face_of(self.world)

    def add_shop(self, key: str, body: Doc) -> Answer:
        """``PUT /stores/{key}`` ``{name?, like?, plan?}``: a further shop with another one's goods, the app installed;
        answers fresh tokens of the app. For benches: it belongs to none of the demo's merchants."""
        like, plan = str(body.get("like") or self.keys()[0]), str(body.get("plan") or "plus")
        name, unknown = str(body.get("name") or key), sorted(set(body) - {"name", "like", "plan"})
        known = [store["shop"] for store in catalog.stores("shopify")]
        if unknown:
            return 400, {"error": f"{unknown[0]}: is not known; known are name, like, plan", "field": unknown[0]}
        if not self.accepts(key):
            return 400, {"error": "key: must be like name.myshopify.com", "field": "key"}
        if self.knows(key):
            return 409, {"error": "key: there is such a store", "field": "key"}
        if like not in known:
            return 400, {"error": f"like: must be one of {', '.join(known)}", "field": "like"}
        if plan not in merchant.PLANS:
            return 400, {"error": f"plan: must be one of {', '.join(merchant.PLANS)}", "field": "plan"}
        self.face.state.add_shop(key, name, like, plan)
        issued = tokens.issue(self.world, key, list(access.DEFAULT_SCOPES))
        self.world.commit()
        return 201, {"key": key, "name": name, "tokens": issued}

    def knows(self, key: str) -> bool:
        """Say whether there is a shop of this domain."""
        return key in self.face.state.shops

    def keys(self) -> list[str]:
        """Return the domains of all shops."""
        return [shop["shop"] for shop in self.face.state.in_order()]

    def accepts(self, key: str) -> bool:
        """Say whether a key has the form of a shop's domain."""
        return SHOP.fullmatch(key) is not None

    def admin_page(self, key: str) -> str:
        """Return the address of the shop's pretend admin."""
        return f"{self.face.core.base_url}/shopify/{key}/admin"

    def app_market(self) -> str:
        """Return the address of the pretend app store."""
        return f"{self.face.core.base_url}/shopify/app-store"

    # Goods

    def variants(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/variants?sku=&cursor=``."""

        def work(context: Context) -> Any:
            rows = [doc for _, doc in context.state.variants_of[key]]
            if query.get("sku"):
                rows = [
                    doc
                    for doc in context.state.by_sku.get((key, query["sku"].casefold()), [])
                    if doc["sku"] == query["sku"]
                ]
            return _paged([_variant(context, doc) for doc in rows], query)

        return self._run(key, work)

    def put_variant(self, key: str, selector: Mapping[str, str], body: Doc) -> Answer:
        """``PUT /stores/{key}/variants?sku=`` or ``?id=``; answers the variant as it is now, ``{"deleted": true}`` when
        it is gone."""

        def work(context: Context) -> Any:
            variant = _chosen(context, selector)
            merchant.change_variant(context, variant, body)
            return {"deleted": True} if body.get("deleted") else _variant(context, variant)

        return self._run(key, work)

    def add_variant(self, key: str, body: Doc) -> Answer:
        """``POST /stores/{key}/variants``: a new product; answers its variant."""
        return self._run(key, lambda context: _variant(context, merchant.add_product(context, body)), 201)

    # Orders

    def orders(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/orders?reference=&cursor=``."""

        def work(context: Context) -> Any:
            rows = context.state.orders_of[key]
            if query.get("reference"):
                rows = context.state.by_source.get((key, query["reference"]), [])
            start = int(query.get("cursor") or 0)
            size = min(int(query.get("limit") or PAGE), 1000)
            cut = [_order(context, doc) for doc in rows[start : start + size]]
            return {"results": cut, "next": str(start + size) if start + size < len(rows) else None}

        return self._run(key, work)

    def order_action(self, key: str, order_id: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/orders/{id}/ship|cancel|refund``; the id as a gid or its number. Answers the order."""

        def work(context: Context) -> Any:
            order = context.order(order_id) or context.order(f"gid://shopify/Order/{order_id}")
            if order is None:
                raise Wrong("id", "there is no such order", 404)
            actions: dict[str, Callable[[Context, Doc, Doc], None]] = {
                "ship": merchant.ship,
                "cancel": merchant.cancel,
                "refund": merchant.refund,
            }
            if action not in actions:
                raise Wrong("action", f"must be one of {', '.join(actions)}", 404)
            actions[action](context, order, body)
            return _order(context, order)

        return self._run(key, work)

    # The shop itself

    def store_action(self, key: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/settings|compliance|revoke|uninstall``.

        ``settings`` ``{plan?, id_metafield?, bulk_operations?}``; ``compliance`` ``{topic, reference?}`` sends a
        compliance webhook to the
        app; ``revoke`` ends the app's tokens; ``uninstall`` takes the app off the shop.
        """

        def work(context: Context) -> Any:
            if action == "settings":
                merchant.settings(context, body)
            elif action == "compliance":
                return {"sent": self._comply(context, body)}
            elif action == "revoke":
                tokens.revoke(self.world, key)
            elif action == "uninstall":
                context.uninstall()
            else:
                raise Wrong("action", "must be one of settings, compliance, revoke, uninstall", 404)
            shop = context.shop_doc
            return {
                "plan": shop["plan"],
                "id_metafield": shop["idMetafield"],
                "bulk_operations": shop["bulkOperations"],
            }

        return self._run(key, work)

    def _comply(self, context: Context, body: Doc) -> str:
        topic = body.get("topic")
        if topic not in hooks.COMPLIANCE:
            raise Wrong("topic", f"must be one of {', '.join(hooks.COMPLIANCE)}")
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

    def _run(self, key: str, work: Callable[[Context], Any], status: int = 200) -> Answer:
        if not self.knows(key):
            return 404, {"error": "key: there is no such store", "field": "key"}
        context = self.face.context(key)
        context.by_merchant = True
        try:
            result = work(context)
        except Wrong as wrong:
            return wrong.status, {"error": str(wrong), "field": wrong.field}
        except ValueError:
            return 400, {"error": "cursor: is not one of ours", "field": "cursor"}
        self.face.finish(context)
        self.world.commit()
        return status, result


def _paged(rows: list[Doc], query: Mapping[str, str]) -> Doc:
    cut, following = page(rows, query.get("cursor", ""), PAGE)
    return {"results": cut, "next": following}


def _chosen(context: Context, selector: Mapping[str, str]) -> Doc:
    """Return the variant a selector names: by id, or by a SKU that is unique."""
    state = context.state
    if selector.get("id"):
        given = selector["id"]
        found = state.variants.get(given) or state.variants.get(f"gid://shopify/ProductVariant/{given}")
        if found is None or found["shop"] != context.shop:
            raise Wrong("id", "there is no such variant", 404)
        return found
    if not selector.get("sku"):
        raise Wrong("sku", "a sku or an id is needed")
    same = [
        doc for doc in state.by_sku.get((context.shop, selector["sku"].casefold()), []) if doc["sku"] == selector["sku"]
    ]
    if not same:
        raise Wrong("sku", "there is no such variant", 404)
    if len(same) > 1:
        raise Wrong("sku", f"{len(same)} variants have this SKU: choose by id", 409)
    return same[0]


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
