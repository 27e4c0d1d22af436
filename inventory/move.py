"""An order was placed elsewhere than at the merchant's default warehouse: ask the store to move it (MECHANISMS 6).

An outbox handler. Until it is done the units stay subtracted at the default warehouse. What the store refuses, or what
fails three times, becomes a task for the merchant, and the reservation follows the store.
"""

from __future__ import annotations

from accounts import connections
from accounts.models import Store
from connectors.contract.errors import ConnectorError, Rejected
from connectors.contract.storefront import MovesOrders
from inventory import placing, watching
from inventory.models import Location
from salestio import routes, tenancy
from salestio.outbox.models import OutboxRow

TRIES = 3
HANDLER = "inventory.move.move_part"


def move_part(
    merchant_id: int,
    *,
    order_id: int,
    part_id: str,
    location_id: int,
    found_id: int,
    lines: list[list[int]],
    name: str = "",
) -> None:
    """Move that part of a store order to our location `location_id`; called outside any scope by the outbox.

    `lines` are [our variant, units]. Raises `ConnectorError` when it is worth another try. Repeating a move that was
    made does no harm.
    """
    with tenancy.scope(merchant_id):
        wanted, found = Location.objects.get(pk=location_id), Location.objects.get(pk=found_id)
        store = Store.objects.get(pk=wanted.store_id)
        tries = OutboxRow.objects.filter(handler=HANDLER, key=part_id, state="leased").values_list(
            "attempts", flat=True
        )
        last = max(tries, default=1) >= TRIES
    refusal = _ask(store, part_id, wanted, last=last)
    with tenancy.scope(merchant_id):
        variants = placing.decide(
            store_id=store.pk,
            order_id=order_id,
            location_id=wanted.pk,
            to_location_id=found.pk if refusal else wanted.pk,
            lines=[(variant_id, units) for variant_id, units in lines],
        )
        watching.read_soon(variants)
        if refusal:
            text = f"It is at {found.name} instead of {wanted.name}, and could not be moved: {refusal}"
            facts = {"order": name or part_id, "order_id": order_id, "text": text}
            # Where it is never otherwise, a task an order would bury the rest: one says it for the store.
            key = f"order:{order_id}" if part_id else f"store:{store.pk}:{found.pk}"
            routes.emit("alert.open", kind="misplaced", key=key, data=facts)


def _ask(store: Store, part_id: str, wanted: Location, *, last: bool) -> str:
    """Ask the store to move the part; return why it stays where it is, or an empty text when it was moved."""
    storefront = connections.storefront(store)
    if not isinstance(storefront, MovesOrders):
        return f"{store.name} cannot move orders."
    try:
        storefront.move_part(part_id, wanted.remote_id)
    except Rejected as no:
        return no.message or "the store refused."
    except ConnectorError as error:
        if not last:
            raise
        return error.message or "the store did not answer."
    return ""
