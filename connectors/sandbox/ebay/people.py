"""Made-up eBay members, and the hubs where eBay takes parcels over. Towns are real, with matching postal codes."""

from __future__ import annotations

import random
from typing import Any

Doc = dict[str, Any]

_FIRST = (
    "Ada", "Bruno", "Celia", "Dorian", "Edith", "Felix", "Greta", "Henrik", "Ines", "Jasper", "Kira", "Leopold",
    "Marta", "Niels", "Odette", "Pascal", "Ramona", "Silas", "Thea", "Ulric", "Viola", "Wanda",
)  # fmt: skip
_LAST = (
    "Ashdown", "Bellamy", "Corbett", "Drummond", "Everhart", "Fairfax", "Galloway", "Hartwell", "Ivers", "Jessop",
    "Keating", "Lockhart", "Merriweather", "Northcote", "Osgood", "Pemberton", "Ravenel", "Sinclair", "Tolliver",
)  # fmt: skip
_STREETS = ("Aspen", "Brookside", "Clover", "Dogwood", "Fern", "Hawthorn", "Linden", "Maple", "Orchard", "Sycamore")
_HANDLES = ("attic", "bazaar", "copper", "dawn", "ember", "finch", "grove", "haven", "ivory", "jetty", "kite", "lark")

_TOWNS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    # country: (city, state or province, postal code, phone)
    "US": (
        ("Boise", "ID", "83702", "208-555-0142"),
        ("Savannah", "GA", "31401", "912-555-0117"),
        ("Duluth", "MN", "55802", "218-555-0163"),
        ("Tucson", "AZ", "85701", "520-555-0171"),
        ("Ithaca", "NY", "14850", "607-555-0128"),
        ("Madison", "WI", "53703", "608-555-0109"),
    ),
    "GB": (
        ("York", "", "YO1 7HH", "01632 960142"),
        ("Bath", "", "BA1 1LN", "01632 960117"),
        ("Norwich", "Norfolk", "NR2 1TF", "01632 960163"),
    ),
    "DE": (("Erfurt", "", "99084", "0361 5550142"), ("Bamberg", "", "96047", "0951 5550117")),
    "AU": (("Ballarat", "VIC", "3350", "03 5550 0142"), ("Newcastle", "NSW", "2300", "02 5550 0117")),
    "CA": (("Halifax", "NS", "B3H 1A1", "902-555-0155"), ("Victoria", "BC", "V8W 1P4", "250-555-0193")),
    "FR": (("Annecy", "", "74000", "04 65 71 01 42"),),
    "IT": (("Parma", "PR", "43121", "0521 555 0142"),),
    "ES": (("Girona", "Girona", "17001", "972 555 0142"),),
}
_ELSEWHERE = (("Springfield", "", "10000", "202-555-0142"),)


def buyer(chance: random.Random, country: str) -> Doc:
    """Return a member: `username, user_id, name, email, phone, address` (fields as in eBay's `Address`)."""
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    city, state, postal_code, phone = chance.choice(_TOWNS.get(country, _ELSEWHERE))
    address = {
        "addressLine1": f"{chance.randint(2, 998)} {chance.choice(_STREETS)} Road",
        "city": city,
        "postalCode": postal_code,
        "countryCode": country,
    }
    if state:
        address["stateOrProvince"] = state
    if chance.random() < 0.2:
        address["addressLine2"] = f"Unit {chance.randint(1, 60)}"
    handle = f"{chance.choice(_HANDLES)}_{chance.choice(_HANDLES)}_{chance.randrange(10**5):05d}"
    return {
        "username": handle,
        "user_id": user_id(chance),
        "name": f"{first} {last}",
        "email": f"{chance.randrange(16**12):012x}@members.ebay.example",
        "phone": phone,
        "address": address,
    }


def user_id(chance: random.Random) -> str:
    """Return what an immutable user id looks like (eleven letters and digits)."""
    return "".join(chance.choice("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789") for _ in range(11))


HUBS: dict[str, Doc] = {
    "US": {
        "name": "eBay Pretend Shipping Center",
        "address": {
            "addressLine1": "1850 Airport Exchange Blvd",
            "addressLine2": "Dock 4",
            "city": "Erlanger",
            "stateOrProvince": "KY",
            "postalCode": "41018",
            "countryCode": "US",
        },
        "phone": "859-555-0100",
    },
    "GB": {
        "name": "eBay Pretend Shipping Centre",
        "address": {
            "addressLine1": "Unit 2, Meridian Way",
            "city": "Rugeley",
            "postalCode": "WS15 1LX",
            "countryCode": "GB",
        },
        "phone": "01632 960100",
    },
}
"""Where eBay's shipping partner takes a parcel over, by the seller's country."""

AUTHENTICATOR: Doc = {
    "name": "Pretend Authentication Center",
    "address": {
        "addressLine1": "410 Verification Park",
        "city": "Secaucus",
        "stateOrProvince": "NJ",
        "postalCode": "07094",
        "countryCode": "US",
    },
    "phone": "201-555-0100",
}
