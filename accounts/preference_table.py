"""The table of every setting: where it may be set, what it may be, how it reads, and who reads what was typed for it.

`accounts/preferences.py` looks values up and writes them; nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import now

from accounts.platforms import MARKETPLACES
from salestio.lib.text import listed

GENERAL, STORE, ACCOUNT = "general", "store", "account"

ORDER_TYPES = (
    ("merchant", "Orders you ship{fbm}"),
    ("marketplace", "Orders {shipper} ships{fba}"),
    ("both", "Both"),
)
EMAIL_MODES = (
    ("in_order", "In the order"),
    ("none", "No email"),
    ("selected", "With selected email"),
    ("domain", "With selected custom domain"),
    ("domain_and_order", "With selected custom domain and order id"),
)
TAX_MODES = (
    ("included", "Tax included: the total is what the buyer paid"),
    ("exclude", "Exclude tax: prices and total without it, the amount is told beside"),
    ("hide", "Hide tax: prices and total without it, and no word of it"),
    ("custom", "Custom percentage: the price is taken to hold this much tax"),
)
CUSTOMER_MODES = (
    ("guest", "Guest: no customer record is made"),
    ("by_email", "The customer with the order's e-mail address, made if there is none"),
    ("fixed", "One customer for all orders"),
)
WITHHELD = (
    ("placeholder", "Create the order with “Address withheld by {marketplace}”"),
    ("hold", "Hold it until you enter the address"),
)
TAG_LENGTH = 39
"""Shopify refuses tags of 40 characters and more (stores.md 1.2)."""


# ── reading a value somebody typed or sent ───────────────────────────────────────────────────────────────────────────

_DOMAIN = re.compile(r"(?=.{4,190}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
_EMAIL = EmailValidator()


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("on", "true", "1", "yes"):
        return True
    if isinstance(value, str) and value.lower() in ("off", "false", "0", "no", ""):
        return False
    raise ValueError("Use true or false")


def _one_of(choices: Sequence[tuple[str, str]]) -> Callable[[Any], str]:
    allowed = [code for code, _ in choices]

    def read_choice(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"Use one of {', '.join(allowed)}")
        return str(value)

    return read_choice


def _text(limit: int) -> Callable[[Any], str]:
    def read_text(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("Use a text")
        text = value.strip()
        if len(text) > limit:
            raise ValueError(f"Use {limit} characters or fewer")
        if any(ord(sign) < 32 for sign in text):
            raise ValueError("Use one line without control characters")
        return text

    return read_text


def _email(value: Any) -> str:
    text = _text(254)(value)
    if text:
        try:
            _EMAIL(text)
        except ValidationError:
            raise ValueError("Use an e-mail address such as orders@example.com") from None
    return text


def _domain(value: Any) -> str:
    text = _text(190)(value).removeprefix("@").lower()
    if text and not _DOMAIN.fullmatch(text):
        raise ValueError("Use a domain such as orders.example.com")
    return text


def _tags(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("Use a list of texts")
    tags = list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    if any(ord(sign) < 32 for tag in tags for sign in tag):
        raise ValueError("Use tags without control characters")
    too_long = [tag for tag in tags if len(tag) > TAG_LENGTH]
    if too_long:
        raise ValueError(f"Use {TAG_LENGTH} characters or fewer a tag: {too_long[0]}")
    if any("," in tag for tag in tags):
        raise ValueError("A tag cannot hold a comma")
    if len(tags) > 20:
        raise ValueError("Use 20 tags or fewer")
    return tags


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        moment: datetime | None = value
    elif isinstance(value, str):
        try:
            moment = parse_datetime(value)
            day = parse_date(value) if moment is None else None
        except ValueError:
            moment = day = None
        if moment is None and day is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    else:
        moment = None
    if moment is None:
        raise ValueError("Use a date such as 2026-11-21, or a time such as 2026-11-21T09:00:00Z")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment > now() + timedelta(days=366):
        raise ValueError("Use a date within the next year")
    return moment.astimezone(UTC)


def _percent(value: Any) -> str:
    """Return a percentage from 0 to 100 with up to three decimals, as text: JSON would make a float of it."""
    try:
        percent = Decimal(str(value).strip().removesuffix("%").strip() or "0")
    except InvalidOperation:
        raise ValueError("Use a percentage such as 19 or 7.5") from None
    if isinstance(value, bool) or not percent.is_finite() or not 0 <= percent <= 100:
        raise ValueError("Use a percentage from 0 to 100")
    if percent != percent.quantize(Decimal("0.001")):
        raise ValueError("Use three decimals or fewer")
    return f"{percent.normalize():f}"


def _customer_id(value: Any) -> str:
    """Return a store's customer id: its number, out of an address or a longer id that ends in it."""
    text = _text(190)(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    number = text.rstrip("/").rpartition("/")[2]
    if text and not (number.isascii() and number.isdigit()):
        raise ValueError("Use the customer's number, or the address of their page in your store")
    return number


def _status(value: Any) -> str:
    text = _text(20)(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if not text:
        raise ValueError("Use one of the store's order statuses")
    return text


def _warning_days(value: Any) -> str:
    """Return one or two numbers of days, the longer first, as "14, 3"."""
    parts = value if isinstance(value, list) else str(value).replace(";", ",").split(",")
    try:
        days = sorted({int(str(part).strip()) for part in parts if str(part).strip()}, reverse=True)
    except ValueError:
        raise ValueError("Use one or two numbers of days from 1 to 30, such as 14, 3") from None
    if not 1 <= len(days) <= 2 or not all(1 <= day <= 30 for day in days):
        raise ValueError("Use one or two numbers of days from 1 to 30, such as 14, 3")
    return ", ".join(str(day) for day in days)


def _location(value: Any) -> int | None:
    if value in (None, "", "none"):
        return None
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdigit())):
        raise ValueError("Use the id of a location, or nothing")
    return int(value)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Preference:
    """One setting: where it may be set, what it may be, and how it reads on the page. `feature` is its F number."""

    name: str
    kind: str
    """switch, choice, text, email, domain, tags, moment, location, percent, customer or status."""
    default: Any
    scopes: tuple[str, ...]
    label: str
    help: str
    read: Callable[[Any], Any]
    group: str
    feature: str
    choices: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    """The platforms of stores or accounts it is for; empty: all. General shows it always."""
    platform_defaults: Mapping[str, Any] = field(default_factory=dict)
    """Platform → its default there, where it differs."""


