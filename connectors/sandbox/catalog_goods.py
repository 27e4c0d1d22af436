"""The demo stores' products, one line each; ``catalog.py`` spells out variants, barcodes and stock.

Prices are US dollars. A variant's SKU is prefix, code and the option codes: NP-MBL-200-W-XL-FOR.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Modifier:
    """What a buyer must say to buy a product, though it is no variant: ``kind`` is "text" or "choice" (of ``values``)."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Goods:
    """One product. ``low`` and ``high`` bound the units a variant starts with; ``stock`` fixes some: SKU → units per
    location."""

    code: str
    title: str
    kind: str
    price: str
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    low: int = 8
    high: int = 60
    stock: dict[str, tuple[int, ...]] = field(default_factory=dict)
    prices: dict[str, str] = field(default_factory=dict)
    skus: dict[str, str] = field(default_factory=dict)
    tracked: bool = True
    policy: str = "deny"
    physical: bool = True
    status: str = "active"
    vendor: str = ""
    tags: tuple[str, ...] = ()
    grams: int = 350
    visible: bool = True
    modifiers: tuple[Modifier, ...] = ()


def _same(*values: str) -> dict[str, str]:
    return {value: value for value in values}


SIZES = _same("S", "M", "L", "XL")
SMALL = _same("S", "M", "L")
_COLORS = {
    "Forest": "FOR",
    "Ink": "INK",
    "Clay": "CLY",
    "Moss": "MOS",
    "Slate": "SLT",
    "Sand": "SND",
    "Spruce": "SPR",
    "Cream": "CRM",
    "Ember": "EMB",
    "Graphite": "GRA",
    "Green": "GRN",
    "Orange": "ORG",
    "Black": "BLK",
    "Sky": "SKY",
    "Rust": "RST",
}


def _colors(*names: str) -> dict[str, str]:
    return {name: _COLORS[name] for name in names}


_LENGTH = {"Regular": "REG", "Long": "LNG"}

