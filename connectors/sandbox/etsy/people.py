"""Made-up buyers of the pretend Etsy: names that are nobody's, real towns with matching postal codes."""

from __future__ import annotations

import random
from typing import Any

Doc = dict[str, Any]

_FIRST = (
    "Alma", "Bennett", "Clara", "Desmond", "Eloise", "Fergus", "Gemma", "Harriet", "Ivo", "Juniper", "Kieran", "Lottie",
    "Maeve", "Nolan", "Opal", "Percy", "Rowan", "Saoirse", "Tobias", "Winnie",
)  # fmt: skip
_LAST = (
    "Amberly", "Birch", "Calloway", "Darby", "Eastman", "Fennimore", "Grantham", "Holloway", "Kingsley", "Larkin",
    "Maddox", "Penrose", "Redfern", "Stirling", "Tremaine", "Wexford",
)  # fmt: skip
_STREETS = ("Bramble", "Chestnut", "Dunmore", "Fallow", "Heather", "Kingfisher", "Larch", "Poplar", "Quarry", "Willow")

_TOWNS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # country: (city, state or region, postal code)
    "US": (
        ("Bend", "OR", "97701"),
        ("Durham", "NC", "27701"),
        ("Santa Fe", "NM", "87501"),
        ("Athens", "GA", "30601"),
        ("Ann Arbor", "MI", "48104"),
        ("Bozeman", "MT", "59715"),
        ("Northampton", "MA", "01060"),
        ("Boulder", "CO", "80302"),
    ),
    "GB": (("Totnes", "Devon", "TQ9 5DP"), ("Hebden Bridge", "West Yorkshire", "HX7 6AA"), ("Glasgow", "", "G3 7DN")),
    "CA": (("Nelson", "BC", "V1L 4B8"), ("Kingston", "ON", "K7L 1A1")),
    "DE": (("Weimar", "", "99423"), ("Münster", "", "48143")),
    "FR": (("Nantes", "", "44000"), ("Strasbourg", "", "67000")),
    "IE": (("Kilkenny", "Kilkenny", "R95 A2W4"),),
    "NL": (("Haarlem", "", "2011 AA"),),
    "ES": (("Granada", "Granada", "18009"),),
    "IT": (("Lucca", "LU", "55100"),),
    "AU": (("Fremantle", "WA", "6160"), ("Bendigo", "VIC", "3550")),
    "JP": (("鎌倉市", "神奈川県", "248-0006"),),
    "IN": (("Pune", "MH", "411001"),),
}
_ELSEWHERE = (("Springfield", "", "10000"),)

COUNTRIES = tuple(_TOWNS)
"""Countries with towns of their own here."""


def buyer(chance: random.Random, country: str) -> Doc:
    """Return a buyer: `name, email, user_id` and `address` (fields named as in a receipt), in this country."""
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    city, state, postal_code = chance.choice(_TOWNS.get(country, _ELSEWHERE))
    return {
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{chance.randrange(10**4):04d}@mailbox.example".lower(),
        "user_id": chance.randrange(100_000_000, 700_000_000),
        "address": {
            "first_line": f"{chance.randint(2, 998)} {chance.choice(_STREETS)} Lane",
            "second_line": f"Flat {chance.randint(1, 40)}" if chance.random() < 0.2 else "",
            "city": city,
            "state": state,
            "zip": postal_code,
            "country_iso": country,
        },
    }