_BOTH = (GENERAL, ACCOUNT)
AWAITING_SHIPMENT = "9"
"""BigCommerce's own number of the status *Awaiting Shipment*."""

ALL = (
    Preference(
        "import_orders", "switch", True, _BOTH, "Import {marketplace} orders to {storefront}",
        "Off: orders are still imported into Orders, but not created in your store. Export by hand works.",
        _switch, "Orders", "F17",
    ),
    Preference(
        "order_type", "choice", "merchant", _BOTH, "Import {marketplace} orders type",
        "Which orders are created in your store. All are shown under Orders. Those {shipper} ships never touch your stock.",
        _one_of(ORDER_TYPES), "Orders", "F18", ORDER_TYPES, platforms=("amazon", "ebay"),
    ),
    Preference(
        "orders_from", "moment", None, (ACCOUNT,), "Create orders from",
        "Orders bought before this moment (UTC) are not imported by themselves. At first the time you connected.",
        _moment, "Orders", "F10",
    ),
    Preference(
        "export_order_id", "switch", True, _BOTH, "Export order id to {storefront}",
        "On: the marketplace's order id is the store order's name. Off: your store numbers it; the id is in its note.",
        _switch, "Store orders", "F67",
    ),
    Preference(
        "order_id_prefix", "text", "", _BOTH, "Order name prefix",
        "Put before the marketplace's order id, for example AMZ-.", _text(20), "Store orders", "F67",
    ),
    Preference(
        "order_id_prefix_fba", "text", "", _BOTH, "Prefix of FBA orders",
        "Instead of the prefix above, where Amazon ships.", _text(20), "Store orders", "F67", platforms=("amazon",),
    ),
    Preference(
        "order_id_prefix_prime", "text", "", _BOTH, "Prefix of Prime orders",
        "Instead of the prefix above, for Prime orders you ship.", _text(20), "Store orders", "F67",
        platforms=("amazon",),
    ),
    Preference(
        "order_id_prefix_b2b", "text", "", _BOTH, "Prefix of business orders",
        "Instead of the prefix above, for Amazon Business orders.", _text(20), "Store orders", "F67",
        platforms=("amazon",),
    ),
    Preference(
        "tags", "tags", [], _BOTH, "Order tags",
        f"Separated by commas, up to {TAG_LENGTH} characters each.", _tags, "Store orders", "F68",
    ),
    Preference(
        "tag_platform", "switch", True, _BOTH, "Tag with the marketplace", f"{listed(list(MARKETPLACES.values()), last='or')}.",
        _switch, "Store orders", "F68",
    ),
    Preference(
        "tag_account", "switch", True, _BOTH, "Tag with the account's name", "As it stands under Accounts.",
        _switch, "Store orders", "F68",
    ),
    Preference(
        "tag_fulfillment", "switch", True, _BOTH, "Tag with who ships", "FBA or FBM, on Amazon orders.",
        _switch, "Store orders", "F68", platforms=("amazon",),
    ),
    Preference(
        "store_confirmations", "switch", False, _BOTH, "Let {storefront} mail the buyer",
        "Off: {storefront} sends no order confirmation to marketplace buyers; the marketplace has sent one already.",
        _switch, "Store orders", "F73",
    ),
    Preference(
        "withheld_address", "choice", "placeholder", (ACCOUNT,), "Orders whose address {marketplace} withholds",
        "{marketplace} tells some apps no delivery addresses. The order's note says where to find it.",
        _one_of(WITHHELD), "Store orders", "F27", WITHHELD, platforms=("etsy",),
    ),
    Preference(
        "convert_currency", "switch", False, _BOTH, "Convert orders to default shop currency",
        "Off: store orders keep the currency the buyer paid in. On: the total is converted once, at the official rate "
        "of the purchase date; rate and original total stand in the store order. Without a rate the order is held.",
        _switch, "Money", "F142",
    ),
    Preference(
        "tax_mode", "choice", "included", _BOTH, "Tax",
        "How the tax the marketplace states stands in the store order.",
        _one_of(TAX_MODES), "Money", "F144", TAX_MODES,
    ),
    Preference(
        "tax_percent", "percent", "0", _BOTH, "Custom percentage",
        "Used with “Custom percentage”. Tax that the marketplace pays over itself is never counted as yours.",
        _percent, "Money", "F144",
    ),
    Preference(
        "customer_mode", "choice", "guest", _BOTH, "Customer",
        "Whose the store order is. Nobody is ever subscribed to marketing.",
        _one_of(CUSTOMER_MODES), "Customer", "F72", CUSTOMER_MODES,
    ),
    Preference(
        "customer_id", "customer", "", _BOTH, "Customer's number",
        "Used with “One customer for all orders”: the number at the end of the customer's address in {storefront}.",
        _customer_id, "Customer", "F72",
    ),
    Preference(
        "customer_email_mode", "choice", "in_order", _BOTH, "Customer e-mail",
        "Which address the store order gets.", _one_of(EMAIL_MODES), "Customer e-mail", "F147", EMAIL_MODES,
    ),
    Preference(
        "customer_email_address", "email", "", _BOTH, "Selected email",
        "Used with “With selected email”.", _email, "Customer e-mail", "F147",
    ),
    Preference(
        "customer_email_domain", "domain", "", _BOTH, "Custom domain",
        "Used with the two custom domain choices.", _domain, "Customer e-mail", "F147",
    ),
    Preference(
        "conflict_guard", "switch", True, _BOTH, "Look for orders another app made",
        "Before the first orders are created, your store is searched for the same marketplace order ids.",
        _switch, "Safety", "F11",
    ),
    Preference(
        "adopt_existing", "switch", False, _BOTH, "Adopt existing order",
        "On: an order another app made is taken over instead of held. No second one is created either way.",
        _switch, "Safety", "F11",
    ),
    Preference(
        "read_only", "switch", False, (GENERAL, STORE, ACCOUNT), "Read-only mode",
        "On: orders and stock are read, but nothing is sent. What would be sent waits and is listed; it goes on when you "
        "switch this off.",
        _switch, "Safety", "F13",
    ),
    Preference(
        "token_warning_days", "text", "14, 3", (GENERAL,), "Warn before a connection ends",
        "How many days before, one or two numbers from 1 to 30. A banner shows it and a mail goes out at each. "
        "Connections without an end are left alone.",
        _warning_days, "Connections", "F7",
    ),
    Preference(
        "mail_account_expired", "switch", False, (GENERAL,), "Mail when an account has expired",
        "On: a mail goes to the address below at once. Warnings before the end go there too, else to the owners.",
        _switch, "Connections", "F151",
    ),
    Preference(
        "mail_account_expired_to", "email", "", (GENERAL,), "Address for account mails",
        "Used with “Mail when an account has expired”.", _email, "Connections", "F151",
    ),
    Preference(
        "default_location", "location", None, (STORE,), "Default warehouse",
        "Stock is tested and taken there only. Nothing chosen: all locations that ship online orders together.",
        _location, "Stock", "F53",
    ),
    Preference(
        "title_matching", "switch", True, (STORE,), "Match by title and variation",
        "Tried only when no product and no SKU mapping has the line's SKU, and only if exactly one product fits.",
        _switch, "Matching", "F34",
    ),
    Preference(
        "barcode_matching", "switch", False, (STORE,), "Match by barcode",
        "On: a marketplace SKU that is a UPC, EAN or GTIN means the product with that barcode, if exactly one has it. "
        "Tried after SKU mappings and SKUs.",
        _switch, "Matching", "F43",
    ),
    Preference(
        "sku_case_sensitive", "switch", True, (STORE,), "SKUs differ by upper and lower case",
        "Off: ABC-1 and abc-1 are the same SKU.", _switch, "Matching", "F33",
    ),
    Preference(
        "create_unmatched", "switch", False, (STORE,), "Create orders with unknown products",
        "On: a line no product fits stands in the order as a custom line, without SKU and stock. "
        "Off: the order is held.",
        _switch, "Matching", "F39", platform_defaults={"bigcommerce": True},
    ),
    Preference(
        "include_hidden", "switch", False, (STORE,), "Include products that are not visible",
        "Off: products shoppers cannot see are left out when orders are matched.",
        _switch, "Matching", "F71", platforms=("bigcommerce",),
    ),
    Preference(
        "order_status", "status", AWAITING_SHIPMENT, (STORE,), "Status of new orders",
        "Which status orders get in {storefront}.", _status, "Store orders", "F69", platforms=("bigcommerce",),
    ),
    Preference(
        "fill_options", "switch", False, (STORE,), "Fill mandatory product options",
        "Off: an order whose product asks for an option is held. On: the option's default is taken, else its first "
        "value, else the text below.",
        _switch, "Store orders", "F70", platforms=("bigcommerce",),
    ),
    Preference(
        "option_text", "text", "", (STORE,), "Text for mandatory options",
        "Used with “Fill mandatory product options”, where an option wants a text.",
        _text(100), "Store orders", "F70", platforms=("bigcommerce",),
    ),
)  # fmt: skip

PREFERENCES: dict[str, Preference] = {preference.name: preference for preference in ALL}