NORTHPINE: list[Goods] = [
    # Clothing
    Goods(
        "MBL-200-W",
        "Merino Base Layer 200 Women's",
        "Base layers",
        "68.00",
        {"Size": SIZES, "Color": _colors("Forest", "Ink")},
        stock={"NP-MBL-200-W-XL-FOR": (1, 0), "NP-MBL-200-W-S-INK": (0, 0)},
        tags=("merino", "women"),
    ),
    Goods(
        "MBL-200-M",
        "Merino Base Layer 200 Men's",
        "Base layers",
        "68.00",
        {"Size": SIZES, "Color": _colors("Forest", "Ink")},
        tags=("merino", "men"),
    ),
    Goods("TEE", "T-Shirt", "Tops", "24.00", {"Size": SIZES}, low=20, high=70, tags=("cotton",)),
    Goods(
        "RRJ-W",
        "Ridge Rain Jacket Women's",
        "Shells",
        "189.00",
        {"Size": SMALL, "Color": _colors("Moss", "Slate")},
        low=3,
        high=18,
    ),
    Goods(
        "RRJ-M",
        "Ridge Rain Jacket Men's",
        "Shells",
        "189.00",
        {"Size": SMALL, "Color": _colors("Moss", "Slate")},
        low=3,
        high=18,
        stock={"NP-RRJ-M-L-SLT": (0, 1)},
    ),
    Goods(
        "DWN",
        "Cirrus Down Sweater",
        "Insulation",
        "219.00",
        {"Size": SMALL, "Color": _colors("Ember", "Graphite")},
        low=2,
        high=14,
    ),
    Goods("FLC", "Basecamp Fleece Hoodie", "Midlayers", "94.00", {"Size": SMALL, "Color": _colors("Sand", "Spruce")}),
    Goods("SHT", "Switchback Trail Shorts", "Bottoms", "58.00", {"Size": SIZES}),
    Goods("PNT", "Switchback Hiking Pants", "Bottoms", "86.00", {"Waist": _same("30", "32", "34", "36", "38")}),
    Goods("BNE", "Fisherman Wool Beanie", "Headwear", "29.00", {"Color": _colors("Rust", "Ink", "Cream", "Forest")}),
    Goods("CAP", "Packable Sun Cap", "Headwear", "32.00", {"Color": _colors("Sand", "Sky", "Black")}),
    Goods("SOC", "Merino Hiking Socks, 2 pairs", "Socks", "26.50", {"Size": SMALL}, low=30, high=120, grams=140),
    Goods("GLV", "Liner Gloves", "Gloves", "24.00", {"Size": SMALL}),
    Goods("GTR", "Alpine Gaiters", "Footwear", "54.00", {"Size": {"S/M": "SM", "L/XL": "LX"}}),
    Goods("NTB", "Neck Tube", "Headwear", "18.00", {"Color": _colors("Ink", "Moss", "Ember")}, grams=60),
    # Packs and bags
    Goods("DAY-22", "Daypack 22", "Packs", "89.00", {"Color": _colors("Spruce", "Rust", "Black")}),
    Goods(
        "TRK-45",
        "Trek Pack 45",
        "Packs",
        "199.00",
        {"Torso": {"S/M": "SM", "M/L": "ML"}, "Color": _colors("Moss", "Slate")},
        low=2,
        high=12,
        grams=1500,
    ),
    Goods(
        "TRK-65",
        "Trek Pack 65",
        "Packs",
        "239.00",
        {"Torso": {"S/M": "SM", "M/L": "ML"}, "Color": _colors("Moss", "Slate")},
        low=1,
        high=9,
        grams=1900,
    ),
    Goods("HIP-3", "Hip Pack 3", "Packs", "45.00", {"Color": _colors("Clay", "Black")}),
    Goods("RCV", "Pack Rain Cover", "Pack accessories", "34.00", {"Size": SMALL}),
    Goods(
        "DRY",
        "Roll-Top Dry Bag",
        "Bags",
        "22.00",
        {"Volume": {"5 L": "5", "10 L": "10", "20 L": "20", "35 L": "35"}},
        prices={"NP-DRY-10": "26.00", "NP-DRY-20": "31.00", "NP-DRY-35": "38.00"},
    ),
    Goods("CSK", "Compression Sack", "Bags", "36.00", {"Volume": {"15 L": "15", "25 L": "25"}}),
    Goods("STF-3", "Stuff Sack Set of 3", "Bags", "28.00"),
    # Sleep
    Goods(
        "SLB-0", "Tarn Sleeping Bag 0 °C", "Sleeping bags", "249.00", {"Length": _LENGTH}, low=2, high=15, grams=1100
    ),
    Goods(
        "SLB-7",
        "Tarn Sleeping Bag -7 °C",
        "Sleeping bags",
        "319.00",
        {"Length": _LENGTH},
        low=1,
        high=9,
        stock={"NP-SLB-7-LNG": (0, 0)},
        grams=1400,
    ),
    Goods("PAD", "Cloudbed Sleeping Pad", "Pads", "139.00", {"Length": _LENGTH}),
    Goods("PAD-F", "Folding Foam Pad", "Pads", "49.00"),
    Goods("PLW", "Camp Pillow", "Sleep accessories", "34.00", {"Color": _colors("Slate", "Moss")}),
    Goods("LNR", "Silk Sleeping Bag Liner", "Sleep accessories", "62.00"),
    Goods("HMK", "Canopy Hammock", "Hammocks", "69.00", {"Color": _colors("Forest", "Orange")}),
    Goods("HMS", "Hammock Straps", "Hammocks", "29.00"),
    # Shelter
    Goods("TNT-1", "Lookout Tent 1P", "Tents", "329.00", low=2, high=8, grams=1300),
    Goods(
        "TNT-2", "Lookout Tent 2P", "Tents", "399.00", {"Color": _colors("Sand", "Forest")}, low=2, high=10, grams=1800
    ),
    Goods("TNT-3", "Lookout Tent 3P", "Tents", "479.00", low=1, high=6, grams=2300),
    Goods("FTP", "Lookout Footprint", "Tent accessories", "49.00", {"Tent": {"1P": "1", "2P": "2", "3P": "3"}}),
    Goods("TRP", "Ripstop Tarp", "Tarps", "99.00", {"Size": {"3 x 3 m": "33", "3 x 4 m": "34"}}),
    Goods("STK-8", "Y-Stakes, set of 8", "Tent accessories", "24.00", low=25, high=90),
    Goods("GUY", "Reflective Guyline", "Tent accessories", "14.00", {"Length": {"10 m": "10", "20 m": "20"}}),
    # Kitchen
    Goods("STV-TI-2", "Titanium Stove 2", "Stoves", "74.00", low=14, high=30),
    Goods("STV-CAN", "Canister Stove", "Stoves", "49.00"),
    Goods(
        "POT-TI",
        "Titanium Pot",
        "Cookware",
        "59.00",
        {"Volume": {"750 ml": "750", "1100 ml": "1100"}},
        prices={"NP-POT-TI-1100": "72.00"},
    ),
    Goods("CKS-2", "Cookset for Two", "Cookware", "84.00"),
    Goods("SPK-TI", "Titanium Spork", "Cookware", "12.00", low=40, high=150, grams=20),
    Goods("EMG-350", "Enamel Mug 350 ml", "Drinkware", "16.00", {"Color": _colors("Cream", "Spruce", "Ember", "Ink")}),
    Goods(
        "BTL",
        "Insulated Bottle",
        "Drinkware",
        "34.00",
        {"Volume": {"500 ml": "500", "750 ml": "750", "1000 ml": "1000"}, "Color": _colors("Graphite", "Clay")},
    ),
    Goods("FLT", "Squeeze Water Filter", "Water", "44.00"),
    Goods("BWL", "Collapsible Bowl", "Cookware", "15.00", {"Color": _colors("Orange", "Slate")}),
    Goods("FST-1", "Fire Starter", "Fire", "13.00", low=30, high=90, grams=40),
    # Light, tools, safety
    Goods("HDL-300", "Headlamp 300", "Lighting", "39.00", {"Color": _colors("Green", "Graphite")}),
    Goods("HDL-500", "Headlamp 500 Rechargeable", "Lighting", "69.00"),
    Goods("LTN", "Folding Lantern", "Lighting", "42.00"),
    Goods("MTL", "Pocket Multi-Tool", "Tools", "54.00"),
    Goods("KNF", "Folding Knife", "Tools", "48.00", {"Handle": {"Walnut": "WAL", "Olive": "OLV"}}),
    Goods("CMP-1", "Baseplate Compass", "Navigation", "27.00"),
    Goods("WHS-1", "Safety Whistle", "Safety", "8.00", low=60, high=180, grams=15),
    Goods("CAR-3", "Carabiners, set of 3", "Climbing", "21.00", {"Color": _colors("Black", "Orange")}),
    Goods("CAR-3-OLD", "Carabiners, set of 3 (old box)", "Climbing", "17.00", skus={"": "NP-CAR-3-BLK"}, low=3, high=9),
    Goods("FAK", "First Aid Kit", "Safety", "36.00", {"Size": SMALL}),
    Goods(
        "POL",
        "Carbon Trekking Poles",
        "Poles",
        "129.00",
        {"Length": {"110-130 cm": "130", "120-140 cm": "140"}},
        low=3,
        high=14,
    ),
    Goods("BUG-1", "Bug Head Net", "Headwear", "14.00", low=25, high=80, grams=30),
    Goods("SPI", "Trail Microspikes", "Footwear", "69.00", {"Size": SMALL}, low=0, high=5),
    Goods(
        "SNW",
        "Backcountry Snowshoes",
        "Footwear",
        "229.00",
        {"Length": {"22 in": "22", "25 in": "25"}},
        policy="continue",
        stock={"NP-SNW-22": (2, 0), "NP-SNW-25": (0, 0)},
        tags=("preorder",),
        grams=1900,
    ),
    Goods("BER", "Bear Canister", "Safety", "84.00", low=2, high=10, grams=1100),
    # Not stocked, not shipped, not sold any more
    Goods("SHR", "Boot Resoling", "Services", "95.00", tracked=False, grams=0),
    Goods("MAP-D", "Cascades Route Maps, download", "Maps", "19.00", tracked=False, physical=False, grams=0),
    Goods("WAX", "Leather Wax 100 ml", "Care", "14.50", tracked=False),
    Goods("LMP-OLD", "Gas Lantern Classic", "Lighting", "79.00", status="archived", low=1, high=3),
    Goods("SKT", "Ski Touring Skins", "Winter", "149.00", status="draft", low=0, high=0),
]

