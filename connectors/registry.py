"""Which platforms there are: one line each. Connectors are named by strings and imported at first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any


class Kind(StrEnum):
    """What a platform is to a merchant."""

    MARKETPLACE = "marketplace"
    STOREFRONT = "storefront"


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform: how it is shown, and where its code is (`module:name`, resolved by `load`)."""

    name: str
    kind: Kind
    label: str
    mark: str
    """Two letters for the badge as they are written there; no platform's own logo is used. In lower case they name its
    color (theme.css, `.mark-az`)."""
    connector: str
    auth: str
    settings: str
    """What it reads of the environment (`contract.settings.PlatformSettings`)."""
    config: str
    """Turns `contract.settings.AppSettings` into the connector's configuration."""
    webhooks: str = ""
    """Reads a store's webhook (`contract.storefront.WebhookReader`)."""
    hints: str = ""
    """Reads a message of a marketplace's queue (`contract.marketplace.HintReader`)."""
    queue: str = ""
    """Opens the queue a marketplace writes to, of `AppSettings`; None when none is configured."""
    queue_name: str = ""
    """How the marketplace calls that queue, of `AppSettings`."""
    pushes: str = ""
    """Reads a marketplace's push by HTTP (`contract.marketplace.PushReader`, made of configuration and limiter)."""
    sites: str = ""
    """Gives region → [(site code, country)] to choose from; the region is "" for a platform without regions."""
    is_key: str = ""
    """Says whether a text has exactly the form of a store's key; nothing else may become part of an address."""
    budgeted: bool = False
    """Its connector is handed a `BudgetStore`: the platform limits our application by the day."""
    files: str = ""
    """Opens what fetches the files a marketplace's orders link to (`connectors.fetch.Fetcher`), of the configuration."""
    personal: str = ""
    """The names of its payload's personal fields, for masking."""
    regions: Mapping[str, str] = field(default_factory=dict)
    """Region code → its name, where an account belongs to one region."""
    stock_lag: float = 0.0
    """Seconds a read of a store's stock may be behind what was done to it: figures count as so much older (MECHANISMS 6)."""
    old_orders_scope: str = ""
    """The permission without which a store shows us no orders older than 60 days; empty: it shows all."""
    order_pages: str = ""
    """Where its sellers look at an order, if they do not call it by the label."""
    stock_rule: str = ""
    """What a merchant has to know of a store that itself takes no order beyond its stock; empty: it takes one when asked to."""
    notice: str = ""
    """What the platform's terms want to be said wherever its data is shown."""
    hint: str = ""
    """What a merchant has to know before agreeing, said where an account is added."""
    example: tuple[str, str] = ("buyer@example.com", "1000001")
    """A buyer's e-mail address and an order id as the marketplace writes them, for examples in settings."""
    our_word: str = ""
    """Its sellers' own word for an order they ship themselves (FBM), if they have one."""
    their_word: str = ""
    """Its sellers' own word for an order the marketplace ships (FBA), if they have one."""
    programs: str = ""
    """What its programs ask of whoever packs an order: program → a sentence."""
    short_text: str = ""
    """How the store itself says that units are missing, where merchants search for its very words."""


_AMAZON_REGIONS = {"na": "North America", "eu": "Europe", "fe": "Far East"}

