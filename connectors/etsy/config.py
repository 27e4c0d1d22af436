"""What the Etsy connector must be told about our application and where Etsy is."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from connectors.contract.settings import AppSettings
from connectors.etsy.settings import SCOPES, SETTINGS
from connectors.http import Deadlines

PLATFORM = "etsy"

_REAL = {name: address.real for name, address in SETTINGS.addresses.items()}


@dataclass(frozen=True, slots=True)
class EtsyConfig:
    """Our application's credentials and Etsy's addresses; secrets stay out of its repr.

    `webhook_secret` begins with `whsec_`; empty means that Etsy gave us no webhooks. `app_url` is where our own pages
    are.
    """

    keystring: str
    shared_secret: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)
    api: str = _REAL["api"]
    token: str = _REAL["token"]
    site: str = _REAL["site"]
    scopes: tuple[str, ...] = SCOPES
    planned_shops: int = 100
    app_url: str = ""
    app_name: str = "Salestio"
    app_version: str = "1.0"
    page_size: int = 100
    """Receipts a page; Etsy refuses more than 100."""
    sweep_floor_seconds: float = 2.0
    """The shortest pause between two list calls, however much Etsy lets us call."""
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def api_key(self) -> str:
        """Return what goes into x-api-key: the keystring alone is refused since 2026-02-09."""
        return f"{self.keystring}:{self.shared_secret}"

    def order_page(self, order_id: str, *, region: str = "", site: str = "") -> str:
        """Return the order's page in the seller's Etsy, for a link a merchant clicks."""
        return f"{self.site.rstrip('/')}/your/orders/{quote(order_id, safe='')}"

    @property
    def user_agent(self) -> str:
        """Return how we call ourselves."""
        return f"{self.app_name}/{self.app_version}"


def from_app(settings: AppSettings) -> EtsyConfig:
    """Return the configuration of what the environment said."""
    urls, app = settings.urls, settings.app
    return EtsyConfig(
        keystring=app["keystring"],
        shared_secret=app["shared_secret"],
        webhook_secret=app["webhook_secret"],
        api=urls["api"],
        token=urls["token"],
        site=urls["site"],
        scopes=tuple(app["scopes"]),
        planned_shops=max(1, int(app["planned_shops"])),
        app_url=settings.app_url,
        app_name=settings.app_name,
        deadlines=settings.deadlines,
    )
