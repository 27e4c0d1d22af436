"""The plain data that connectors take and give.

Money is `Decimal` in the currency's own units (12.34 USD, 1234 JPY), never float. Times are aware datetimes in UTC.
Nothing here knows a platform's field names: those stop at the connector's `mapping.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar


class OrderStatus(StrEnum):
    """What the marketplace says of an order, in our words (CONTROL_API `order.status`)."""

    INCOMPLETE = "incomplete"
    PAID = "paid"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    REFUNDED = "refunded"
    CANCELED = "canceled"


class FulfilledBy(StrEnum):
    """Who ships: the merchant (FBM) or the marketplace's own warehouse (FBA)."""

    MERCHANT = "merchant"
    MARKETPLACE = "marketplace"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. `region` is the marketplace's text (a code or a name), `country` ISO 3166-1 alpha-2."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    line3: str = ""
    city: str = ""
    district: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""

    @property
    def complete(self) -> bool:
        """Say whether a parcel could be sent there: a street line, and a city or a postal code, and a country."""
        return bool(self.line1 and (self.city or self.postal_code) and self.country)


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """Everything of an order that identifies its buyer. It is stored apart, encrypted, and erased on its clock."""

    buyer_name: str = ""
    buyer_email: str = ""
    buyer_company: str = ""
    purchase_order_number: str = ""
    shipping: Address | None = None
    delivery_notes: str = ""
    gift_messages: Mapping[str, str] = field(default_factory=dict)
    """Line id → what the buyer wrote on the gift card."""
    customization_urls: Mapping[str, str] = field(default_factory=dict)
    """Line id → the marketplace's short-lived link to the customization archive."""
    line_notes: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """Line id → (question, answer) pairs the buyer filled in: Etsy's personalization. Never used to match a line."""
    buyer_ids: Sequence[str] = ()
    """The marketplace's own names of the buyer (user id, user name), by which it asks to forget them (eBay)."""
    buyer_notes: str = ""
    """What the buyer wrote to the seller at checkout (eBay `buyerCheckoutNotes`, Etsy `message_from_buyer`)."""


@dataclass(frozen=True, slots=True)
class MarketplaceOrderLine:
    """One line of a marketplace order. Amounts are for the whole line, and None where the marketplace gave none yet."""

    line_id: str
    seller_sku: str
    title: str
    quantity: int
    item_id: str = ""
    """The marketplace's catalogue id (Amazon: ASIN); never used to match a line on its own."""
    variation: tuple[tuple[str, str], ...] = ()
    quantity_shipped: int = 0
    item_total: Decimal | None = None
    """quantity × unit price, before discounts, as the marketplace states it."""
    discount: Decimal = Decimal(0)
    """What was taken off the items; zero or positive."""
    shipping: Decimal = Decimal(0)
    shipping_discount: Decimal = Decimal(0)
    gift_wrap: Decimal = Decimal(0)
    other: Decimal = Decimal(0)
    """Cash-on-delivery fees and whatever else the buyer paid on this line."""
    tax: Decimal = Decimal(0)
    """All tax of this line the marketplace shows apart (item, shipping, gift wrap), net of tax on discounts."""
    shipping_tax: Decimal = Decimal(0)
    """The part of `tax` that belongs to shipping."""
    tax_collected_by_marketplace: bool = False
    total: Decimal | None = None
    """What the buyer paid for this line; the terms above add up to it or the order says so."""
    cancel_requested: bool = False
    digital: bool = False
    """Nothing is shipped and no stock is taken (Etsy `is_digital`)."""


class Withheld(StrEnum):
    """What the marketplace will not tell this app at all, however long we wait (Etsy's region rules)."""

    ADDRESS = "address"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel the marketplace already knows of."""

    reference: str
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MarketplaceOrder:
    """An order as the marketplace tells it, whole."""

    order_id: str
    status: OrderStatus
    raw_status: str
    fulfilled_by: FulfilledBy
    purchased_at: datetime
    updated_at: datetime
    lines: tuple[MarketplaceOrderLine, ...]
    site: str = ""
    """The marketplace's site, as the merchant says it, ten letters at most: US, UK, DE. A marketplace that is one for all
    countries names itself (ETSY), and has no `sites` in the registry."""
    currency: str = ""
    total: Decimal | None = None
    """What the buyer paid, in `currency`; None while unpaid."""
    service_level: str = ""
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    replacement_of: str = ""
    programs: tuple[str, ...] = ()
    personal: PersonalDetails = field(default_factory=PersonalDetails)
    parcels: tuple[Parcel, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The answer as it came, for support; it holds personal data and is stored encrypted."""
    problem: str = ""
    """Why this order could not be read fully; empty when all is well. Such an order is stored as held."""
    withheld: tuple[Withheld, ...] = ()
    """What is missing for good. A missing address that is not named here is expected to come later."""
    cancel_requested: bool = False
    """A cancellation of the whole order is in play (eBay): nothing is created until it is decided."""
    lines_identify: bool = False
    """The line ids stay when the order's own id changes (eBay, when an unpaid order is paid)."""

    @property
    def reserves_for_payment(self) -> bool:
        """Say whether the marketplace took stock for an order it has not been paid for yet."""
        return self.status is OrderStatus.INCOMPLETE


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """What a pull asks for: changes from `after`, and for the nightly sweep orders created from `after`."""

    after: datetime
    by_creation: bool = False
    before: datetime | None = None
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `next_token` empty means the last; `bound` is the source's own upper bound, the next cursor."""

    items: tuple[T, ...]
    next_token: str = ""
    bound: datetime | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A site a seller account may sell on."""

    code: str
    name: str
    marketplace_id: str
    currency: str
    country: str
    active: bool = True
    suspended: bool = False
    """The seller's listings are switched off there, by the seller (vacation) or by the marketplace."""


