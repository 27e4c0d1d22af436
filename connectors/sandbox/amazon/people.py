"""Made-up buyers: names that are nobody's, real towns with matching postal codes, so that address checks pass."""

from __future__ import annotations

import random
from typing import Any

_FIRST = (
    "Avery", "Blake", "Carmen", "Dana", "Elliot", "Farah", "Grace", "Hugo", "Imani", "Jonas", "Keiko", "Lena",
    "Marcus", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Sam", "Tessa", "Umar", "Vera", "Wes", "Ximena",
    "Yusuf", "Zoe",
)  # fmt: skip
_LAST = (
    "Abbott", "Bergstrom", "Castillo", "Dunn", "Ellery", "Fontaine", "Garland", "Hollis", "Ingram", "Jarvis",
    "Kessler", "Lindqvist", "Moreau", "Nakamura", "Ortiz", "Pruitt", "Quigley", "Rossi", "Sandoval", "Thorne",
    "Underhill", "Vance", "Whitlock", "Yates", "Zeller",
)  # fmt: skip
_STREETS = ("Alder", "Birch", "Cedar Hill", "Dovecote", "Elm", "Foxglove", "Granite", "Harbor View", "Juniper", "Mill")

_TOWNS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    # country: (city, state or region, postal code, phone)
    "US": (
        ("Portland", "OR", "97214", "+1 503-555-0142"),
        ("Denver", "CO", "80205", "+1 303-555-0117"),
        ("Burlington", "VT", "05401", "+1 802-555-0163"),
        ("Asheville", "NC", "28801", "+1 828-555-0171"),
        ("Seattle", "WA", "98103", "+1 206-555-0128"),
        ("Austin", "TX", "78704", "+1 512-555-0109"),
        ("Minneapolis", "MN", "55408", "+1 612-555-0186"),
        ("Reno", "NV", "89501", "+1 775-555-0134"),
    ),
    "CA": (("Vancouver", "BC", "V5K 0A1", "+1 604-555-0155"), ("Toronto", "ON", "M4C 1B5", "+1 416-555-0193")),
    "MX": (("Guadalajara", "Jalisco", "44100", "+52 33 5550 0142"),),
    "BR": (("São Paulo", "SP", "01310-100", "+55 11 95550-0142"),),
    "GB": (
        ("Sheffield", "South Yorkshire", "S1 2HE", "+44 114 496 0141"),
        ("Bristol", "", "BS1 4DJ", "+44 117 496 0126"),
        ("Edinburgh", "", "EH1 1YZ", "+44 131 496 0178"),
    ),
    "DE": (("Leipzig", "", "04109", "+49 341 5550142"), ("Freiburg", "", "79098", "+49 761 5550117")),
    "FR": (("Grenoble", "", "38000", "+33 4 65 71 01 42"),),
    "IT": (("Torino", "TO", "10121", "+39 011 555 0142"),),
    "ES": (("Bilbao", "Bizkaia", "48001", "+34 944 550 142"),),
    "IE": (("Galway", "Galway", "H91 E2R1", "+353 91 555 014"),),
    "NL": (("Utrecht", "", "3511 AX", "+31 30 555 0142"),),
    "BE": (("Gent", "", "9000", "+32 9 555 01 42"),),
    "SE": (("Uppsala", "", "753 10", "+46 18 555 01 42"),),
    "PL": (("Kraków", "", "31-042", "+48 12 555 01 42"),),
    "JP": (("渋谷区", "東京都", "150-0002", "+81 3-5550-0142"),),
    "AU": (("Hobart", "TAS", "7000", "+61 3 5550 0142"),),
    "SG": (("Singapore", "", "238801", "+65 5550 0142"),),
}
_ELSEWHERE = (("Springfield", "", "10000", "+1 202-555-0142"),)


def buyer(chance: random.Random, country: str, domain: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a buyer (`name, email`) and a delivery address as Amazon shapes them, in this country."""
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    city, state, postal_code, phone = chance.choice(_TOWNS.get(country, _ELSEWHERE))
    handle = "".join(chance.choice("abcdefghjkmnpqrstvwxyz0123456789") for _ in range(14))
    address = {
        "name": name,
        "addressLine1": f"{chance.randint(2, 998)} {chance.choice(_STREETS)} St",
        "city": city,
        "postalCode": postal_code,
        "countryCode": country,
        "phone": phone,
        "addressType": "RESIDENTIAL",
    }
    if state:
        address["stateOrRegion"] = state
    if chance.random() < 0.25:
        address["addressLine2"] = f"Apt {chance.randint(1, 40)}"
    return {"name": name, "email": f"{handle}@marketplace.{domain.removeprefix('www.')}"}, address
