"""One request's view of a pretend shop: its data, the time, and what it must tell others once its work is done."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeGuard

from connectors.sandbox.shopify import access, payloads, payloads_shop, tokens, totals
from connectors.sandbox.shopify.state import APP_ID, DEFINITIONS, INSTALLS, ORDERS, Doc, State, level_doc

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Event = tuple[str, Callable[[], Doc]]


class Context:
    """What resolvers, pages and the control API work with; made for one request and one shop.

    ``events`` collects (topic, payload maker) while the work is done; the caller hands them to ``hooks.send``
    afterwards, so that a
    payload is only made when somebody subscribed to its topic.
    """

    state: State
    world: World
    shop: str
    app_id = APP_ID
    app_name = "Salestio"
    field_resolver: Any = None

    def __init__(
        self, state: State, shop: str, *, scopes: frozenset[str] = frozenset(), base_url: str = "", client_id: str = ""
    ) -> None:
        self.state = state
        self.world = state.world
        self.shop = shop
        self.scopes = scopes
        self.base_url = base_url
        self.client_id = client_id
        self.now: str = state.now()
        self.instant: float = time.time()
        self.events: list[Event] = []
        self.by_merchant = False
        self.search_lag: float = 0.0
        self.lag_on_identifier = False
        self.hidden_orders: list[str] = []
        self.struck: set[str] = set()
        self.search_warnings: list[Doc] = []
        self.after: list[Callable[[], None]] = []
        self.told_levels: set[str] = set()
        self._done: dict[Any, tuple[Any, Exception | None]] = {}

    @cached_property
    def shop_doc(self) -> Doc:
        """The shop's own document."""
        return self.state.shops[self.shop]

    @property
    def installation(self) -> Doc:
        """The app's installation in this shop."""
        granted = self.world.table(INSTALLS).get(self.shop, {}).get("scopes", sorted(self.scopes))
        return {"__typename": "AppInstallation", "shop": self.shop, "scopes": granted}

    # What the app may do

    def need(self, parent: str, field: str) -> None:
        """Raise the GraphQL error ACCESS_DENIED when the app lacks the scopes a field needs; ``parent`` is the type
        asked."""
        access.need(self.scopes, field)

    def warn(self, path: str, query: str | None, warnings: list[Doc]) -> None:
        """Note search fields the shop ignored; they leave in ``extensions.search``."""
        if warnings:
            self.search_warnings.append({"path": [path], "query": query, "warnings": warnings})

    def definition(self, owner: str, namespace: str, key: str) -> Doc | None:
        """Return the shop's metafield definition of that name."""
        return self.world.table(DEFINITIONS).get(f"{self.shop}|{owner}|{namespace}|{key}")

    def uninstall(self) -> Doc:
        """``appUninstall``: done once the answer is made."""
        self.after.append(lambda: tokens.uninstall(self))
        return {"app": {"__typename": "App", "id": f"gid://shopify/App/{APP_ID}"}, "userErrors": []}

    def once(self, place: Any, work: Callable[[], Any]) -> Any:
        """Do a mutation's work, or say again what came of it: the answer a plan began may be ended by graphql-core."""
        if place not in self._done:
            try:
                self._done[place] = (work(), None)
            except Exception as error:
                self._done[place] = (None, error)
        made, failed = self._done[place]
        if failed is not None:
            raise failed
        return made

    # Telling others

    def tell(self, topic: str, make: Callable[[], Doc]) -> None:
        """Queue a webhook of a topic (the GraphQL enum name)."""
        self.events.append((topic, make))

    def tell_stock(self, level: Doc) -> None:
        """Queue ``inventory_levels/update``, once a level and request."""
        if level["id"] not in self.told_levels:
            self.told_levels.add(level["id"])
            self.tell("INVENTORY_LEVELS_UPDATE", lambda: payloads_shop.inventory_level(level))

    def record(self, kind: str, reference: str | None, object_id: str, body: Doc) -> None:
        """Add to the sandbox's record of accepted writes; ``reference`` is the marketplace's order id where there is
        one.

        What the merchant does by hand in the admin (``by_merchant``) is no write of a client and is left out.
        """
        if self.by_merchant:
            return
        self.world.record("shopify", self.shop, kind, reference, object_id, body)

    # Reading

    def order(self, global_id: str | None) -> Doc | None:
        """Return an order of this shop by its gid."""
        doc = self.state.orders.get(global_id or "")
        return doc if doc is not None and doc["shop"] == self.shop else None

    def owner(self, part_id: str) -> Doc | None:
        """Return the order of this shop that holds a nested object (line, fulfillment order, fulfillment, refund)."""
        order = self.state.order_parts.get(part_id)
        return order if order is not None and order["shop"] == self.shop else None

    def marketplace_ships(self, reference: str | None) -> bool:
        """Say whether a pretend marketplace ships the order of this id from its warehouse (then the store's stock is
        not sold)."""
        return any(ships(reference) for ships in self.world.warehouses) if reference else False

    # Making parts of an order

    def metafield(self, owner: str, namespace: str, key: str, kind: str, value: str) -> Doc:
        """Return a new metafield."""
        return {
            "__typename": "Metafield",
            "id": self.state.new_id("Metafield"),
            "ownerType": owner,
            "namespace": namespace,
            "key": key,
            "type": kind,
            "value": value,
            "createdAt": self.now,
            "updatedAt": self.now,
        }

    def set_metafields(self, order: Doc, fields: list[tuple[int, Doc]]) -> None:
        """Put metafields on an order, replacing those of the same name, and keep the unique index right."""
        for _, field in fields:
            name = (field["namespace"], field["key"])
            index = self.state.by_custom_id
            for old in [f for f in order["metafields"] if (f["namespace"], f["key"]) == name]:
                order["metafields"].remove(old)
                if index.get((self.shop, *name, old["value"])) is order:
                    del index[self.shop, *name, old["value"]]
            order["metafields"].append(field)
            if field["type"] == "id":
                index[self.shop, *name, field["value"]] = order

    def new_level(self, item: str, place: str) -> Doc:
        """Stock an item at a location where it was not stocked, at zero."""
        level = level_doc(self.shop, item, place, 0, self.now)
        self.state.levels_of[item][place] = level
        return level

    def fulfillment_order(self, order: Doc, place: str) -> Doc:
        """Return a new open fulfillment order at a location, without lines."""
        return {
            "__typename": "FulfillmentOrder",
            "id": self.state.new_id("FulfillmentOrder"),
            "location": place,
            "status": "OPEN",
            "createdAt": self.now,
            "updatedAt": self.now,
            "lines": [],
            "order": order["id"],
        }

    def fulfillment_order_line(self, line: Doc, variant: Doc | None, units: int, claimed: int) -> Doc:
        """Return a fulfillment order's line: how many units of an order line are to leave from that location, and how
        many it claimed."""
        return {
            "__typename": "FulfillmentOrderLineItem",
            "id": self.state.new_id("FulfillmentOrderLineItem"),
            "line": line["id"],
            "variant": line["variant"],
            "item": variant["item"] if variant else None,
            "total": units,
            "remaining": units,
            "claimed": claimed,
        }

    def fulfillment(
        self,
        order: Doc,
        parts: list[tuple[Doc, list[tuple[Doc, int]]]],
        place: str,
        tracking: list[Doc],
        *,
        quiet: bool = False,
    ) -> Doc:
        """Ship units: ``parts`` are (fulfillment order, [(its line, units)]). Returns the new fulfillment.

        ``quiet`` leaves out the webhooks and the write record: an order that was shipped before it was created.
        """
        from connectors.sandbox.shopify import stock

        lines = []
        for fulfillment_order, chosen in parts:
            for line, units in chosen:
                stock.ship(self, fulfillment_order, line, units)
                lines.append({"id": self.state.new_id("FulfillmentLineItem"), "line": line["line"], "quantity": units})
            _settle(fulfillment_order, self.now)
        doc = {
            "__typename": "Fulfillment",
            "id": self.state.new_id("Fulfillment"),
            "order": order["id"],
            "name": f"{order.get('name', '')}.{len(order['fulfillments']) + 1}",
            "fulfillmentOrders": [fulfillment_order["id"] for fulfillment_order, _ in parts],
            "location": place,
            "status": "SUCCESS",
            "tracking": tracking,
            "lines": lines,
            "createdAt": self.now,
            "updatedAt": self.now,
        }
        order["fulfillments"].append(doc)
        self.state.order_parts[doc["id"]] = order
        if not quiet:
            self._shipped(order, doc)
        return doc

    def _shipped(self, order: Doc, doc: Doc) -> None:
        before = order["displayFulfillmentStatus"]
        order["displayFulfillmentStatus"] = totals.fulfillment_status(order)
        self.saved(order)
        first = doc["tracking"][0] if doc["tracking"] else {}
        body = {
            "fulfillment": doc["id"],
            "carrier": first.get("company"),
            "tracking": [entry["number"] for entry in doc["tracking"]],
            "lines": [{"line": part["line"], "quantity": part["quantity"]} for part in doc["lines"]],
        }
        self.record("order.ship", order["sourceIdentifier"], order["id"], body)
        self.tell("FULFILLMENTS_CREATE", lambda: payloads.fulfillment(self, order, doc))
        if order["displayFulfillmentStatus"] == "FULFILLED" != before:
            self.tell("ORDERS_FULFILLED", lambda: payloads.order(self, order))
        elif order["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED":
            self.tell("ORDERS_PARTIALLY_FULFILLED", lambda: payloads.order(self, order))
        self.tell("ORDERS_UPDATED", lambda: payloads.order(self, order))

    def saved(self, order: Doc) -> None:
        """Save a changed order with its time."""
        order["updatedAt"] = self.now
        self.state.save(ORDERS, order)


def _settle(fulfillment_order: Doc, now: str) -> None:
    """Close a fulfillment order whose lines have all left; one shipped in part is in progress."""
    remaining = sum(line["remaining"] for line in fulfillment_order["lines"])
    fulfillment_order["status"] = "IN_PROGRESS" if remaining else "CLOSED"
    fulfillment_order["updatedAt"] = now


def never_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
    """Tell the executor that no value is awaitable: every resolver here is plain, and asking each value costs time."""
    return False


def line_of(order: Doc, line_id: str) -> Doc:
    """Return an order's line by its gid; raises KeyError when it has none such."""
    for line in order["lines"]:
        if line["id"] == line_id:
            found: Doc = line
            return found
    raise KeyError(line_id)


def as_json(value: Any) -> Any:
    """Return a value's plain JSON form (dicts, lists, strings, numbers), for hashing arguments."""
    if isinstance(value, dict):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
