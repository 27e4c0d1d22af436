"""What the eBay connector must be told about our application and where eBay is."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from connectors.contract.settings import AppSettings
from connectors.ebay import sites
from connectors.ebay.settings import SCOPES, SETTINGS
from connectors.http import Deadlines

PLATFORM = "ebay"

_REAL = {name: address.real for name, address in SETTINGS.addresses.items()}


@dataclass(frozen=True, slots=True)
class EbayConfig:
    """Our application's credentials and eBay's addresses; secrets stay out of its repr.

    `ru_name` is eBay's name of our callback address. `hub` is the address of an order's page with `{order}` and, for
    eBay itself, `{domain}`. `app_url` is where our own pages are.
    """

    client_id: str
    client_secret: str = field(repr=False)
    ru_name: str
    verification_token: str = field(default="", repr=False)
    api: str = _REAL["api"]
    apiz: str = _REAL["apiz"]
    auth: str = _REAL["auth"]
    hub: str = _REAL["hub"]
    scopes: tuple[str, ...] = SCOPES
    alert_email: str = ""
    app_url: str = ""
    app_name: str = "Salestio"
    app_version: str = "1.0"
    page_size: int = 200
    """Orders a page; eBay refuses more than 200."""
    page_overlap: int = 10
    """Orders read again at the start of the next page, because the list moves while it is read."""
    hydrated_per_page: int = 20
    """Orders of one page that are read one by one for what the list leaves out."""
    clock_margin_seconds: float = 2.0
    """How far before eBay's present our upper bound stays: it refuses times in its future (30850)."""
    planned_sellers: int = 100
    sweep_floor_seconds: float = 2.0
    """The shortest pause between two list calls, however much eBay lets us call."""
    deadlines: Deadlines = field(default_factory=Deadlines)

    def order_page(self, order_id: str, *, region: str = "", site: str = "") -> str:
        """Return the order's page at eBay, for a link a merchant clicks; `site` (UK) chooses eBay's domain."""
        known = sites.BY_CODE.get(site.upper()) or sites.BY_CODE["US"]
        page = self.hub if "{order}" in self.hub else f"{self.hub.rstrip('/')}/orders/{{order}}"
        return page.replace("{domain}", known.domain).replace("{order}", quote(order_id, safe=""))

    @property
    def user_agent(self) -> str:
        """Return how we call ourselves."""
        return f"{self.app_name}/{self.app_version}"


def from_app(settings: AppSettings) -> EbayConfig:
    """Return the configuration of what the environment said."""
    urls, app = settings.urls, settings.app
    return EbayConfig(
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        ru_name=app["ru_name"],
        verification_token=app["verification_token"],
        api=urls["api"],
        apiz=urls["apiz"],
        auth=urls["auth"],
        hub=urls["hub"],
        scopes=tuple(app["scopes"]),
        alert_email=app["alert_email"],
        planned_sellers=max(1, int(app["planned_sellers"])),
        app_url=settings.app_url,
        app_name=settings.app_name,
        deadlines=settings.deadlines,
    )
