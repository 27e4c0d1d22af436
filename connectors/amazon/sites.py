"""Amazon's sites as data: ids and hosts from Amazon's pages on marketplace ids, endpoints and Seller Central addresses.

The code is what merchants say (UK), the country what addresses hold (GB). One authorization covers one region, with all
its sites. Seller Central hosts of IE and ZA are not documented; those sellers sign in at their region's first host.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AmazonSite:
    """One Amazon site: its code, marketplace id, region, currency, country and Seller Central host."""

    code: str
    marketplace_id: str
    region: str
    currency: str
    country: str
    seller_central: str = ""


_EUROPE = "sellercentral-europe.amazon.com"

SITES: tuple[AmazonSite, ...] = (
    AmazonSite("US", "ATVPDKIKX0DER", "na", "USD", "US", "sellercentral.amazon.com"),
    AmazonSite("CA", "A2EUQ1WTGCTBG2", "na", "CAD", "CA", "sellercentral.amazon.ca"),
    AmazonSite("MX", "A1AM78C64UM0Y8", "na", "MXN", "MX", "sellercentral.amazon.com.mx"),
    AmazonSite("BR", "A2Q3Y263D00KWC", "na", "BRL", "BR", "sellercentral.amazon.com.br"),
    AmazonSite("UK", "A1F83G8C2ARO7P", "eu", "GBP", "GB", _EUROPE),
    AmazonSite("DE", "A1PA6795UKMFR9", "eu", "EUR", "DE", _EUROPE),
    AmazonSite("FR", "A13V1IB3VIYZZH", "eu", "EUR", "FR", _EUROPE),
    AmazonSite("IT", "APJ6JRA9NG5V4", "eu", "EUR", "IT", _EUROPE),
    AmazonSite("ES", "A1RKKUPIHCS9HS", "eu", "EUR", "ES", _EUROPE),
    AmazonSite("IE", "A28R8C7NBKEWEA", "eu", "EUR", "IE"),
    AmazonSite("NL", "A1805IZSGTT6HS", "eu", "EUR", "NL", "sellercentral.amazon.nl"),
    AmazonSite("BE", "AMEN7PMS3EDWL", "eu", "EUR", "BE", "sellercentral.amazon.com.be"),
    AmazonSite("SE", "A2NODRKZP88ZB9", "eu", "SEK", "SE", "sellercentral.amazon.se"),
    AmazonSite("PL", "A1C3SOZRARQ6R3", "eu", "PLN", "PL", "sellercentral.amazon.pl"),
    AmazonSite("TR", "A33AVAJ2PDY3EV", "eu", "TRY", "TR", "sellercentral.amazon.com.tr"),
    AmazonSite("EG", "ARBP9OOSHTCHU", "eu", "EGP", "EG", "sellercentral.amazon.eg"),
    AmazonSite("SA", "A17E79C6D8DWNP", "eu", "SAR", "SA", "sellercentral.amazon.com.sa"),
    AmazonSite("AE", "A2VIGQ35RCS4UG", "eu", "AED", "AE", "sellercentral.amazon.ae"),
    AmazonSite("ZA", "AE08WJ6YKNBMC", "eu", "ZAR", "ZA"),
    AmazonSite("IN", "A21TJRUUN4KGV", "eu", "INR", "IN", "sellercentral.amazon.in"),
    AmazonSite("JP", "A1VC38T7YXB528", "fe", "JPY", "JP", "sellercentral.amazon.co.jp"),
    AmazonSite("AU", "A39IBJ37TRP1C6", "fe", "AUD", "AU", "sellercentral.amazon.com.au"),
    AmazonSite("SG", "A19VAU5U5O7RUS", "fe", "SGD", "SG", "sellercentral.amazon.sg"),
)

BY_CODE = {site.code: site for site in SITES}
BY_ID = {site.marketplace_id: site for site in SITES}
REGIONS = ("na", "eu", "fe")

ENDPOINTS = {region: f"https://sellingpartnerapi-{region}.amazon.com" for region in REGIONS}
LWA = "https://api.amazon.com"
"""Login with Amazon, which hands out every token."""

SELLER_CENTRAL = {"na": BY_CODE["US"].seller_central, "eu": _EUROPE, "fe": BY_CODE["JP"].seller_central}


def seller_central(region_or_site: str) -> str:
    """Return the Seller Central host where sellers of a region (na) or a site (AU) agree.

    Raises `LookupError` for a name that is neither.
    """
    site = BY_CODE.get(region_or_site.upper())
    if site is not None:
        return site.seller_central or SELLER_CENTRAL[site.region]
    try:
        return SELLER_CENTRAL[region_or_site.lower()]
    except KeyError:
        raise LookupError(f"Amazon has no region or site called {region_or_site!r}") from None


def marketplace_ids(codes: tuple[str, ...] | list[str]) -> list[str]:
    """Return the marketplace ids of site codes, in order. Raises `LookupError` for an unknown code."""
    unknown = [code for code in codes if code.upper() not in BY_CODE]
    if unknown:
        raise LookupError(f"Amazon has no site called {', '.join(unknown)}")
    return [BY_CODE[code.upper()].marketplace_id for code in codes]


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return region → [(site code, its country)], for the page where an account is added."""
    found: dict[str, list[tuple[str, str]]] = {}
    for site in SITES:
        found.setdefault(site.region, []).append((site.code, site.country))
    return found
