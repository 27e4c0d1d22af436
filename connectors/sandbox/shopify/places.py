"""Countries whose regions the pretend shop knows, and the checks it makes on addresses, e-mails and phones.

Shopify accepts free text for a country it has no regions for; for the others a region must be one of its own. The tables follow ISO 3166-2
(https://www.iso.org/obp/ui/) for the countries a demo or test order comes from.
"""

from __future__ import annotations

import re

_US = (
    "AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware DC:District_of_Columbia FL:Florida "
    "GA:Georgia HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine MD:Maryland "
    "MA:Massachusetts MI:Michigan MN:Minnesota MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada NH:New_Hampshire "
    "NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina ND:North_Dakota OH:Ohio OK:Oklahoma OR:Oregon PA:Pennsylvania "
    "RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah VT:Vermont VA:Virginia WA:Washington "
    "WV:West_Virginia WI:Wisconsin WY:Wyoming AS:American_Samoa GU:Guam MP:Northern_Mariana_Islands PR:Puerto_Rico "
    "VI:US_Virgin_Islands UM:US_Outlying_Islands FM:Micronesia MH:Marshall_Islands PW:Palau AA:Armed_Forces_Americas AE:Armed_Forces_Europe AP:Armed_Forces_Pacific"
)
_CA = (
    "AB:Alberta BC:British_Columbia MB:Manitoba NB:New_Brunswick NL:Newfoundland_and_Labrador NT:Northwest_Territories NS:Nova_Scotia "
    "NU:Nunavut ON:Ontario PE:Prince_Edward_Island QC:Quebec SK:Saskatchewan YT:Yukon"
)
_AU = (
    "ACT:Australian_Capital_Territory NSW:New_South_Wales NT:Northern_Territory QLD:Queensland SA:South_Australia TAS:Tasmania "
    "VIC:Victoria WA:Western_Australia"
)
_GB = "ENG:England NIR:Northern_Ireland SCT:Scotland WLS:Wales BFP:British_Forces"
_IE = (
    "CW:Carlow CN:Cavan CE:Clare CO:Cork DL:Donegal D:Dublin G:Galway KY:Kerry KE:Kildare KK:Kilkenny LS:Laois LM:Leitrim LK:Limerick "
    "LD:Longford LH:Louth MO:Mayo MH:Meath MN:Monaghan OY:Offaly RN:Roscommon SO:Sligo TA:Tipperary WD:Waterford WH:Westmeath WX:Wexford "
    "WW:Wicklow"
)
_MX = (
    "AGS:Aguascalientes BC:Baja_California BCS:Baja_California_Sur CAMP:Campeche CHIS:Chiapas CHIH:Chihuahua DF:Ciudad_de_México "
    "COAH:Coahuila COL:Colima DGO:Durango GTO:Guanajuato GRO:Guerrero HGO:Hidalgo JAL:Jalisco MEX:México MICH:Michoacán MOR:Morelos "
    "NAY:Nayarit NL:Nuevo_León OAX:Oaxaca PUE:Puebla Q_ROO:Quintana_Roo QRO:Querétaro SLP:San_Luis_Potosí SIN:Sinaloa SON:Sonora "
    "TAB:Tabasco TAMPS:Tamaulipas TLAX:Tlaxcala VER:Veracruz YUC:Yucatán ZAC:Zacatecas"
)
_BR = (
    "AC:Acre AL:Alagoas AP:Amapá AM:Amazonas BA:Bahia CE:Ceará DF:Distrito_Federal ES:Espírito_Santo GO:Goiás MA:Maranhão MT:Mato_Grosso "
    "MS:Mato_Grosso_do_Sul MG:Minas_Gerais PA:Pará PB:Paraíba PR:Paraná PE:Pernambuco PI:Piauí RN:Rio_Grande_do_Norte "
    "RS:Rio_Grande_do_Sul RJ:Rio_de_Janeiro RO:Rondônia RR:Roraima SC:Santa_Catarina SP:São_Paulo SE:Sergipe TO:Tocantins"
)
_NZ = (
    "AUK:Auckland BOP:Bay_of_Plenty CAN:Canterbury GIS:Gisborne HKB:Hawke’s_Bay MWT:Manawatū-Whanganui MBH:Marlborough NSN:Nelson "
    "NTL:Northland OTA:Otago STL:Southland TKI:Taranaki TAS:Tasman WKO:Waikato WGN:Wellington WTC:West_Coast"
)


def _table(text: str) -> dict[str, str]:
    return {code.replace("Q_ROO", "Q ROO"): name.replace("_", " ") for code, _, name in (pair.partition(":") for pair in text.split())}


REGIONS: dict[str, dict[str, str]] = {
    country: _table(text)
    for country, text in {"US": _US, "CA": _CA, "AU": _AU, "GB": _GB, "IE": _IE, "MX": _MX, "BR": _BR, "NZ": _NZ}.items()
}
COUNTRIES: dict[str, str] = {
    "US": "United States", "CA": "Canada", "GB": "United Kingdom", "AU": "Australia", "IE": "Ireland", "MX": "Mexico", "BR": "Brazil",
    "NZ": "New Zealand", "DE": "Germany", "FR": "France", "IT": "Italy", "ES": "Spain", "NL": "Netherlands", "BE": "Belgium", "SE": "Sweden",
    "PL": "Poland", "AT": "Austria", "CH": "Switzerland", "DK": "Denmark", "NO": "Norway", "FI": "Finland", "PT": "Portugal", "JP": "Japan",
    "SG": "Singapore", "IN": "India", "AE": "United Arab Emirates", "SA": "Saudi Arabia", "TR": "Turkey", "EG": "Egypt", "ZA": "South Africa",
}  # fmt: skip
_EMAIL = re.compile(r"^[^@\s,;<>()\[\]\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$")
_PHONE = re.compile(r"^\+?[0-9 ().\-/]{5,24}$")


def valid_email(text: str) -> bool:
    """Say whether Shopify would take this as an e-mail address (no check that it can receive mail)."""
    return len(text) <= 255 and bool(_EMAIL.match(text)) and ".." not in text


def valid_phone(text: str) -> bool:
    """Say whether Shopify would take this as a phone number: digits and marks, no letters, no "ext."."""
    return bool(_PHONE.match(text)) and 5 <= sum(c.isdigit() for c in text) <= 15


def region(country: str | None, code: str | None, name: str | None) -> tuple[str | None, str | None, bool]:
    """Return (code, name, is it valid) of a region given by code or by name in a country.

    A country without a table takes any text; a country with one refuses what is not in it.
    """
    table = REGIONS.get(country or "")
    if table is None:
        return code, name or code, True
    if code:
        known = table.get(code.upper())
        return (code.upper(), known, True) if known else (code, None, False)
    if name:
        found = next((c for c, n in table.items() if n.casefold() == name.casefold() or c == name.upper()), None)
        return (found, table[found], True) if found else (None, name, False)
    return None, None, True


def country(code: str | None, name: str | None) -> tuple[str | None, str | None]:
    """Return (ISO code, English name) of a country given by code or by name; the code itself where the name is not known."""
    if code:
        return code, COUNTRIES.get(code, code)
    if name:
        found = next((c for c, n in COUNTRIES.items() if n.casefold() == name.casefold() or c == name.upper()), None)
        return found, name
    return None, None
