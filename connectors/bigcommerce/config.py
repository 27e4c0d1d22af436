"""What the BigCommerce connector must be told about our application and where BigCommerce is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.bigcommerce.settings import SCOPES
from connectors.contract.errors import Rejected
from connectors.contract.settings import AppSettings, rotating
from connectors.http import Deadlines

PLATFORM = "bigcommerce"

_HASH = re.compile(r"[a-z0-9]{3,32}")


def is_store_hash(text: str) -> bool:
    """Say whether this has exactly the form of a store hash. Anything else must never become part of an address."""
    return _HASH.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class BigCommerceConfig:
    """Our application's credentials and BigCommerce's addresses; secrets stay out of its repr.

    `url_template` (SALESTIO_URL_BIGCOMMERCE) and `admin_template` (SALESTIO_URL_BIGCOMMERCE_ADMIN) hold `{hash}`;
    below the first are `/v2` and `/v3`. `app_url` is where our own pages are, without a slash at its end.
    """

    client_id: str
    client_secret: str = field(repr=False)
    old_client_secret: str = field(default="", repr=False)
    """Still verifies signed payloads while the secret is being rotated, as it does webhooks."""
    app_id: str = ""
    """The number of our app, written into `external_source` of every order (the app market asks for it)."""
    url_template: str = "https://api.bigcommerce.com/stores/{hash}"
    login_url: str = "https://login.bigcommerce.com"
    admin_template: str = "https://store-{hash}.mybigcommerce.com/manage"
    app_store: str = "https://www.bigcommerce.com/apps/salestio"
    """Our page in the app market, where a store is added."""
    scopes: tuple[str, ...] = SCOPES
    app_url: str = ""
    app_name: str = "Salestio"
    app_version: str = "1.0"
    deadlines: Deadlines = field(default_factory=Deadlines)

    def url(self, store_hash: str) -> str:
        """Return where a store's API is. Raises `Rejected` (code `store`) for anything but a store hash."""
        return self._filled(self.url_template, store_hash)

    def admin_url(self, store_hash: str, path: str = "") -> str:
        """Return a page of the store's control panel, for links a merchant clicks."""
        return self._filled(self.admin_template, store_hash) + path

    def order_page(self, store_hash: str, order_id: str) -> str:
        """Return a store order's page in the control panel."""
        return self.admin_url(store_hash, f"/orders/{order_id}")

    def product_page(self, store_hash: str, product_id: str) -> str:
        """Return a product's page in the control panel."""
        return self.admin_url(store_hash, f"/products/{product_id}/edit")

    def app_page(self, store_hash: str) -> str:
        """Return the address of our app inside the control panel."""
        return self.admin_url(store_hash, f"/app/{self.app_id}")

    def frame_ancestors(self, store_hash: str) -> tuple[str, ...]:
        """Return who may frame our pages of this store: its own control panel, nobody else."""
        parts = urlsplit(self.admin_url(store_hash))
        own = f"{parts.scheme}://{parts.netloc}"
        real = parts.netloc.endswith(".mybigcommerce.com")
        return (own, "https://login.bigcommerce.com") if real else (own,)

    def control_panels(self) -> tuple[str, ...]:
        """Return who may frame a page of ours that belongs to no store and holds nothing of anybody: any control panel."""
        parts = urlsplit(self.admin_template)
        if parts.netloc.endswith(".mybigcommerce.com"):
            return ("https://*.mybigcommerce.com", "https://login.bigcommerce.com")
        return (f"{parts.scheme}://{parts.netloc}",)

    @property
    def user_agent(self) -> str:
        """Return how we call ourselves."""
        return f"{self.app_name}/{self.app_version}"

    def _filled(self, template: str, store_hash: str) -> str:
        if not is_store_hash(store_hash):
            raise Rejected("This is not a BigCommerce store's hash", code="store", platform=PLATFORM)
        return template.replace("{hash}", store_hash).rstrip("/")


def from_app(settings: AppSettings) -> BigCommerceConfig:
    """Return the configuration of what the environment said."""
    urls, app = settings.urls, settings.app
    secret, old_secret = rotating(app["client_secret"])
    return BigCommerceConfig(
        client_id=app["client_id"],
        client_secret=secret,
        old_client_secret=old_secret,
        app_id=app["app_id"],
        url_template=urls["api"],
        login_url=urls["login"],
        admin_template=urls["admin"],
        app_store=urls["app_store"],
        app_url=settings.app_url,
        app_name=settings.app_name,
        deadlines=settings.deadlines,
    )
