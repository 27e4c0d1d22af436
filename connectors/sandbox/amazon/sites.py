"""Amazon's sites as the pretend Amazon needs them. Ids: developer-docs.amazon.com/sp-api/docs/marketplace-ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """One site; `decimals` are those of its currency, `tax` the usual share Amazon collects there ("" none)."""

    code: str
    id: str
    region: str
    currency: str
    country: str
    language: str
    domain: str
    decimals: int = 2
    tax: str = ""

    @property
    def name(self) -> str:
        """The name shown in orders (`Amazon.com`)."""
        return self.domain.removeprefix("www.").capitalize()


SITES = {
    site.code: site
    for site in (
        Site("US", "ATVPDKIKX0DER", "na", "USD", "US", "en_US", "www.amazon.com", tax="0.0825"),
        Site("CA", "A2EUQ1WTGCTBG2", "na", "CAD", "CA", "en_CA", "www.amazon.ca", tax="0.13"),
        Site("MX", "A1AM78C64UM0Y8", "na", "MXN", "MX", "es_MX", "www.amazon.com.mx"),
        Site("BR", "A2Q3Y263D00KWC", "na", "BRL", "BR", "pt_BR", "www.amazon.com.br"),
        Site("UK", "A1F83G8C2ARO7P", "eu", "GBP", "GB", "en_GB", "www.amazon.co.uk"),
        Site("DE", "A1PA6795UKMFR9", "eu", "EUR", "DE", "de_DE", "www.amazon.de"),
        Site("FR", "A13V1IB3VIYZZH", "eu", "EUR", "FR", "fr_FR", "www.amazon.fr"),
        Site("IT", "APJ6JRA9NG5V4", "eu", "EUR", "IT", "it_IT", "www.amazon.it"),
        Site("ES", "A1RKKUPIHCS9HS", "eu", "EUR", "ES", "es_ES", "www.amazon.es"),
        Site("IE", "A28R8C7NBKEWEA", "eu", "EUR", "IE", "en_IE", "www.amazon.ie"),
        Site("NL", "A1805IZSGTT6HS", "eu", "EUR", "NL", "nl_NL", "www.amazon.nl"),
        Site("BE", "AMEN7PMS3EDWL", "eu", "EUR", "BE", "fr_BE", "www.amazon.com.be"),
        Site("SE", "A2NODRKZP88ZB9", "eu", "SEK", "SE", "sv_SE", "www.amazon.se"),
        Site("PL", "A1C3SOZRARQ6R3", "eu", "PLN", "PL", "pl_PL", "www.amazon.pl"),
        Site("TR", "A33AVAJ2PDY3EV", "eu", "TRY", "TR", "tr_TR", "www.amazon.com.tr"),
        Site("EG", "ARBP9OOSHTCHU", "eu", "EGP", "EG", "ar_AE", "www.amazon.eg"),
        Site("SA", "A17E79C6D8DWNP", "eu", "SAR", "SA", "ar_AE", "www.amazon.sa"),
        Site("AE", "A2VIGQ35RCS4UG", "eu", "AED", "AE", "en_AE", "www.amazon.ae"),
        Site("ZA", "AE08WJ6YKNBMC", "eu", "ZAR", "ZA", "en_ZA", "www.amazon.co.za"),
        Site("IN", "A21TJRUUN4KGV", "eu", "INR", "IN", "en_IN", "www.amazon.in"),
        Site("JP", "A1VC38T7YXB528", "fe", "JPY", "JP", "ja_JP", "www.amazon.co.jp", decimals=0),
        Site("AU", "A39IBJ37TRP1C6", "fe", "AUD", "AU", "en_AU", "www.amazon.com.au"),
        Site("SG", "A19VAU5U5O7RUS", "fe", "SGD", "SG", "en_SG", "www.amazon.sg"),
    )
}
BY_ID = {site.id: site for site in SITES.values()}
REGIONS = ("na", "eu", "fe")
