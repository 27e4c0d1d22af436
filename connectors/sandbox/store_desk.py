"""What the control API does with a store, whichever platform it is on (`platforms.StoreControl`).

A platform's own class says how things are found and shown there. Every method answers (HTTP status, JSON); wrong input
is a 400 that names the field, an unknown store, variant or order a 404.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from connectors.sandbox import catalog
from connectors.sandbox.control_input import only
from connectors.sandbox.platforms import Answer, Doc, Refusal
from connectors.sandbox.world import page

PAGE = 500
"""Rows of an answer, unless the caller wants another number of orders, at most `_MOST`."""
_MOST = 1000

Context = TypeVar("Context")
"""One piece of work in one store by the merchant's own hands."""
Hands = TypeVar("Hands", contravariant=True)


class Merchant(Protocol[Hands]):
    """What a merchant does by hand: a platform's module `merchant`. Wrong input raises `Refusal`."""

    def change_variant(self, context: Hands, variant: Doc, body: Doc, /) -> None: ...

    def add_product(self, context: Hands, body: Doc, /) -> Doc: ...

    def ship(self, context: Hands, order: Doc, body: Doc, /) -> None: ...

    def cancel(self, context: Hands, order: Doc, body: Doc, /) -> None: ...

    def refund(self, context: Hands, order: Doc, body: Doc, /) -> None: ...