PLATFORMS: dict[str, Platform] = {
    line.name: line
    for line in (
        Platform(
            name="amazon",
            kind=Kind.MARKETPLACE,
            label="Amazon",
            mark="Az",
            connector="connectors.amazon.connector:Amazon",
            auth="connectors.amazon.auth:AmazonAuth",
            settings="connectors.amazon.settings:SETTINGS",
            config="connectors.amazon.config:from_app",
            sites="connectors.amazon.sites:choices",
            queue="connectors.amazon.sqs:open_queue",
            queue_name="connectors.amazon.sqs:queue_name",
            hints="connectors.amazon.notifications:read_hint",
            files="connectors.amazon.files:customizations",
            regions=_AMAZON_REGIONS,
            order_pages="Seller Central",
            hint="One permission covers one region. For another region add the same seller again.",
            example=("k7x9q2@marketplace.amazon.com", "112-4416893-7720231"),
            our_word="FBM",
            their_word="FBA",
        ),
        Platform(
            name="ebay",
            kind=Kind.MARKETPLACE,
            label="eBay",
            mark="eB",
            connector="connectors.ebay.connector:Ebay",
            auth="connectors.ebay.auth:EbayAuth",
            settings="connectors.ebay.settings:SETTINGS",
            config="connectors.ebay.config:from_app",
            sites="connectors.ebay.sites:choices",
            pushes="connectors.ebay.push:EbayPush",
            personal="connectors.ebay.mapping:PERSONAL_FIELDS",
            programs="connectors.ebay.programs:PROGRAMS",
            budgeted=True,
            hint="One permission covers all of a seller's eBay sites. It lasts 18 months; you are told before it ends.",
            example=("1c0f9d2b7a@members.ebay.com", "14-10402-77120"),
        ),
        Platform(
            name="etsy",
            kind=Kind.MARKETPLACE,
            label="Etsy",
            mark="Et",
            connector="connectors.etsy.connector:Etsy",
            auth="connectors.etsy.auth:EtsyAuth",
            settings="connectors.etsy.settings:SETTINGS",
            config="connectors.etsy.config:from_app",
            pushes="connectors.etsy.push:EtsyPush",
            personal="connectors.etsy.mapping:PERSONAL_FIELDS",
            budgeted=True,
            hint="An Etsy account is one shop, so there are no sites to choose. Sign in at Etsy as the shop's owner.",
            example=("buyer@example.com", "3201774410"),
            notice=(
                "The term 'Etsy' is a trademark of Etsy, Inc. This application uses the Etsy API but is not endorsed "
                "or certified by Etsy."
            ),
        ),
        Platform(
            name="shopify",
            kind=Kind.STOREFRONT,
            label="Shopify",
            mark="Sh",
            connector="connectors.shopify.connector:Shopify",
            auth="connectors.shopify.auth:ShopifyAuth",
            settings="connectors.shopify.settings:SETTINGS",
            config="connectors.shopify.config:from_app",
            is_key="connectors.shopify.config:is_shop",
            old_orders_scope="read_all_orders",
            webhooks="connectors.shopify.webhooks:read",
        ),
        Platform(
            name="bigcommerce",
            # Its inventory is kept asynchronously, "a read right after may be old" (stores.md 3.4); how old is not said.
            stock_lag=3.0,
            kind=Kind.STOREFRONT,
            label="BigCommerce",
            mark="BC",
            connector="connectors.bigcommerce.connector:BigCommerce",
            auth="connectors.bigcommerce.auth:BigCommerceAuth",
            settings="connectors.bigcommerce.settings:SETTINGS",
            config="connectors.bigcommerce.config:from_app",
            is_key="connectors.bigcommerce.config:is_store_hash",
            webhooks="connectors.bigcommerce.webhooks:read",
            short_text="Error during export order #{order} in BigCommerce. Quantities of one or more products are out of stock "
            "or did not meet quantity requirements.",
            stock_rule="BigCommerce itself takes no order beyond its stock: raise the stock there, or switch off the product's "
            "inventory tracking.",
        ),
    )
}


def platform(name: str) -> Platform:
    """Return the platform of that name. Raises `LookupError` for one we do not have."""
    try:
        return PLATFORMS[name]
    except KeyError:
        raise LookupError(f"There is no platform called {name!r}; known are {', '.join(sorted(PLATFORMS))}") from None


def marketplaces() -> tuple[Platform, ...]:
    """Return the platforms where buyers buy."""
    return tuple(line for line in PLATFORMS.values() if line.kind is Kind.MARKETPLACE)


def storefronts() -> tuple[Platform, ...]:
    """Return the platforms merchants' stores run on."""
    return tuple(line for line in PLATFORMS.values() if line.kind is Kind.STOREFRONT)


def load(path: str) -> Any:
    """Import what `module:name` names. Raises `ImportError` or `AttributeError` when it does not exist."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
