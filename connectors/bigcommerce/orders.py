"""Making, finding and canceling a store's orders."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.bigcommerce import facts, limits, mapping, options
from connectors.bigcommerce.client import Client
from connectors.bigcommerce.config import PLATFORM, BigCommerceConfig
from connectors.bigcommerce.errors import CustomerRefused
from connectors.bigcommerce.facts import Facts
from connectors.contract.errors import (
    AddressRejected,
    NotFound,
    OptionsMissing,
    OutcomeUnknown,
    Rejected,
    TransientError,
)
from connectors.contract.types import CustomerMode, InventoryRule, StoreOrderDraft, StoreOrderFound

logger = logging.getLogger(__name__)

Json = Mapping[str, Any]

MOVES_STOCK = frozenset({2, 3, 10})
"""Statuses in which a store that moves stock on shipping has moved it: Shipped, Partially Shipped, Completed."""

NOT_FOR_NEW = frozenset({0, 3, 4, 5, 6, 13, 14})
"""Statuses no new order of ours may get: not a real order yet, or the end of one."""


class Orders:
    """The orders of one store. Thread-safe."""

    def __init__(self, client: Client, config: BigCommerceConfig, store_facts: Facts) -> None:
        self._client = client
        self._config = config
        self._facts = store_facts

    # ── create ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, draft: StoreOrderDraft) -> StoreOrderFound:
        """Create the order and return it; raises as `Storefront.create_order` says.

        It is sent once more in two cases, where the refusal says clearly that nothing was made: without the customer
        when only the customer was refused, and with the mandatory options filled when they were missing and the draft
        asks for it.
        """
        status = self._status(draft)
        currency = self._checked_currency(draft)
        customer = self._customer(draft)
        chosen: mapping.Options = {}
        filled = False
        while True:
            body = mapping.order_input(
                draft,
                status_id=status,
                app_id=self._config.app_id,
                customer_id=customer,
                store_currency=currency,
                options=chosen,
            )
            try:
                made = self._found(self._client.create_order(body))
                return replace(made, key=draft.key, left_out=mapping.left_out(draft, customer))
            except CustomerRefused:
                if not customer:
                    raise
                logger.warning("the store refused the customer; the order becomes a guest's", extra=self._where())
                customer = 0
            except AddressRejected as refused:
                if not (seen := mapping.oddities(draft)):
                    raise
                # BigCommerce says which address, not what of it: what we see wrong is said beside its own words.
                raise AddressRejected(
                    refused.message,
                    code=refused.code,
                    fields=[*refused.fields, *seen],
                    texts=[*refused.texts, *seen.values()],
                    platform=PLATFORM,
                    operation=refused.operation,
                    status=refused.status,
                ) from refused
            except OptionsMissing as missing:
                if filled or not draft.fill_options:
                    raise
                chosen, filled = self._fill(draft, missing), True

    def _status(self, draft: StoreOrderDraft) -> int:
        """Return the status of the new order. One that shall leave stock alone gets none that moves it (MECHANISMS 5).

        Raises `Rejected`: STOCK_WOULD_MOVE when the store takes stock for every order that is placed, STATUS when the
        status asked for is not one a new order may have.
        """
        wanted = mapping.SHIPPED if draft.fulfilled else mapping.AWAITING_SHIPMENT
        if draft.status_id:
            wanted = mapping.number(draft.status_id)
            if wanted in NOT_FOR_NEW:
                raise self._rejected("A new order cannot have this status", "STATUS")
        if draft.inventory is not InventoryRule.NONE:
            return wanted
        if self._facts.stock_rule().behavior != facts.SHIPPED:
            raise self._rejected(
                "This order must not take stock, but the store takes stock for every order that is placed. Set 'Update"
                " stock levels' to 'when an order is completed or shipped' in the store's inventory settings, or leave"
                " the order out of the store.",
                "STOCK_WOULD_MOVE",
            )
        return mapping.AWAITING_SHIPMENT if wanted in MOVES_STOCK else wanted

    def _checked_currency(self, draft: StoreOrderDraft) -> str:
        """Return the store's own currency. Raises `Rejected` (CURRENCY) when it takes no orders in the draft's: there
        the order would become one of the same number in another currency."""
        own = self._facts.currency()
        if draft.currency != own and draft.currency not in self._facts.currencies():
            raise self._rejected(
                f"The store takes no orders in {draft.currency}; switch that currency on as a transactional one",
                "CURRENCY",
            )
        return own

    def _customer(self, draft: StoreOrderDraft) -> int:
        """Return the id of the customer the order belongs to, 0 for a guest.

        Nothing that goes wrong here has made an order, so that an unclear answer is no unknown outcome.
        """
        if draft.customer is CustomerMode.FIXED:
            return mapping.number(draft.customer_id)
        email = mapping.valid_email(draft.email)
        if draft.customer is not CustomerMode.BY_EMAIL or not email:
            return 0
        try:
            known = self._client.customers(email)
            made = known or self._client.create_customer(mapping.customer_input(draft, email))
        except OutcomeUnknown as error:
            raise TransientError(error.message, platform=PLATFORM, operation=error.operation) from error
        except Rejected as refused:
            logger.warning(
                "the store refused the customer; the order becomes a guest's",
                extra={**self._where(), "code": refused.code, "operation": refused.operation},
            )
            return 0
        return mapping.number(mapping.id_of(made[0], "id")) if made else 0

    def _fill(self, draft: StoreOrderDraft, missing: OptionsMissing) -> mapping.Options:
        """Return what fills the mandatory options of the draft's products. Raises `OptionsMissing` naming those left."""
        chosen: dict[str, list[dict[str, Any]]] = {}
        left: list[str] = []
        for product_id in dict.fromkeys(line.product_id for line in draft.lines if line.variant_id and line.product_id):
            filled, open_ones = options.fill(self._client.modifiers(product_id), draft.option_text)
            chosen[product_id] = filled
            left += open_ones
        if left or not any(chosen.values()):
            raise OptionsMissing(
                f"These options cannot be filled: {', '.join(left)}" if left else missing.message,
                code=missing.code,
                fields=left or missing.fields,
                texts=missing.texts,
                platform=PLATFORM,
                operation=missing.operation,
                status=missing.status,
            )
        return chosen

    # ── find ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def by_key(self, key: str, reference: str) -> list[StoreOrderFound]:
        """Return the orders that carry exactly our key, archived ones too: they were made."""
        return [found for found in self.by_reference(reference) if found.key == key]

    def by_reference(self, reference: str) -> list[StoreOrderFound]:
        """Return every order that carries exactly this marketplace order id, ours or another connector's."""
        if not reference:
            return []
        listed = self._client.orders({"external_order_id": reference})
        return [self._found(order) for order in listed if order.get("external_order_id") == reference]

    def get(self, order_id: str) -> StoreOrderFound | None:
        """Return the order, or None when it does not exist or was archived (BigCommerce's way of deleting)."""
        order = self._client.order(order_id)
        return self._found(order) if order is not None and not order.get("is_deleted") else None

    # ── cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def cancel(self, order_id: str, note: str) -> None:
        """Set the order to Cancelled; harmless when it is canceled already. Raises `NotFound`, `Rejected`."""
        order = self._client.order(order_id)
        if order is None or order.get("is_deleted"):
            raise NotFound(
                "The order is not in the store", code="NOT_FOUND", platform=PLATFORM, operation="updateOrder"
            )
        if order.get("status_id") == mapping.CANCELLED:
            return
        changes: dict[str, Any] = {"status_id": mapping.CANCELLED}
        if words := " ".join(note.split()):
            # Before our key's line, which stays where it was; the notes are written whole or not at all.
            changes["staff_notes"] = f"{words}\n{order.get('staff_notes') or ''}"[: limits.NOTES_MOST]
        self._client.update_order(order_id, changes)

    # ── small ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _found(self, order: Json) -> StoreOrderFound:
        return mapping.order_found(order, admin_url=self._config.admin_url(self._client.store_hash))

    def found(self, order: Json) -> StoreOrderFound:
        """Return an order somebody else read."""
        return self._found(order)

    def search(self, references: Sequence[str]) -> dict[str, tuple[StoreOrderFound, ...]]:
        """Return, for each marketplace order id, every order that carries it. BigCommerce takes one a call."""
        return {reference: tuple(self.by_reference(reference)) for reference in dict.fromkeys(references)}

    def _where(self) -> dict[str, Any]:
        return {"platform": PLATFORM, "account": self._client.store_hash}

    def _rejected(self, words: str, code: str) -> Rejected:
        return Rejected(words, code=code, platform=PLATFORM, operation="createOrder")
