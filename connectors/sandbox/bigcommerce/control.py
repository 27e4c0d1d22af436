"""BigCommerce's stores as the control API drives them: what programs outside use to drive and to count."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.sandbox import catalog
from connectors.sandbox.bigcommerce import api, hooks, merchant, oauth, order_shapes, stock, tokens, totals
from connectors.sandbox.bigcommerce.face import BigCommerceFace, Context
from connectors.sandbox.bigcommerce.order_input import STATUSES
from connectors.sandbox.bigcommerce.state import PLANS, Doc, free, key_of
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.store_desk import StoreDesk

HASH = re.compile(r"[a-z0-9]{5,20}")


class BigCommerceControl(StoreDesk[Context]):
    """The pretend BigCommerce's side of ``/_control``."""

    platform = "bigcommerce"
    operations = (*api.OPERATIONS, *sorted(scope for scope in hooks.SCOPES if not scope.endswith("*")))
    plans = tuple(PLANS)
    usual_plan = "pro"
    key_form = HASH
    key_words = "must be 5 to 20 small letters and digits"
    merchant = merchant

    def __init__(self, face: BigCommerceFace) -> None:
        self.face = face

    # Stores

    def keys(self) -> list[str]:
        """Return the hashes of all stores."""
        return [store["hash"] for store in self.face.state.in_order()]

    def knows(self, key: str) -> bool:
        """Say whether there is a store of this hash."""
        return key in self.face.state.stores

    def admin_page(self, key: str) -> str:
        """Return the address of the store's pretend control panel."""
        return f"{self.face.core.base_url}/bigcommerce/store-{key}/manage"

    def app_market(self) -> str:
        """Return the address of the pretend app market."""
        return f"{self.face.core.base_url}/bigcommerce/apps"

    def make_store(self, key: str, name: str, like: str, plan: str) -> Doc:
        """Take in a store with the goods of another, the app installed; return the app's token."""
        self.face.state.add_store(key, name, like, plan)
        issued = self._install(key)
        self.face.core.world.commit()
        return issued

    def _install(self, key: str) -> Doc:
        """Let the app in; returns `{access_token, scope, user}`."""
        world, owner = self.face.core.world, self.face.state.stores[key]["users"][0]
        user = {name: owner[name] for name in ("id", "username", "email")}
        scope = " ".join(tokens.DEFAULT_SCOPES)
        return {"access_token": tokens.issue(world, key, scope, user), "scope": scope, "user": user}

    # What the desk asks for

    def open(self, key: str) -> Context:
        """Begin a piece of work in a store."""
        return self.face.context(key, by_merchant=True)

    def finish(self, context: Context) -> None:
        """End a piece of work: webhooks go out, the journal is written."""
        self.face.finish(context)
        self.face.core.world.commit()

    def variants_of(self, context: Context, sku: str) -> Sequence[Doc]:
        """Return the store's variants of this SKU, all for ""."""
        state = context.state
        return state.by_sku.get((context.hash, sku), []) if sku else state.variants_of[context.hash]

    def variant_of(self, context: Context, variant_id: str) -> Doc | None:
        """Return the store's variant of this number."""
        return context.state.variants.get(key_of(context.hash, variant_id))

    def orders_of(self, context: Context, reference: str) -> Sequence[Doc]:
        """Return the store's orders of this external id, all for ""."""
        state = context.state
        return state.by_reference.get((context.hash, reference), []) if reference else state.orders_of[context.hash]

    def order_of(self, context: Context, order_id: str) -> Doc | None:
        """Return the store's order of this number."""
        return context.state.orders.get(key_of(context.hash, order_id))

    def variant_view(self, context: Context, variant: Doc) -> Doc:
        """Return a variant in the control API's words."""
        return variant_view(context, variant)

    def order_view(self, context: Context, order: Doc) -> Doc:
        """Return an order in the control API's words."""
        return order_view(context, order)

    def act_on_store(self, context: Context, action: str, body: Doc) -> Doc:
        """``POST /stores/{key}/settings|revoke|uninstall|install|remove-user``.

        ``settings`` ``{plan?, tax_rate?, update_stock_behavior?, …}``; ``revoke`` ends the app's token; ``uninstall``
        takes the app off the store and calls the app; ``install`` agrees to the app and answers where BigCommerce sends
        the browser (``{callback}``); ``remove-user`` ``{user}`` takes a user's access to the app away.
        """
        key = context.hash
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
        "address": {name: text for name, text in doc["shipping"][0]["address"].items() if text},
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
