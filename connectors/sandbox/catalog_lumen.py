"""The goods of Lumen & Loom, the demo's third merchant: candles, textiles and lamps. One line each, as in
``catalog_goods.py``; prices are US dollars."""

from __future__ import annotations

from connectors.sandbox.catalog_goods import Goods, Modifier

ENGRAVED = "LL-ENG"
"""The product that cannot be bought without a text to engrave."""
GIFT_TRIO = "LL-GFT-3"
"""The product that cannot be bought without a choice of gift box."""

_SCENTS = {
    "Fig & Cedar": "FIG",
    "Sea Salt": "SEA",
    "Honeysuckle": "HON",
    "Tobacco Leaf": "TOB",
    "Unscented": "UNS",
}
_SHADES = {"Natural": "NAT", "Clay": "CLY", "Moss": "MOS", "Indigo": "IND", "Oat": "OAT", "Charcoal": "CHR"}


def _scents(*names: str) -> dict[str, dict[str, str]]:
    return {"Scent": {name: _SCENTS[name] for name in names}}


def _shades(*names: str) -> dict[str, str]:
    return {name: _SHADES[name] for name in names}


def _color(*names: str) -> dict[str, dict[str, str]]:
    return {"Color": _shades(*names)}


LUMEN: list[Goods] = [
    # Candles
    Goods(
        "CDL-8",
        "Amber Jar Candle 8 oz",
        "Candles",
        "26.00",
        _scents("Fig & Cedar", "Sea Salt", "Honeysuckle", "Tobacco Leaf", "Unscented"),
        low=20,
        high=90,
        tags=("soy",),
        grams=480,
    ),
    Goods(
        "CDL-16",
        "Amber Jar Candle 16 oz",
        "Candles",
        "42.00",
        _scents("Fig & Cedar", "Sea Salt", "Unscented"),
        stock={"LL-CDL-16-SEA": (1, 0)},
        grams=860,
    ),
    Goods("RFL-8", "Candle Refill 8 oz", "Candles", "18.00", _scents("Fig & Cedar", "Sea Salt", "Honeysuckle")),
    Goods(
        "TIN-4",
        "Travel Tin Candle 4 oz",
        "Candles",
        "14.00",
        _scents("Fig & Cedar", "Sea Salt", "Honeysuckle"),
        low=25,
        high=110,
        grams=160,
    ),
    Goods("WAX-6", "Wax Melts, bag of 6", "Candles", "12.00", _scents("Fig & Cedar", "Honeysuckle"), grams=90),
    Goods(
        "PIL",
        "Beeswax Pillar",
        "Candles",
        "22.00",
        {"Height": {"4 in": "4", "6 in": "6", "9 in": "9"}},
        prices={"LL-PIL-6": "29.00", "LL-PIL-9": "38.00"},
        grams=420,
    ),
    Goods("TPR-2", "Beeswax Tapers, pair", "Candles", "16.00", _color("Natural", "Clay", "Moss"), grams=120),
    Goods("TEA-12", "Tealights, set of 12", "Candles", "15.00", low=30, high=120, grams=210),
    Goods("FLT-6", "Floating Candles, set of 6", "Candles", "19.00", _color("Natural", "Indigo")),
    Goods("WNT", "Winter Spice Candle, limited", "Candles", "32.00", stock={"LL-WNT": (1, 0)}, tags=("limited",)),
    Goods(
        "ENG",
        "Engraved Candle Vessel",
        "Candles",
        "48.00",
        low=6,
        high=20,
        modifiers=(Modifier("Engraving", "text"),),
        grams=700,
    ),
    Goods(
        "GFT-3",
        "Candle Gift Trio",
        "Gifts",
        "64.00",
        low=6,
        high=20,
        modifiers=(Modifier("Gift box", "choice", ("Kraft box", "Linen pouch", "Cedar crate")),),
        grams=1300,
    ),
    Goods("TRM", "Wick Trimmer", "Candle tools", "18.00", {"Finish": {"Brass": "BRS", "Black": "BLK"}}, grams=110),
    Goods("SNF", "Brass Snuffer", "Candle tools", "21.00", grams=130),
    Goods("MTC", "Matches in a Glass Bottle", "Candle tools", "13.00", _color("Clay", "Indigo"), grams=180),
    Goods("HLD", "Taper Holder", "Candle holders", "24.00", {"Finish": {"Brass": "BRS", "Iron": "IRN"}}, grams=260),
    Goods(
        "LNT",
        "Punched Tin Lantern",
        "Candle holders",
        "46.00",
        {"Size": {"Small": "S", "Large": "L"}},
        prices={"LL-LNT-L": "68.00"},
        low=2,
        high=11,
        grams=900,
    ),
    # Textiles
    Goods("THR", "Wool Throw", "Throws", "128.00", _color("Oat", "Moss", "Indigo"), low=3, high=16, grams=950),
    Goods(
        "BLK",
        "Lambswool Blanket",
        "Throws",
        "198.00",
        {"Size": {"Twin": "TW", "Queen": "QN"}, **_color("Oat", "Charcoal")},
        prices={"LL-BLK-QN-OAT": "248.00", "LL-BLK-QN-CHR": "248.00"},
        low=1,
        high=9,
        grams=1700,
    ),
    Goods(
        "CSH",
        "Linen Cushion Cover",
        "Cushions",
        "38.00",
        {"Size": {"18 in": "18", "20 in": "20"}, **_color("Natural", "Clay", "Indigo")},
        grams=220,
    ),
    Goods("INS", "Feather Cushion Insert", "Cushions", "24.00", {"Size": {"18 in": "18", "20 in": "20"}}, grams=800),
    Goods("NAP-4", "Linen Napkins, set of 4", "Table linen", "44.00", _color("Natural", "Clay", "Moss")),
    Goods("RUN", "Table Runner", "Table linen", "58.00", _color("Natural", "Indigo")),
    Goods("PLC-4", "Woven Placemats, set of 4", "Table linen", "52.00", _color("Oat", "Charcoal")),
    Goods("TTW", "Waffle Tea Towel", "Kitchen linen", "18.00", _color("Natural", "Clay", "Moss"), low=15, high=80),
    Goods("APR", "Cross-Back Apron", "Kitchen linen", "64.00", _color("Natural", "Charcoal"), low=4, high=20),
    Goods(
        "CUR",
        "Linen Curtain Panel",
        "Curtains",
        "112.00",
        {"Length": {"84 in": "84", "96 in": "96"}, **_color("Natural", "Oat")},
        low=3,
        high=14,
        grams=900,
    ),
    Goods("QLT", "Patchwork Quilt", "Throws", "340.00", {"Size": {"Twin": "TW", "Queen": "QN"}}, low=2, high=5),
    Goods("WHG", "Woven Wall Hanging", "Wall", "145.00", stock={"LL-WHG": (0, 1)}, tags=("one of a kind",)),
    Goods("BTH", "Turkish Bath Towel", "Bath", "39.00", _color("Oat", "Clay", "Indigo"), grams=400),
    Goods(
        "RUG",
        "Rag Rug",
        "Rugs",
        "74.00",
        {"Size": {"2 x 3 ft": "23", "3 x 5 ft": "35"}},
        prices={"LL-RUG-35": "118.00"},
        low=2,
        high=9,
        grams=1600,
    ),
    Goods("TOT", "Handwoven Tote", "Bags", "56.00", _color("Oat", "Indigo")),
    # Lamps
    Goods(
        "LMP-TBL",
        "Ceramic Table Lamp",
        "Lamps",
        "168.00",
        {"Glaze": {"Chalk": "CHK", "Celadon": "CEL", "Rust": "RST"}},
        stock={"LL-LMP-TBL-RST": (0, 0)},
        low=2,
        high=9,
        grams=2900,
    ),
    Goods("LMP-FLR", "Tripod Floor Lamp", "Lamps", "289.00", {"Wood": {"Oak": "OAK", "Walnut": "WAL"}}, low=1, high=6),
    Goods("LMP-PND", "Rattan Pendant", "Lamps", "134.00", {"Size": {"Small": "S", "Large": "L"}}, low=2, high=9),
    Goods("LMP-CLP", "Clip Reading Lamp", "Lamps", "58.00", grams=620),
    Goods("SHD", "Linen Lamp Shade", "Lamp parts", "49.00", {"Size": {"10 in": "10", "14 in": "14"}}, grams=350),
    Goods("BLB", "Filament Bulb E26", "Lamp parts", "11.00", low=40, high=160, grams=60),
    Goods("CRD", "Cloth Lamp Cord", "Lamp parts", "27.00", _color("Natural", "Charcoal"), grams=180),
    # Kits and what is not counted, shipped or shown
    Goods("KIT-C", "Candle Making Kit", "Kits", "54.00", low=6, high=24, grams=1500),
    Goods("KIT-W", "Beginner Weaving Kit", "Kits", "68.00", low=6, high=24, grams=1200),
    Goods("OFC", "Beeswax Offcuts, by the bag", "Supplies", "9.00", tracked=False, grams=450),
    Goods("PAT-D", "Herringbone Weaving Pattern, PDF", "Patterns", "12.00", tracked=False, physical=False, grams=0),
    Goods("SEC", "Workshop Second: Table Lamp", "Lamps", "95.00", low=2, high=4, visible=False, grams=2900),
]
