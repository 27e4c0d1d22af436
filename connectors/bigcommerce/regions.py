"""Names of states and countries as BigCommerce wants them: full names, never codes; pure data.

BigCommerce has lists of states for these countries and asks for the full name ("California", not CA). A region of
another country, or one that is not found here, is sent as the marketplace gave it.
"""

from __future__ import annotations

import re

from babel import Locale

# One line a country: code=name, spaces as underscores.
_TABLE = {
    "US": """
        AL=Alabama AK=Alaska AZ=Arizona AR=Arkansas CA=California CO=Colorado CT=Connecticut DE=Delaware
        DC=District_of_Columbia FL=Florida GA=Georgia HI=Hawaii ID=Idaho IL=Illinois IN=Indiana IA=Iowa KS=Kansas
        KY=Kentucky LA=Louisiana ME=Maine MD=Maryland MA=Massachusetts MI=Michigan MN=Minnesota MS=Mississippi
        MO=Missouri MT=Montana NE=Nebraska NV=Nevada NH=New_Hampshire NJ=New_Jersey NM=New_Mexico NY=New_York
        NC=North_Carolina ND=North_Dakota OH=Ohio OK=Oklahoma OR=Oregon PA=Pennsylvania RI=Rhode_Island
        SC=South_Carolina SD=South_Dakota TN=Tennessee TX=Texas UT=Utah VT=Vermont VA=Virginia WA=Washington
        WV=West_Virginia WI=Wisconsin WY=Wyoming AS=American_Samoa FM=Federated_States_Of_Micronesia GU=Guam
        MH=Marshall_Islands MP=Northern_Mariana_Islands PW=Palau PR=Puerto_Rico VI=Virgin_Islands
        AA=Armed_Forces_Americas AE=Armed_Forces_Europe AP=Armed_Forces_Pacific
    """,
    "CA": """
        AB=Alberta BC=British_Columbia MB=Manitoba NB=New_Brunswick NL=Newfoundland_and_Labrador NS=Nova_Scotia
        NT=Northwest_Territories NU=Nunavut ON=Ontario PE=Prince_Edward_Island QC=Quebec SK=Saskatchewan
        YT=Yukon_Territory
    """,
    "AU": """
        ACT=Australian_Capital_Territory NSW=New_South_Wales NT=Northern_Territory QLD=Queensland SA=South_Australia
        TAS=Tasmania VIC=Victoria WA=Western_Australia
    """,
}

_NAMES = {
    country: {code: name.replace("_", " ") for code, _, name in (entry.partition("=") for entry in table.split())}
    for country, table in _TABLE.items()
}

_COUNTRY_ALIASES = {"UK": "GB"}
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z .'-]*")
_ENGLISH = Locale("en")


def country_code(text: str) -> str:
    """Return the ISO 3166-1 code of a country as marketplaces write it: capitals, GB for UK."""
    code = text.strip().upper()
    return _COUNTRY_ALIASES.get(code, code)


def is_country(code: str) -> bool:
    """Say whether there is a country with this code."""
    return len(code) == 2 and code in _ENGLISH.territories


def country_name(code: str) -> str:
    """Return a country's English name, "" where lists of countries are likely to differ ("Hong Kong SAR China").

    The code alone says which country it is; a name that BigCommerce does not know would only do harm.
    """
    name = str(_ENGLISH.territories.get(code, ""))
    return name if _PLAIN_NAME.fullmatch(name) and "SAR" not in name else ""


def state_name(country: str, region: str) -> str:
    """Return the full name of a state: from its code (also US-CA) or its name in whatever case; else as given."""
    text = " ".join(region.split())
    known = _NAMES.get(country, {})
    code = text.upper().removeprefix(f"{country}-").rstrip(".")
    if code in known:
        return known[code]
    folded = text.casefold()
    return next((name for name in known.values() if name.casefold() == folded), text)