class StoreDesk(ABC, Generic[Context]):
    """The stores of one platform, as the control API drives them."""

    platform: str
    operations: Sequence[str]
    plans: Sequence[str]
    usual_plan: str
    key_form: re.Pattern[str]
    key_words: str
    """What a refusal says of a key that does not have the form."""
    merchant: Merchant[Context]

    # ── what a platform says ─────────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def knows(self, key: str) -> bool:
        """Say whether there is a store of this key."""

    @abstractmethod
    def make_store(self, key: str, name: str, like: str, plan: str) -> Doc:
        """Take in a store with the goods of another, the app installed; return the app's tokens."""

    @abstractmethod
    def open(self, key: str) -> Context:
        """Begin a piece of work in a store."""

    @abstractmethod
    def finish(self, context: Context) -> None:
        """End a piece of work: webhooks go out, the journal is written."""

    @abstractmethod
    def variants_of(self, context: Context, sku: str) -> Sequence[Doc]:
        """Return the store's variants of this SKU, all for ""."""

    @abstractmethod
    def variant_of(self, context: Context, variant_id: str) -> Doc | None:
        """Return the store's variant of this id."""

    @abstractmethod
    def orders_of(self, context: Context, reference: str) -> Sequence[Doc]:
        """Return the store's orders of this marketplace order id, all for ""."""

    @abstractmethod
    def order_of(self, context: Context, order_id: str) -> Doc | None:
        """Return the store's order of this id."""

    @abstractmethod
    def variant_view(self, context: Context, variant: Doc) -> Doc:
        """Return a variant in the control API's words."""

    @abstractmethod
    def order_view(self, context: Context, order: Doc) -> Doc:
        """Return an order in the control API's words."""

    @abstractmethod
    def act_on_store(self, context: Context, action: str, body: Doc) -> Doc:
        """Do what only this platform has (`POST /stores/{key}/{action}`)."""

    # ── the calls ────────────────────────────────────────────────────────────────────────────────────────────────────

    def accepts(self, key: str) -> bool:
        """Say whether a key has the form this platform's keys have."""
        return self.key_form.fullmatch(key) is not None

    def add_shop(self, key: str, body: Doc) -> Answer:
        """``PUT /stores/{key}`` ``{name?, like?, plan?}``: a further store with another one's goods, the app installed;
        answers the app's tokens. For benches: it belongs to none of the demo's merchants."""

        def work() -> Doc:
            known = [store["key"] for store in catalog.stores(self.platform)]
            only(body, "name", "like", "plan")
            like, plan = str(body.get("like") or known[0]), str(body.get("plan") or self.usual_plan)
            name = str(body.get("name") or key)
            if not self.accepts(key):
                raise Refusal("key", self.key_words)
            if self.knows(key):
                raise Refusal("key", "there is such a store", 409)
            if like not in known:
                raise Refusal("like", f"must be one of {', '.join(known)}")
            if plan not in self.plans:
                raise Refusal("plan", f"must be one of {', '.join(self.plans)}")
            return {"key": key, "name": name, "tokens": self.make_store(key, name, like, plan)}

        return _answered(work, 201)

    def variants(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/variants?sku=&cursor=``."""

        def work(context: Context) -> Doc:
            cut, following = page(self.variants_of(context, query.get("sku", "")), query.get("cursor", ""), PAGE)
            return {"results": [self.variant_view(context, doc) for doc in cut], "next": following}

        return self._run(key, work)

    def put_variant(self, key: str, selector: Mapping[str, str], body: Doc) -> Answer:
        """``PUT /stores/{key}/variants?sku=`` or ``?id=``; answers the variant as it is now, ``{"deleted": true}`` when
        it is gone."""

        def work(context: Context) -> Doc:
            variant = self._chosen(context, selector)
            self.merchant.change_variant(context, variant, body)
            return {"deleted": True} if body.get("deleted") else self.variant_view(context, variant)

        return self._run(key, work)

    def _chosen(self, context: Context, selector: Mapping[str, str]) -> Doc:
        """Return the variant a selector names: by id, or by a SKU that is unique."""
        if selector.get("id"):
            found = self.variant_of(context, selector["id"])
            if found is None:
                raise Refusal("id", "there is no such variant", 404)
            return found
        if not selector.get("sku"):
            raise Refusal("sku", "a sku or an id is needed")
        same = self.variants_of(context, selector["sku"])
        if not same:
            raise Refusal("sku", "there is no such variant", 404)
        if len(same) > 1:
            raise Refusal("sku", f"{len(same)} variants have this SKU: choose by id", 409)
        return same[0]

    def add_variant(self, key: str, body: Doc) -> Answer:
        """``POST /stores/{key}/variants``: a new product; answers its variant."""
        return self._run(
            key, lambda context: self.variant_view(context, self.merchant.add_product(context, body)), status=201
        )

    def orders(self, key: str, query: Mapping[str, str]) -> Answer:
        """``GET /stores/{key}/orders?reference=&cursor=&limit=``."""

        def work(context: Context) -> Doc:
            size = min(int(query.get("limit") or PAGE), _MOST)
            cut, following = page(self.orders_of(context, query.get("reference", "")), query.get("cursor", ""), size)
            return {"results": [self.order_view(context, doc) for doc in cut], "next": following}

        return self._run(key, work)

    def order_action(self, key: str, order_id: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/orders/{id}/ship|cancel|refund``. Answers the order."""

        def work(context: Context) -> Doc:
            order = self.order_of(context, order_id)
            if order is None:
                raise Refusal("id", "there is no such order", 404)
            actions = {"ship": self.merchant.ship, "cancel": self.merchant.cancel, "refund": self.merchant.refund}
            if action not in actions:
                raise Refusal("action", f"must be one of {', '.join(actions)}", 404)
            actions[action](context, order, body)
            return self.order_view(context, order)

        return self._run(key, work)

    def store_action(self, key: str, action: str, body: Doc) -> Answer:
        """``POST /stores/{key}/{action}``: what only this platform has."""
        return self._run(key, lambda context: self.act_on_store(context, action, body))

    def _run(self, key: str, work: Callable[[Context], Doc], *, status: int = 200) -> Answer:
        def whole() -> Doc:
            if not self.knows(key):
                raise Refusal("key", "there is no such store", 404)
            context = self.open(key)
            result = work(context)
            self.finish(context)
            return result

        return _answered(whole, status)


def _answered(work: Callable[[], Any], status: int) -> Answer:
    try:
        return status, work()
    except Refusal as refusal:
        said = {"error": f"{refusal.field}: {refusal}", "field": refusal.field, "message": str(refusal)}
        return refusal.status, said
    except ValueError:
        # The only texts read as numbers here are a list's `cursor` and `limit`.
        return 400, {"error": "cursor: is not one of ours", "field": "cursor", "message": "is not one of ours"}