HARBOUR: list[Goods] = [
    Goods("MUG", "Stoneware Mug", "Mugs", "28.00", {"Glaze": {"Tide": "TID", "Oat": "OAT", "Soot": "SOT"}}, grams=420),
    Goods("MUG-XL", "Stoneware Mug, large", "Mugs", "34.00", {"Glaze": {"Tide": "TID", "Oat": "OAT"}}, grams=560),
    Goods("ESP", "Espresso Cups, pair", "Mugs", "32.00", {"Glaze": {"Tide": "TID", "Soot": "SOT"}}),
    Goods("BWL", "Breakfast Bowl", "Bowls", "30.00", {"Glaze": {"Tide": "TID", "Oat": "OAT", "Soot": "SOT"}}),
    Goods(
        "BWL-S", "Serving Bowl", "Bowls", "64.00", {"Glaze": {"Oat": "OAT", "Soot": "SOT"}}, low=1, high=6, grams=1300
    ),
    Goods("PLT", "Dinner Plate", "Plates", "36.00", {"Glaze": {"Oat": "OAT", "Soot": "SOT"}}, grams=800),
    Goods("PLT-S", "Side Plate", "Plates", "26.00", {"Glaze": {"Oat": "OAT", "Soot": "SOT"}}),
    Goods("PTR", "Water Pitcher", "Serving", "78.00", low=1, high=5, grams=1200),
    Goods("VAS", "Bud Vase", "Vases", "38.00", {"Size": SMALL}, low=2, high=12),
    Goods("PLN", "Ribbed Planter", "Planters", "48.00", {"Size": SMALL}, low=2, high=10, grams=1500),
    Goods("TEA", "Teapot", "Serving", "96.00", low=0, high=4, grams=1100),
    Goods("SPN", "Spoon Rest", "Kitchen", "18.00"),
    Goods("SLT", "Salt Cellar", "Kitchen", "26.00", stock={"HK-SLT": (1,)}),
    Goods("CND", "Harbour Candle", "Candles", "34.00", {"Scent": {"Kelp": "KLP", "Cedar": "CDR"}}),
    Goods("LIN", "Linen Tea Towel", "Textiles", "22.00", {"Color": _colors("Sand", "Slate")}),
]

NEWCOMER: list[Goods] = [
    Goods("NTB", "Pocket Notebook", "Paper", "12.00", {"Ruling": {"Plain": "PLN", "Dot": "DOT", "Lined": "LIN"}}),
    Goods("PEN", "Brass Pen", "Pens", "46.00", low=4, high=20),
    Goods("PCL", "Cedar Pencils, set of 12", "Pens", "18.00"),
]
