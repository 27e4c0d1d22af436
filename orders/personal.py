"""Buyers' personal data: sealed in a row of its own, found by keyed words, erased on its clock (MECHANISMS 13)."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from accounts import connections
from connectors.contract.types import Address, MarketplaceOrder, PersonalDetails
from orders.models import Buyer, BuyerRoute, Order
from salestio import tenancy
from salestio.lib.crypto import search_tokens

KEEP = timedelta(days=30)
MASK = "•••"
PERSONAL_FIELDS = frozenset(
    {
        "buyerName", "buyerEmail", "buyerCompanyName", "buyerPurchaseOrderNumber", "name", "companyName", "addressLine1",
        "addressLine2", "addressLine3", "postalCode", "phone", "giftMessage", "customizedUrl", "city", "extendedFields",
        "addressInstruction", "dropOffLocation", "legalName", "taxRegistrationNumber", "districtOrCounty", "municipality",
    }
)  # fmt: skip
"""Fields of raw payloads that support sees masked, Amazon's; the other connectors name their own."""


def delete_after(order: MarketplaceOrder) -> datetime:
    """Return when this buyer must be erased: delivery + 30 days, else the promised delivery + 30 days.

    With neither known, the order is taken as delivered 30 days after its purchase at the latest.
    """
    delivered = [parcel.delivered_at for parcel in order.parcels if parcel.delivered_at]
    if delivered and len(delivered) == len(order.parcels):
        return max(delivered) + KEEP
    if order.status.value == "canceled":
        return order.updated_at + KEEP
    promised = order.deliver_by or order.ship_by or order.purchased_at + timedelta(days=30)
    return promised + KEEP


def seal(details: PersonalDetails) -> bytes:
    """Return the details as encrypted JSON."""
    return settings.KEY_RING.seal(json.dumps(dataclasses.asdict(details), ensure_ascii=False))


def unseal(sealed: bytes | memoryview) -> PersonalDetails:
    """Return the details of a sealed blob. Raises `UnreadableSecret` when no key fits."""
    data = json.loads(settings.KEY_RING.open(bytes(sealed)))
    shipping = data.pop("shipping", None)
    return PersonalDetails(**data, shipping=Address(**shipping) if shipping else None)


def merged(known: PersonalDetails, told: PersonalDetails) -> PersonalDetails:
    """Return what is told now, with what was known before wherever nothing is told any more."""
    kept = {
        field.name: getattr(known, field.name)
        for field in dataclasses.fields(PersonalDetails)
        if not getattr(told, field.name)
    }
    return dataclasses.replace(told, **(kept | {"shipping": _merged_address(known.shipping, told.shipping)}))


def _merged_address(known: Address | None, told: Address | None) -> Address | None:
    """Return the address told now; what it lacks of the same place stands as it was known, and never two places mixed."""
    if known is None or told is None:
        return told or known
    if not told.complete:
        return known if known.complete else told
    if (told.line1, told.postal_code) != (known.line1, known.postal_code):
        return told
    return dataclasses.replace(told, name=told.name or known.name, phone=told.phone or known.phone)


def seal_raw(raw: Mapping[str, Any]) -> bytes:
    """Return the marketplace's answer, encrypted; empty for none."""
    return settings.KEY_RING.seal(json.dumps(raw, ensure_ascii=False, default=str)) if raw else b""


def tokens(merchant_id: int, details: PersonalDetails) -> list[int]:
    """Return the keyed words under which this buyer can be found: name, company, e-mail, city and postal code."""
    texts = [details.buyer_name, details.buyer_email, details.buyer_company]
    if details.shipping:
        address = details.shipping
        texts += [address.name, address.company, address.postal_code, address.city, address.phone]
    return search_tokens(settings.SEARCH_KEY, merchant_id, [text for text in texts if text])


def words_searched(merchant_id: int, text: str) -> list[int]:
    """Return the keyed words of what a person typed; all of them must be on an order for it to be found."""
    return (
        search_tokens(settings.SEARCH_KEY, merchant_id, [text])
        if "@" not in text
        else search_tokens(settings.SEARCH_KEY, merchant_id, [text.strip()])
    )


def user_hash(platform: str, user: str) -> str:
    """Return the keyed hash under which a marketplace's user is found in every merchant's orders."""
    return hmac.new(settings.SEARCH_KEY.encode(), f"{platform}:{user.casefold()}".encode(), hashlib.sha256).hexdigest()


