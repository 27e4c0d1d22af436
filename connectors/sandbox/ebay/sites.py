"""eBay's sites as the pretend eBay needs them. Ids: developer.ebay.com, type MarketplaceIdEnum."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """One site. `tax` is what eBay collects there from the buyer and remits (TaxTypeEnum); `rate` units for a dollar."""

    code: str
    id: str
    currency: str
    country: str
    domain: str
    tax: str
    rate: str
    carrier: str
    service: str


SITES = {
    site.code: site
    for site in (
        Site("US", "EBAY_US", "USD", "US", "ebay.com", "STATE_SALES_TAX", "1", "USPS", "USPSGroundAdvantage"),
        Site("UK", "EBAY_GB", "GBP", "GB", "ebay.co.uk", "VAT", "0.79", "RoyalMail", "UK_RoyalMailTracked48"),
        Site("DE", "EBAY_DE", "EUR", "DE", "ebay.de", "VAT", "0.92", "DHL", "DE_DHLPaket"),
        Site("AU", "EBAY_AU", "AUD", "AU", "ebay.com.au", "GST", "1.52", "AustraliaPost", "AU_Regular"),
        Site("CA", "EBAY_CA", "CAD", "CA", "ebay.ca", "PROVINCE_SALES_TAX", "1.37", "CPC", "CA_PostExpeditedParcel"),
        Site("FR", "EBAY_FR", "EUR", "FR", "ebay.fr", "VAT", "0.92", "Colissimo", "FR_ColiPoste"),
        Site("IT", "EBAY_IT", "EUR", "IT", "ebay.it", "VAT", "0.92", "Bartolini", "IT_ExpressCourier"),
        Site("ES", "EBAY_ES", "EUR", "ES", "ebay.es", "VAT", "0.92", "Correos", "ES_CorreosPaquetes4872"),
    )
}
COUNTRY_SITE = {site.country: site for site in SITES.values()}
RATES = {site.currency: site.rate for site in SITES.values()}