@dataclass(frozen=True, slots=True)
class OrderHint:
    """What a push message tells: look at this order again. Quantities let stock be kept back before it is read."""

    message_id: str
    seller_key: str
    order_id: str
    status: OrderStatus | None = None
    fulfilled_by: FulfilledBy | None = None
    at: datetime | None = None
    lines: tuple[tuple[str, int], ...] = ()
    """(seller SKU, units)."""


class AccountTopic(StrEnum):
    """What a marketplace's push message is about."""

    ORDER = "order"
    """Look at these orders again."""
    REVOKED = "revoked"
    """The seller took our permission away."""
    ERASE_BUYER = "erase_buyer"
    """A user of the marketplace asks to be forgotten (eBay marketplace account deletion)."""
    OTHER = "other"
    """Genuine, and nothing we act on."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """A verified push message of a marketplace, reduced to what it asks us to look at again."""

    event_id: str
    topic: AccountTopic
    account_key: str = ""
    """The platform's own name of the seller; empty when the message concerns every merchant (`ERASE_BUYER`)."""
    order_ids: tuple[str, ...] = ()
    at: datetime | None = None
    buyer: Mapping[str, str] = field(default_factory=dict)
    """`ERASE_BUYER`: `username` and `user_id` as the marketplace knows them. Never stored, never logged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check after connecting (F9): what was looked at, whether it is well, and how to mend it.

    `ok` None means that it could not be looked at now. `sentence` and `fix` are for merchants.
    """

    code: str
    ok: bool | None
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a platform hands out when the merchant agrees: tokens, whose they are, and how long they live.

    `key` is the platform's own name of the seller or store. Times are absolute, UTC; None means "does not end".
    """

    key: str
    access_token: str = ""
    access_expires_at: datetime | None = None
    refresh_token: str = ""
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


# ── the store's side ─────────────────────────────────────────────────────────────────────────────────────────────────


class InventoryRule(StrEnum):
    """What the store shall do with its stock when it gets the order (MECHANISMS 5)."""

    OBEY = "obey"
    """Take the units if the variant's policy allows, refuse otherwise."""
    IGNORE = "ignore"
    """Take the units even below zero (Create anyway)."""
    NONE = "none"
    """Leave stock alone (FBA, already shipped)."""


class CustomerMode(StrEnum):
    """Whose order it is in the store (F72)."""

    GUEST = "guest"
    """Nobody's: no customer record is made or touched."""
    BY_EMAIL = "by_email"
    """The customer with this e-mail address, made if there is none; never subscribed to marketing."""
    FIXED = "fixed"
    """One customer of the merchant's choice."""


