"""What the Shopify connector must be told about our application and where Shopify is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.contract.errors import Rejected
from connectors.contract.settings import AppSettings, rotating
from connectors.contract.storefront import FrameScript
from connectors.http import Deadlines
from connectors.shopify.settings import SCOPES

PLATFORM = "shopify"

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")

LONGEST_SHOP = 100
"""Letters of a permanent domain; a name in the DNS has 63 before the first dot."""


def is_shop(text: str) -> bool:
    """Say whether this is exactly a shop's permanent domain. Anything else must never become part of an address."""
    return len(text) <= LONGEST_SHOP and _SHOP.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ShopifyConfig:
    """Our application's credentials and Shopify's addresses; secrets stay out of its repr.

    `url_template` (SALESTIO_URL_SHOPIFY) and `admin_template` (SALESTIO_URL_SHOPIFY_ADMIN) hold `{shop}`. `app_url` is
    where our own pages are. `old_client_secret` still verifies webhooks and tokens while the secret is being rotated.
    """

    client_id: str
    client_secret: str = field(repr=False)
    url_template: str = "https://{shop}"
    admin_template: str = "https://{shop}/admin"
    scopes: tuple[str, ...] = SCOPES
    app_url: str = ""
    old_client_secret: str = field(default="", repr=False)
    app_bridge: str = ""
    """Shopify's script for pages in its admin."""
    app_store: str = "https://apps.shopify.com/salestio"
    """Our page in the app store, where a store is added."""
    handle: str = "salestio"
    """How our app is called in the address of the store's admin: .../admin/apps/<handle>."""
    app_name: str = "Salestio"
    app_version: str = "1.0"
    deadlines: Deadlines = field(default_factory=Deadlines)

    def url(self, shop: str) -> str:
        """Return the address of a shop. Raises `Rejected` (code `shop`) for anything but a permanent shop domain."""
        if not is_shop(shop):
            raise Rejected("This is not a Shopify store's address", code="shop", platform=PLATFORM)
        return self.url_template.replace("{shop}", shop).rstrip("/")

    def admin_url(self, shop: str, path: str = "") -> str:
        """Return a page of the shop's admin, for links a merchant clicks."""
        if not is_shop(shop):
            raise Rejected("This is not a Shopify store's address", code="shop", platform=PLATFORM)
        return self.admin_template.replace("{shop}", shop).rstrip("/") + path

    def order_id(self, number: str) -> str:
        """Return the id of the order whose page has this number."""
        return f"gid://shopify/Order/{number}"

    def order_page(self, shop: str, order_id: str) -> str:
        """Return a store order's page in the shop's admin."""
        return self.admin_url(shop, f"/orders/{order_id.rsplit('/', 1)[-1]}")

    def product_page(self, shop: str, product_id: str) -> str:
        """Return a product's page in the shop's admin."""
        return self.admin_url(shop, f"/products/{product_id.rsplit('/', 1)[-1]}")

    def app_page(self, shop: str) -> str:
        """Return the address of our app inside the shop's admin."""
        return self.admin_url(shop, f"/apps/{self.handle}")

    def frame_ancestors(self, shop: str) -> tuple[str, ...]:
        """Return who may frame our pages of this shop: the shop itself and Shopify's admin, nobody else."""
        parts = urlsplit(self.admin_url(shop))
        own = f"{parts.scheme}://{parts.netloc}"
        return (own, "https://admin.shopify.com") if parts.netloc == shop else (own,)

    def frame_script(self) -> FrameScript:
        """Return App Bridge, as our pages in the admin load it."""
        again = "X-Shopify-Retry-Invalid-Session-Request"
        return FrameScript(self.app_bridge, "shopify-api-key", self.client_id, again)

    @property
    def user_agent(self) -> str:
        """Return how we call ourselves."""
        return f"{self.app_name}/{self.app_version}"


def from_app(settings: AppSettings) -> ShopifyConfig:
    """Return the configuration of what the environment said."""
    urls, app = settings.urls, settings.app
    secret, old_secret = rotating(app["client_secret"])
    return ShopifyConfig(
        client_id=app["client_id"],
        client_secret=secret,
        old_client_secret=old_secret,
        url_template=urls["shop"],
        admin_template=urls["admin"],
        app_bridge=urls["app_bridge"],
        app_store=urls["app_store"],
        handle=app["handle"],
        scopes=tuple(app["scopes"]),
        app_url=settings.app_url,
        app_name=settings.app_name,
        deadlines=settings.deadlines,
    )
