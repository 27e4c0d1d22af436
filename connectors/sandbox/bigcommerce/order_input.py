"""Reading what a client sends of an order: field by field, refused in V2's words.

Sources: orders.v2 for the fields and their types, order_create_errors for the refusals of options and stock. The field
lists are closed: V2 refuses what it does not know and what cannot be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce.errors import Refused, invalid, missing
from connectors.sandbox.bigcommerce.state import Doc, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

STATUSES = (
    "Incomplete",
    "Pending",
    "Shipped",
    "Partially Shipped",
    "Refunded",
    "Cancelled",
    "Declined",
    "Awaiting Payment",
    "Awaiting Pickup",
    "Awaiting Shipment",
    "Completed",
    "Awaiting Fulfillment",
    "Manual Verification Required",
    "Disputed",
    "Partially Refunded",
)
"""The names of the statuses by id."""

ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country",
    "country_iso2",
    "phone",
    "email",
)
PAIRS = ("subtotal", "total", "shipping_cost", "handling_cost", "wrapping_cost")
"""Costs given with and without tax: one demands the other."""
_MONEY = frozenset(
    {f"{name}_{tail}" for name in PAIRS for tail in ("ex_tax", "inc_tax")}
    | {"base_handling_cost", "base_shipping_cost", "base_wrapping_cost", "discount_amount", "refunded_amount"}
)
TEXTS = {
    "customer_message": 65535,
    "staff_notes": 65535,
    "external_source": 255,
    "external_order_id": 255,
    "external_merchant_id": 255,
    "payment_method": 255,
    "ip_address": 45,
    "ip_address_v6": 45,
    "geoip_country": 255,
    "geoip_country_iso2": 2,
    "tax_provider_id": 255,
    "customer_locale": 255,
    "ebay_order_id": 255,
    "order_source": 255,
}
"""Texts of an order and how long they may be."""
_OTHERS = frozenset(
    {
        "billing_address",
        "shipping_addresses",
        "products",
        "consignments",
        "fees",
        "default_currency_code",
        "channel_id",
        "customer_id",
        "date_created",
        "status_id",
        "payment_provider_id",
        "items_shipped",
        "items_total",
        "order_is_digital",
        "is_deleted",
    }
)
WRITABLE = _MONEY | frozenset(TEXTS) | _OTHERS
_READ_ONLY = frozenset(
    [
        "id",
        "date_modified",
        "date_shipped",
        "cart_id",
        "status",
        "subtotal_tax",
        "shipping_cost_tax",
        "handling_cost_tax",
        "wrapping_cost_tax",
        "total_tax",
        "payment_status",
        "currency_id",
        "currency_code",
        "currency_exchange_rate",
        "default_currency_id",
        "coupon_discount",
        "store_default_currency_code",
        "shipping_address_count",
        "external_id",
        "coupons",
        "is_tax_inclusive_pricing",
    ]
)
COUNTRIES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "DE": "Germany",
    "FR": "France",
    "ES": "Spain",
    "IT": "Italy",
    "NL": "Netherlands",
    "BE": "Belgium",
    "AT": "Austria",
    "CH": "Switzerland",
    "SE": "Sweden",
    "DK": "Denmark",
    "NO": "Norway",
    "FI": "Finland",
    "PL": "Poland",
    "PT": "Portugal",
    "CZ": "Czech Republic",
    "AU": "Australia",
    "NZ": "New Zealand",
    "JP": "Japan",
    "MX": "Mexico",
    "BR": "Brazil",
    "IN": "India",
    "SG": "Singapore",
    "PR": "Puerto Rico",
    "LU": "Luxembourg",
    "GR": "Greece",
    "HK": "Hong Kong",
}
"""The country names the pretend store knows by code; a code it does not know stands for itself."""
_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
ISO_COUNTRIES = frozenset(_ISO_3166.split())
"""What orders.v2 and geography.v2 call a country: the two-letter codes of ISO 3166. Another makes its address invalid."""
SHORTEST_ZIP = 2
"""Characters a billing address's ZIP code must have; orders.v2 asks it of no shipping address."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_names(body: Any, allowed: frozenset[str]) -> Doc:
    """Return the body, an object with known writable fields only."""
    if not isinstance(body, dict):
        raise Refused(400, "The request body must be an object.")
    for name in body:
        if name in _READ_ONLY:
            raise Refused(
                400,
                f"The field '{name}' cannot be written to. Please remove it from your request before trying again.",
            )
        if name not in allowed:
            raise Refused(400, f"The field '{name}' is not supported by this resource.")
    return body


