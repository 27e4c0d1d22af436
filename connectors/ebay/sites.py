"""eBay's sites as data: marketplace ids (MarketplaceIdEnum of the Sell APIs), currency, country and domain.

The code is what merchants say (UK), the country what addresses hold (GB). One authorization covers all sites: a seller
of any site may list on every other.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.contract.types import Site


@dataclass(frozen=True, slots=True)
class EbaySite:
    """One eBay site."""

    code: str
    marketplace_id: str
    currency: str
    country: str
    domain: str
    name: str


SITES: tuple[EbaySite, ...] = (
    EbaySite("US", "EBAY_US", "USD", "US", "ebay.com", "eBay United States"),
    EbaySite("CA", "EBAY_CA", "CAD", "CA", "ebay.ca", "eBay Canada"),
    EbaySite("UK", "EBAY_GB", "GBP", "GB", "ebay.co.uk", "eBay United Kingdom"),
    EbaySite("DE", "EBAY_DE", "EUR", "DE", "ebay.de", "eBay Germany"),
    EbaySite("AU", "EBAY_AU", "AUD", "AU", "ebay.com.au", "eBay Australia"),
    EbaySite("FR", "EBAY_FR", "EUR", "FR", "ebay.fr", "eBay France"),
    EbaySite("IT", "EBAY_IT", "EUR", "IT", "ebay.it", "eBay Italy"),
    EbaySite("ES", "EBAY_ES", "EUR", "ES", "ebay.es", "eBay Spain"),
    EbaySite("AT", "EBAY_AT", "EUR", "AT", "ebay.at", "eBay Austria"),
    EbaySite("BE", "EBAY_BE", "EUR", "BE", "ebay.be", "eBay Belgium"),
    EbaySite("CH", "EBAY_CH", "CHF", "CH", "ebay.ch", "eBay Switzerland"),
    EbaySite("IE", "EBAY_IE", "EUR", "IE", "ebay.ie", "eBay Ireland"),
    EbaySite("NL", "EBAY_NL", "EUR", "NL", "ebay.nl", "eBay Netherlands"),
    EbaySite("PL", "EBAY_PL", "PLN", "PL", "ebay.pl", "eBay Poland"),
    EbaySite("HK", "EBAY_HK", "HKD", "HK", "ebay.com.hk", "eBay Hong Kong"),
    EbaySite("MY", "EBAY_MY", "MYR", "MY", "ebay.com.my", "eBay Malaysia"),
    EbaySite("PH", "EBAY_PH", "PHP", "PH", "ebay.ph", "eBay Philippines"),
    EbaySite("SG", "EBAY_SG", "SGD", "SG", "ebay.com.sg", "eBay Singapore"),
)

BY_CODE = {site.code: site for site in SITES}
BY_ID = {site.marketplace_id: site for site in SITES} | {"EBAY_MOTORS_US": BY_CODE["US"], "EBAY_MOTORS": BY_CODE["US"]}
"""Marketplace id → site; eBay Motors is a part of the US site with an id of its own."""


def code_of(marketplace_id: str) -> str:
    """Return the site's code (UK for EBAY_GB); for a site we do not know, what eBay calls it without its prefix."""
    known = BY_ID.get(marketplace_id)
    return known.code if known else marketplace_id.removeprefix("EBAY_")


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return the sites [(code, its country)] to choose from; eBay has no regions, so the only one is ""."""
    return {"": [(site.code, site.country) for site in SITES]}


def all_sites() -> tuple[Site, ...]:
    """Return every site, as each eBay seller may sell on all of them."""
    return tuple(
        Site(
            code=site.code,
            name=site.name,
            marketplace_id=site.marketplace_id,
            currency=site.currency,
            country=site.country,
        )
        for site in SITES
    )