def keep_routes(platform: str, merchant_id: int, by_order: Mapping[int, PersonalDetails]) -> None:
    """Note which marketplace users these orders belong to, by hash, for requests to be forgotten."""
    BuyerRoute.objects.bulk_create(
        [
            BuyerRoute(
                platform=platform, merchant_ref=merchant_id, order_ref=order_id, user_hash=user_hash(platform, user)
            )
            for order_id, person in by_order.items()
            for user in person.buyer_ids
            if user
        ],
        ignore_conflicts=True,
    )


def details(order: Order) -> PersonalDetails | None:
    """Return the buyer of an order, or None when they were erased. Needs an open scope."""
    buyer = Buyer.objects.filter(order_id=order.pk).first()
    return unseal(buyer.sealed) if buyer else None


def masked(value: Any) -> Any:
    """Return a payload with every personal field masked, whatever it holds, for support."""
    if isinstance(value, Mapping):
        fields = PERSONAL_FIELDS | connections.personal_fields()
        return {key: _hidden(inner) if key in fields else masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def _hidden(value: Any) -> Any:
    """Return a personal value masked: its shape may be seen, none of its words."""
    if isinstance(value, Mapping):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return MASK if value not in ("", None) else value


def without(text: str, details: PersonalDetails | None) -> str:
    """Return a text of the store with the buyer's own words masked: what is kept of a refusal outlives the buyer's row."""
    if details is None:
        return text
    said = [details.buyer_name, details.buyer_email, details.buyer_company, details.purchase_order_number,
            details.buyer_notes, *(part for pairs in details.line_notes.values() for _, part in pairs)]  # fmt: skip
    if details.shipping:
        address = details.shipping
        said += [address.name, address.company, address.line1, address.line2, address.line3, address.city, address.district,
                 address.postal_code, address.phone]  # fmt: skip
    # The longest first, so that a name inside an address leaves no half of it; two letters name nobody.
    for word in sorted({word.strip() for word in said if len(word.strip()) > 2}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", MASK, text, flags=re.IGNORECASE)
    return text


def raw(order: Order) -> Any:
    """Return the marketplace's answer as support may see it, or None when it was erased. Needs an open scope."""
    buyer = Buyer.objects.filter(order_id=order.pk).first()
    if buyer is None or not buyer.raw_sealed:
        return None
    return masked(json.loads(settings.KEY_RING.open(bytes(buyer.raw_sealed))))


def erase(order_ids: Sequence[int], *, why: str) -> int:
    """Erase the buyers of these orders and their archives; the orders keep country and totals.

    Needs an open scope. Returns the count.
    """
    if not order_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH archives AS (DELETE FROM orders_archive WHERE order_id = ANY(%s)),
                    gone AS (DELETE FROM orders_buyer WHERE order_id = ANY(%s) RETURNING order_id)
               INSERT INTO orders_orderevent (merchant_id, order_id, at, stage, code, data, actor, attempt)
               SELECT %s, order_id, now(), 'person', 'BUYER_ERASED', jsonb_build_object('why', %s::text), '', 0 FROM gone""",
            [list(order_ids), list(order_ids), tenancy.current_merchant_id(), why],
        )
        erased = int(cursor.rowcount)
    BuyerRoute.objects.filter(order_ref__in=list(order_ids), merchant_ref=tenancy.current_merchant_id()).delete()
    return erased


def purge(merchant_id: int, *, at: datetime | None = None, batch: int = 500) -> int:
    """Erase every buyer of the merchant whose time has come, as of `at` (UTC, default now). Returns the count."""
    total = 0
    while True:
        with tenancy.scope(merchant_id):
            due = list(
                Buyer.objects.filter(delete_after__lte=at or now())
                .order_by("delete_after")
                .values_list("order_id", flat=True)[:batch]
            )
            total += erase(due, why="30 days after delivery")
        if len(due) < batch:
            return total


def on_erase(*, store_id: int, order_ids: Sequence[str] = (), email: str = "") -> None:
    """Act on a store's request to erase a customer: by the store's order ids, or by e-mail address. In a scope."""
    merchant_id = tenancy.current_merchant_id()
    found = list(
        Order.objects.filter(store_id=store_id, store_order_id__in=list(order_ids)).values_list("id", flat=True)
    )
    if email:
        words = words_searched(merchant_id, email)
        found += list(
            Buyer.objects.filter(tokens__contains=words, order__store_id=store_id).values_list("order_id", flat=True)
        )
    erase(sorted(set(found)), why="asked for by the customer")


def on_merchant_erase() -> None:
    """Erase all buyers of the merchant whose grace period after uninstalling has ended. In a scope."""
    erase(list(Buyer.objects.values_list("order_id", flat=True)), why="app removed")