@dataclass(frozen=True, slots=True)
class DraftTax:
    """A tax line: the amount the buyer paid, its title and rate (0.0825)."""

    title: str
    amount: Decimal
    rate: Decimal = Decimal(0)
    collected_by_marketplace: bool = False


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line of the order to create. `variant_id` is the store's own id; None means a custom line, linked to nothing."""

    title: str
    quantity: int
    unit_price: Decimal
    variant_id: str | None = None
    product_id: str | None = None
    sku: str = ""
    variant_title: str = ""
    requires_shipping: bool = True
    taxes: tuple[DraftTax, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DraftShipping:
    """A shipping line of the order to create."""

    title: str
    price: Decimal
    code: str = ""
    taxes: tuple[DraftTax, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreOrderDraft:
    """The order we ask the store to create. It adds up to `total` before it is sent, or it is not sent."""

    reference: str
    """The bare marketplace order id."""
    key: str
    """`{platform}:{seller key}:{order id}:{generation}`, unique for ever."""
    source: str
    """The marketplace's name, as the merchant reads it (Amazon)."""
    currency: str
    total: Decimal
    processed_at: datetime
    lines: tuple[DraftLine, ...]
    inventory: InventoryRule
    shipping: tuple[DraftShipping, ...] = ()
    taxes_included: bool = False
    discount: Decimal = Decimal(0)
    discount_title: str = ""
    name: str = ""
    """The store order's name; empty leaves the numbering to the store."""
    email: str = ""
    shipping_address: Address | None = None
    billing_address: Address | None = None
    customer_name: str = ""
    phone: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    source_url: str = ""
    fulfilled: bool = False
    """Create it as already shipped (back-fill, FBA)."""
    location_id: str = ""
    """The store's id of the location that shipped it; needed with `fulfilled`."""
    status_id: str = ""
    """The store's own status for the new order, where it has such a thing (BigCommerce); empty: the connector's default."""
    customer: CustomerMode = CustomerMode.GUEST
    customer_id: str = ""
    """The store's id of the one customer all orders of this account belong to; with `CustomerMode.FIXED`."""
    buyer_notes: str = ""
    """What the buyer wrote to the seller; shown to the merchant as the customer's message where the store has a place."""
    fill_options: bool = False
    """Fill the product's mandatory options: their default, else their first value, else `option_text` (F70)."""
    option_text: str = ""
    test: bool = False
    send_receipt: bool = False


@dataclass(frozen=True, slots=True)
class StoreOrderFound:
    """A store order as the store shows it."""

    id: str
    name: str
    total: Decimal | None = None
    currency: str = ""
    key: str = ""
    """Our key if it carries one; another connector's order has none."""
    created_at: datetime | None = None
    canceled: bool = False
    left: bool = False
    """Shipped as a whole: a store that takes stock at shipping has taken all its units by now."""
    url: str = ""
    left_out: tuple[str, ...] = ()
    """Of an order just made: what of the draft the store would not take (phone, email, customer)."""


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """A place that holds stock."""

    id: str
    name: str
    active: bool = True
    fulfills_online: bool = True


@dataclass(frozen=True, slots=True)
class StoreVariant:
    """A sellable variant as the store's catalog has it, with the figures read in the same answer."""

    id: str
    product_id: str
    product_title: str
    item_id: str
    """The store's id of its stock item (Shopify: InventoryItem)."""
    sku: str = ""
    barcode: str = ""
    options: tuple[tuple[str, str], ...] = ()
    price: Decimal | None = None
    tracked: bool = True
    oversell_allowed: bool = False
    """The store sells on at zero (Shopify policy *continue*)."""
    active: bool = True
    visible: bool = True
    """Shoppers can see the product in the store (BigCommerce `is_visible`)."""
    tags: tuple[str, ...] = ()
    requires_shipping: bool = True
    is_bundle: bool = False
    image_url: str = ""
    updated_at: datetime | None = None
    figures: tuple[tuple[str, int], ...] = ()
    """(location id, available)."""


@dataclass(frozen=True, slots=True)
class StockFigure:
    """What a read of the store answered for one stock item at one location."""

    item_id: str
    location_id: str
    available: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the store put units of an order: one entry a (variant, location)."""

    order_id: str
    variant_id: str
    location_id: str
    quantity: int
    part_id: str = ""
    """The store's id of that part of the order (Shopify: fulfillment order)."""


@dataclass(frozen=True, slots=True)
class StockReading:
    """One settling read: the figures of the items asked for, and where the orders asked for were placed."""

    figures: tuple[StockFigure, ...]
    placements: tuple[Placement, ...] = ()
    missing_items: tuple[str, ...] = ()
    orders: tuple[StoreOrderFound, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Facts of a store. `claims_stock` is at_creation, at_shipping or never (MECHANISMS 6)."""

    key: str
    name: str
    currency: str
    timezone: str = "UTC"
    email: str = ""
    plan: str = ""
    country: str = ""
    claims_stock: str = "at_creation"
    scopes: tuple[str, ...] = ()
    order_statuses: tuple[tuple[str, str], ...] = ()
    """(id, the store's own label) of the statuses a new order may get; empty where there is no such choice."""
    currencies: tuple[str, ...] = ()
    """The currencies an order may be made in; empty: any."""
    taxes_included: bool = False
    """The store's prices include tax."""


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """A verified webhook, reduced to what it asks us to look at again."""

    event_id: str
    topic: str
    """Our words: stock, product, product_deleted, order, order_canceled, shipment, refund, location, store,
    uninstalled, scopes, redact_customer, redact_store, data_request."""
    store_key: str
    object_ids: tuple[str, ...] = ()
    triggered_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetUpReport:
    """What setting up a store did, in sentences for the merchant's check list."""

    done: Sequence[str] = ()
    missing: Sequence[str] = ()