def amount(value: Any, field: str) -> Decimal:
    """Read an amount of money, not negative: a number, or a text as V2 takes both."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise invalid(field)
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        raise invalid(field) from None
    if not read.is_finite() or read < 0 or read > Decimal("1e9"):
        raise invalid(field)
    return read


def whole(value: Any, field: str, low: int = 0, high: int = 2**31) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(field)
    return value


def texts(body: Doc) -> Doc:
    """Read the order's plain texts that are given; null empties one."""
    made: Doc = {}
    for name, longest in TEXTS.items():
        if name in body:
            value = "" if body[name] is None else body[name]
            if not isinstance(value, str) or len(value) > longest:
                raise invalid(name)
            made[name] = value
    # BigCommerce gives it itself, whatever is sent.
    made.pop("order_source", None)
    return made


def money(body: Doc) -> dict[str, Decimal]:
    """Read the order's amounts that are given; one of a pair alone is refused."""
    made = {name: amount(body[name], name) for name in _MONEY if name in body}
    for name in PAIRS:
        pair = (f"{name}_ex_tax", f"{name}_inc_tax")
        if len(made.keys() & set(pair)) == 1:
            raise missing(next(part for part in pair if part not in made))
        if pair[0] in made and made[pair[1]] < made[pair[0]]:
            raise invalid(pair[1])
    return made


def address(value: Any, field: str, *, extra: tuple[str, ...] = ()) -> Doc:
    """Read an address; missing parts are empty, null is refused."""
    if not isinstance(value, dict):
        raise invalid(field)
    allowed = {*ADDRESS, "form_fields", *extra}
    made: Doc = {}
    for name, part in value.items():
        if name not in allowed:
            raise Refused(400, f"The field '{name}' is not supported by this resource.")
        if part is None:
            raise Refused(400, f"The field '{name}' does not allow null values.")
        if name != "form_fields" and (not isinstance(part, str) or len(part) > 255):
            raise invalid(name)
    for name in (*ADDRESS, *extra):
        made[name] = value.get(name, "")
    if not (made["first_name"] or made["last_name"] or made["company"]):
        raise invalid(field)
    code = made["country_iso2"]
    if code and code not in ISO_COUNTRIES:
        raise invalid(field)
    if not code:
        code = next((iso for iso, name in COUNTRIES.items() if name.casefold() == made["country"].casefold()), "")
        if not code:
            raise invalid(field)
        made["country_iso2"] = code
    made["country"] = made["country"] or COUNTRIES.get(code, code)
    if field == "billing_address" and len(made["zip"].strip()) < SHORTEST_ZIP:
        raise invalid(field)
    if made["email"] and not _EMAIL.fullmatch(made["email"]):
        raise invalid("email")
    return made


def common(context: Context, body: Doc) -> Doc:
    """Read status, customer and channel where they are given."""
    made: Doc = {}
    if "status_id" in body:
        made["status_id"] = whole(body["status_id"], "status_id", 0, len(STATUSES) - 1)
    if "customer_id" in body:
        made["customer_id"] = whole(body["customer_id"], "customer_id")
        if made["customer_id"] and key_of(context.hash, made["customer_id"]) not in context.state.customers:
            raise invalid("customer_id")
    if "channel_id" in body:
        made["channel_id"] = whole(body["channel_id"], "channel_id", 1)
        if made["channel_id"] not in {doc["id"] for doc in context.state.channels_of[context.hash]}:
            raise invalid("channel_id")
    if "payment_provider_id" in body:
        made["payment_provider_id"] = str(body["payment_provider_id"] or "")
    return made


def currency(context: Context, body: Doc) -> str:
    """Read the order's currency: the store's, or another the store sells in."""
    given = body.get("default_currency_code") or context.store["currency"]
    if given not in context.store["currencies"]:
        raise invalid("default_currency_code")
    return str(given)


def created_at(context: Context, body: Doc) -> str:
    """Read the date an order is to bear (for histories brought in); now when none is given."""
    from connectors.sandbox.bigcommerce.face import parse_time

    if not body.get("date_created"):
        return context.now
    moment = parse_time(str(body["date_created"]))
    if moment is None:
        raise invalid("date_created")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def fees(body: Doc) -> list[Doc]:
    """Read an order's fees."""
    given = body.get("fees") or []
    if not isinstance(given, list):
        raise invalid("fees")
    made = []
    for n, entry in enumerate(given, 1):
        if not isinstance(entry, Mapping) or entry.get("type", "custom_fee") != "custom_fee":
            raise invalid("fees")
        ex = amount(entry.get("cost_ex_tax", entry.get("cost_inc_tax", 0)), "fees.cost_ex_tax")
        inc = amount(entry.get("cost_inc_tax", ex), "fees.cost_inc_tax")
        label = str(entry.get("display_name_customer") or "Fee")
        made.append(
            {
                "id": n,
                "type": "custom_fee",
                "display_name_customer": label,
                "display_name_merchant": str(entry.get("display_name_merchant") or label),
                "source": str(entry.get("source") or ""),
                "ex": str(ex),
                "inc": str(inc),
            }
        )
    return made
