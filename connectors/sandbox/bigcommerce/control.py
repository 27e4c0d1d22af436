"""The store's part of the control API (``platforms.StoreControl``): what programs outside use to drive and to count.

Each method answers (HTTP status, JSON); wrong input is a 400 naming the field, an unknown store or order a 404.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox import catalog
from connectors.sandbox.bigcommerce import api, hooks, merchant, oauth, order_shapes, stock, tokens, totals
from connectors.sandbox.bigcommerce.face import BigCommerceFace, Context
from connectors.sandbox.bigcommerce.order_input import STATUSES
from connectors.sandbox.bigcommerce.state import PLANS, Doc, free, key_of
from connectors.sandbox.platforms import Answer, Refusal
from connectors.sandbox.world import page

PAGE = 500
HASH = re.compile(r"[a-z0-9]{5,20}")


class BigCommerceControl:
    """The pretend BigCommerce's side of ``/_control``."""

    platform = "bigcommerce"
    operations = (*api.OPERATIONS, *sorted(scope for scope in hooks.SCOPES if not scope.endswith("*")))

    def __init__(self, face: BigCommerceFace) -> None:
        self.face = face

    # Stores

    def keys(self) -> list[str]:
        """Return the hashes of all stores."""
        return [store["hash"] for store in self.face.state.in_order()]

    def knows(self, key: str) -> bool:
        """Say whether there is a store of this hash."""
        return key in self.face.state.stores

    def accepts(self, key: str) -> bool:
        """Say whether a key has the form of a store hash."""
        return HASH.fullmatch(key) is not None

    def admin_page(self, key: str) -> str:
        """Return the address of the store's pretend control panel."""
        return f"{self.face.core.base_url}/bigcommerce/store-{key}/manage"

    def app_market(self) -> str:
        """Return the address of the pretend app market."""
        return f"{self.face.core.base_url}/bigcommerce/apps"

    def add_shop(self, key: str, body: Doc) -> Answer:
        """``PUT /stores/{key}`` ``{name?, like?, plan?}``: a further store with another one's goods, the app installed;
        answers its token. For benches: it belongs to none of the demo's merchants."""
        known = [store["key"] for store in catalog.stores("bigcommerce")]
        like, plan, name = (
            str(body.get("like") or known[0]),
            str(body.get("plan") or "pro"),
            str(body.get("name") or key),
        )
        unknown = sorted(set(body) - {"name", "like", "plan"})
        if unknown:
            return 400, _problem(unknown[0], "not known; known are name, like, plan")
        if not self.accepts(key):
            return 400, _problem("key", "must be 5 to 20 small letters and digits")
        if self.knows(key):
            return 409, _problem("key", "there is such a store")
        if like not in known:
            return 400, _problem("like", f"must be one of {', '.join(known)}")
        if plan not in PLANS:
            return 400, _problem("plan", f"must be one of {', '.join(PLANS)}")
        self.face.state.add_store(key, name, like, plan)
        issued = self._install(key)
        self.face.core.world.commit()
        return 201, {"key": key, "name": name, "tokens": issued}

    def _install(self, key: str) -> Doc:
        """Let the app in; returns `{access_token, scope, user}`."""
        world, owner = self.face.core.world, self.face.state.stores[key]["users"][0]
        user = {name: owner[name] for name in ("id", "username", "email")}
        scope = " ".join(tokens.DEFAULT_SCOPES)
        return {"access_token": tokens.issue(world, key, scope, user), "scope": scope, "user": user}

    # Goods

    def variants(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/variants?sku=&cursor=``."""

        def work(context: Context) -> Any:
            rows = context.state.variants_of[key]
            if query.get("sku"):
                rows = context.state.by_sku.get((key, query["sku"]), [])
            cut, following = page(rows, query.get("cursor", ""), PAGE)
            return {"results": [variant_view(context, doc) for doc in cut], "next": following}

        return self._run(key, work)

    def put_variant(self, key: str, selector: Mapping[str, str], body: Doc) -> Answer:
        """``PUT /stores/{key}/variants?sku=`` or ``?id=``; answers the variant as it is now, ``{"deleted": true}`` when
        it is gone. Beside the common fields: ``tracking`` (none, product, variant), ``minimum`` and ``maximum``."""

        def work(context: Context) -> Any:
            variant = _chosen(context, selector)
            merchant.change_variant(context, variant, body)
            return {"deleted": True} if body.get("deleted") else variant_view(context, variant)

        return self._run(key, work)

    def add_variant(self, key: str, body: Doc) -> Answer:
        """``POST /stores/{key}/variants``: a new product; answers its variant."""
        return self._run(key, lambda context: variant_view(context, merchant.add_product(context, body)), 201)

    # Orders

    def orders(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/orders?reference=&cursor=``."""

        def work(context: Context) -> Any:
            rows = context.state.orders_of[key]
            if query.get("reference"):
                rows = context.state.by_reference.get((key, query["reference"]), [])
            start, size = int(query.get("cursor") or 0), min(int(query.get("limit") or PAGE), 1000)
            cut = [order_view(context, doc) for doc in rows[start : start + size]]
            return {"results": cut, "next": str(start + size) if start + size < len(rows) else None}

        return self._run(key, work)

    def order_action(self, key: str, order_id: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/orders/{id}/ship|cancel|refund``. Answers the order."""

        def work(context: Context) -> Any:
            doc = context.state.orders.get(key_of(key, order_id))
            if doc is None:
                raise Refusal("id", "there is no such order", 404)
            actions: dict[str, Callable[[Context, Doc, Doc], None]] = {
                "ship": merchant.ship,
                "cancel": merchant.cancel,
                "refund": merchant.refund,
            }
            if action not in actions:
                raise Refusal("action", f"must be one of {', '.join(actions)}", 404)
            actions[action](context, doc, body)
            return order_view(context, doc)

        return self._run(key, work)

    # The store itself

    def store_action(self, key: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/settings|revoke|uninstall|install|remove-user``.

        ``settings`` ``{plan?, tax_rate?, update_stock_behavior?, …}``; ``revoke`` ends the app's token; ``uninstall``
        takes the app off the store and calls the app; ``install`` agrees to the app and answers where BigCommerce sends
        the browser (``{callback}``); ``remove-user`` ``{user}`` takes a user's access to the app away.
        """

        def work(context: Context) -> Any:
            if action == "settings":
                merchant.settings(context, body)
            elif action == "revoke":
                tokens.revoke(self.face.core.world, key)
            elif action == "uninstall":
                oauth.uninstall(self.face, key)
            elif action == "install":
                return {"callback": oauth.install_address(self.face, key)}
            elif action == "remove-user":
                user = oauth.user_named(context.store, str(body.get("user", "")))
                if user is None:
                    raise Refusal("user", f"must be one of {', '.join(str(u['id']) for u in context.store['users'])}")
                oauth.remove_user(self.face, key, user)
            else:
                raise Refusal("action", "must be one of settings, revoke, uninstall, install, remove-user", 404)
            return self._store_view(context)

        return self._run(key, work)

    def _store_view(self, context: Context) -> Doc:
        store = context.store
        return {
            "plan": store["plan"],
            "tax_rate": store["tax_rate"],
            **store["inventory"],
            "installed": tokens.installed(self.face.core.world, context.hash) is not None,
            "users": store["users"],
        }

    def addresses(self) -> Doc:
        """Return this platform's part of ``GET /endpoints``: {hash: url}, and where a code is exchanged."""
        base = self.face.core.base_url
        return {
            "login": f"{base}/bigcommerce/login",
            "app_store": self.app_market(),
            **{key: f"{base}/bigcommerce/stores/{key}" for key in self.keys()},
        }

    def client(self) -> Doc:
        """Return how a foreign client signs in: the app, and the tokens of the demo merchants' stores.

        A store's one token is shared by everybody who asks; where there is none (revoked, uninstalled, never
        installed), asking makes one. Its holders before stay without access.
        """
        given: Doc = {}
        for store in catalog.stores("bigcommerce"):
            key = store["key"]
            current = tokens.current(self.face.core.world, key)
            if current:
                held = self.face.core.world.table("bigcommerce_tokens")[current]
                given[key] = {"access_token": current, "scope": held["scope"], "user": held["user"]}
            elif store["merchant"]:
                given[key] = self._install(key)
        self.face.core.world.commit()
        own = {"client_id": self.face.client_id, "client_secret": self.face.client_secret, "app_id": self.face.app_id}
        return {**own, "tokens": given}

    def _run(self, key: str, work: Callable[[Context], Any], status: int = 200) -> Answer:
        if not self.knows(key):
            return 404, _problem("key", "there is no such store")
        context = self.face.context(key, by_merchant=True)
        try:
            result = work(context)
        except Refusal as refusal:
            return refusal.status, _problem(refusal.field, str(refusal))
        except ValueError:
            return 400, _problem("cursor", "is not one of ours")
        self.face.finish(context)
        self.face.core.world.commit()
        return status, result


def _problem(field: str, message: str) -> Doc:
    return {"error": f"{field}: {message}", "field": field, "message": message}


def _chosen(context: Context, selector: Mapping[str, str]) -> Doc:
    """Return the variant a selector names: by id, or by a SKU that is unique."""
    if selector.get("id"):
        found = context.state.variants.get(key_of(context.hash, selector["id"]))
        if found is None:
            raise Refusal("id", "there is no such variant", 404)
        return found
    if not selector.get("sku"):
        raise Refusal("sku", "a sku or an id is needed")
    same = context.state.by_sku.get((context.hash, selector["sku"]), [])
    if not same:
        raise Refusal("sku", "there is no such variant", 404)
    if len(same) > 1:
        raise Refusal("sku", f"{len(same)} variants have this SKU: choose by id", 409)
    return same[0]


def variant_view(context: Context, doc: Doc) -> Doc:
    """Return a variant in the control API's words."""
    product, counted = context.state.product_of(doc), context.state.stock_doc(doc)
    return {
        "id": str(doc["id"]),
        "product_id": str(product["id"]),
        "sku": doc["sku"],
        "product_title": product["name"],
        "options": dict(doc["options"]),
        "tracked": product["inventory_tracking"] != "none",
        "tracking": product["inventory_tracking"],
        "policy": "deny",
        "price": totals.two(doc["price"]),
        "barcode": doc["upc"] or None,
        "status": "active" if product["is_visible"] else "hidden",
        "modifiers": [
            {
                "id": modifier["id"],
                "name": modifier["display_name"],
                "kind": "text" if modifier["type"] == "text" else "choice",
                "values": [value["label"] for value in modifier["values"]],
                "required": modifier["required"],
            }
            for modifier in product["modifiers"]
        ],
        "minimum": product["order_quantity_minimum"],
        "maximum": product["order_quantity_maximum"],
        "locations": [
            {
                "id": str(place["id"]),
                "name": place["label"],
                "available": free(counted["levels"].get(str(place["id"]), {"onhand": 0, "safety": 0})),
            }
            for place in context.state.locations_of[context.hash]
        ],
    }


def order_view(context: Context, doc: Doc) -> Doc:
    """Return an order in the control API's words."""
    labels = {str(place["id"]): place["label"] for place in context.state.locations_of[context.hash]}
    where = list(dict.fromkeys(labels.get(place, place) for line in doc["lines"] for place in line["taken"]))
    skus = {line["id"]: line["sku"] for line in doc["lines"]}
    email = doc["billing_address"]["email"] or doc["shipping"][0]["address"]["email"]
    return {
        "id": str(doc["id"]),
        "name": str(doc["id"]),
        "reference": doc["external_order_id"] or None,
        "created_at": doc["date_created"],
        "currency": doc["currency_code"],
        "total": totals.two(totals.of(doc)["total_inc_tax"]),
        "email": email,
        "tags": [],
        "note": doc["staff_notes"],
        "source": doc["texts"].get("external_source", ""),
        "status": STATUSES[doc["status_id"]],
        "status_id": doc["status_id"],
        "lines": [
            {
                "id": str(line["id"]),
                "sku": line["sku"],
                "title": line["name"],
                "quantity": line["quantity"],
                "price": totals.two(line["price"]["inc"]),
                "options": {row["display_name"]: row["display_value"] for row in line["product_options"]},
                "taken": sum(line["taken"].values()),
            }
            for line in doc["lines"]
        ],
        "location": where[0] if where else None,
        "locations": where,
        "shipments": [
            {
                "carrier": order_shapes.PROVIDERS.get(entry["shipping_provider"]) or entry["tracking_carrier"] or None,
                "tracking": entry["tracking_number"] or None,
                "lines": [
                    {"sku": skus[item["order_product_id"]], "quantity": item["quantity"]} for item in entry["items"]
                ],
            }
            for entry in doc["shipments"]
        ],
        "canceled": doc["status_id"] in (stock.CANCELED, stock.DECLINED),
        "archived": doc["is_deleted"],
        "refunds": [
            {
                "id": str(entry["id"]),
                "amount": totals.two(entry["amount"]),
                "lines": [
                    {"sku": skus[part["line"]], "quantity": part["quantity"]}
                    for part in entry["items"]
                    if part["type"] == "PRODUCT"
                ],
            }
            for entry in doc["refunds"]
        ],
    }
