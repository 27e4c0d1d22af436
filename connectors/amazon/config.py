"""What the Amazon connector must be told about our application and where Amazon is."""

from __future__ import annotations

import platform as python_platform
from dataclasses import dataclass, field
from urllib.parse import quote

from connectors.amazon import sites
from connectors.contract.settings import AppSettings
from connectors.http import Deadlines


@dataclass(frozen=True, slots=True)
class AmazonConfig:
    """Our application's credentials and Amazon's addresses; secrets stay out of its repr.

    `seller_central` may hold `{region}` (na, eu, fe); empty means Amazon's own hosts. `next_client_secret` is tried
    when Amazon refuses the first one, so that rotating it every 180 days needs no pause.
    """

    client_id: str
    client_secret: str = field(repr=False)
    application_id: str
    na: str = sites.ENDPOINTS["na"]
    eu: str = sites.ENDPOINTS["eu"]
    fe: str = sites.ENDPOINTS["fe"]
    lwa: str = sites.LWA
    seller_central: str = ""
    customizations: str = ""
    """The address below which customization archives are, instead of `customization_hosts`."""
    customization_hosts: tuple[str, ...] = ()
    next_client_secret: str = field(default="", repr=False)
    draft: bool = False
    """The application is not published yet: sellers agree to its beta version."""
    app_name: str = "Salestio"
    app_version: str = "1.0"
    destination_name: str = "orders"
    """How our notification destination is called at Amazon."""
    sweep_floor_seconds: float = 2.0
    """The shortest pause between two list calls, however fast Amazon lets us (MECHANISMS 7)."""
    deadlines: Deadlines = field(default_factory=Deadlines)

    def endpoint(self, region: str) -> str:
        """Return the address of a region's API. Raises `LookupError` for an unknown region."""
        addresses = {"na": self.na, "eu": self.eu, "fe": self.fe}
        try:
            return addresses[region]
        except KeyError:
            raise LookupError(f"Amazon has no region called {region!r}") from None

    def order_page(self, order_id: str, *, region: str = "", site: str = "") -> str:
        """Return the order's page in Seller Central, for a link a merchant clicks."""
        base = self.seller_central.replace("{region}", region or "na")
        return f"{base or sites.SELLER_CENTRAL[region or 'na']}/orders-v3/order/{quote(order_id)}"

    @property
    def user_agent(self) -> str:
        """Return the User-Agent in the form Amazon asks for."""
        return f"{self.app_name}/{self.app_version} (Language=Python/{python_platform.python_version()})"


def from_app(settings: AppSettings) -> AmazonConfig:
    """Return the configuration of what the environment said."""
    urls, app = settings.urls, settings.app
    return AmazonConfig(
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        application_id=app["application_id"],
        na=urls["na"],
        eu=urls["eu"],
        fe=urls["fe"],
        lwa=urls["lwa"],
        seller_central=urls["seller_central"],
        customizations=urls["customizations"],
        customization_hosts=tuple(host.strip().lower() for host in app["customization_hosts"] if host.strip()),
        app_name=settings.app_name,
        deadlines=settings.deadlines,
    )
