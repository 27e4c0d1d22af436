"""Province codes as Shopify wants them: the part of ISO 3166-2 behind the country, per country; pure data.

Marketplaces send a code, a name, a name in capitals or free text. What is not found here is not sent as a province
(Shopify would refuse the whole order): the mapping keeps it in the second address line.
"""

from __future__ import annotations

import re
import unicodedata

# One line a province: code=name|other names.
_TABLE = {
    "US": """
        AL=Alabama AK=Alaska AZ=Arizona AR=Arkansas CA=California CO=Colorado CT=Connecticut DE=Delaware
        DC=District_of_Columbia|Washington_DC FL=Florida GA=Georgia HI=Hawaii ID=Idaho IL=Illinois
        IN=Indiana IA=Iowa KS=Kansas KY=Kentucky LA=Louisiana ME=Maine MD=Maryland MA=Massachusetts MI=Michigan
        MN=Minnesota MS=Mississippi MO=Missouri MT=Montana NE=Nebraska NV=Nevada NH=New_Hampshire NJ=New_Jersey
        NM=New_Mexico NY=New_York NC=North_Carolina ND=North_Dakota OH=Ohio OK=Oklahoma OR=Oregon PA=Pennsylvania
        RI=Rhode_Island SC=South_Carolina SD=South_Dakota TN=Tennessee TX=Texas UT=Utah VT=Vermont VA=Virginia
        WA=Washington WV=West_Virginia WI=Wisconsin WY=Wyoming AS=American_Samoa
        FM=Federated_States_of_Micronesia|Micronesia GU=Guam MH=Marshall_Islands MP=Northern_Mariana_Islands PW=Palau
        PR=Puerto_Rico VI=US_Virgin_Islands|Virgin_Islands AA=Armed_Forces_Americas
        AE=Armed_Forces_Europe AP=Armed_Forces_Pacific
    """,
    "CA": """
        AB=Alberta BC=British_Columbia|Colombie_Britannique MB=Manitoba NB=New_Brunswick|Nouveau_Brunswick
        NL=Newfoundland_and_Labrador|Newfoundland|Terre_Neuve_et_Labrador
        NS=Nova_Scotia|Nouvelle_Ecosse NT=Northwest_Territories NU=Nunavut ON=Ontario
        PE=Prince_Edward_Island|Ile_du_Prince_Edouard QC=Quebec SK=Saskatchewan YT=Yukon|Yukon_Territory
    """,
    "AU": """
        ACT=Australian_Capital_Territory NSW=New_South_Wales NT=Northern_Territory QLD=Queensland SA=South_Australia
        TAS=Tasmania VIC=Victoria WA=Western_Australia
    """,
    "NZ": """
        AUK=Auckland BOP=Bay_of_Plenty CAN=Canterbury CIT=Chatham_Islands GIS=Gisborne HKB=Hawkes_Bay
        MWT=Manawatu_Wanganui|Manawatu_Whanganui MBH=Marlborough NSN=Nelson NTL=Northland OTA=Otago STL=Southland
        TKI=Taranaki TAS=Tasman WKO=Waikato WGN=Wellington WTC=West_Coast
    """,
    "GB": "ENG=England NIR=Northern_Ireland SCT=Scotland WLS=Wales|Cymru BFP=British_Forces",
    "MX": """
        AGS=Aguascalientes|AGU BC=Baja_California|BCN BCS=Baja_California_Sur CAMP=Campeche|CAM CHIS=Chiapas|CHP
        CHIH=Chihuahua|CHH DF=Ciudad_de_Mexico|Mexico_City|CDMX|CMX|Distrito_Federal
        COAH=Coahuila|Coahuila_de_Zaragoza|COA COL=Colima DGO=Durango|DUR GTO=Guanajuato|GUA GRO=Guerrero
        HGO=Hidalgo|HID JAL=Jalisco MEX=Mexico|Estado_de_Mexico MICH=Michoacan|Michoacan_de_Ocampo|MIC MOR=Morelos
        NAY=Nayarit NL=Nuevo_Leon|NLE OAX=Oaxaca PUE=Puebla QRO=Queretaro|Queretaro_de_Arteaga|QUE
        Q_ROO=Quintana_Roo|QROO|ROO SLP=San_Luis_Potosi SIN=Sinaloa SON=Sonora TAB=Tabasco TAMPS=Tamaulipas|TAM
        TLAX=Tlaxcala|TLA VER=Veracruz|Veracruz_de_Ignacio_de_la_Llave YUC=Yucatan ZAC=Zacatecas
    """,
    "BR": """
        AC=Acre AL=Alagoas AP=Amapa AM=Amazonas BA=Bahia CE=Ceara DF=Distrito_Federal ES=Espirito_Santo GO=Goias
        MA=Maranhao MT=Mato_Grosso MS=Mato_Grosso_do_Sul MG=Minas_Gerais PA=Para PB=Paraiba PR=Parana PE=Pernambuco
        PI=Piaui RJ=Rio_de_Janeiro RN=Rio_Grande_do_Norte RS=Rio_Grande_do_Sul RO=Rondonia RR=Roraima
        SC=Santa_Catarina SP=Sao_Paulo SE=Sergipe TO=Tocantins
    """,
    "IT": """
        AG=Agrigento AL=Alessandria AN=Ancona AO=Aosta|Valle_d_Aosta AR=Arezzo AP=Ascoli_Piceno AT=Asti AV=Avellino
        BA=Bari BT=Barletta_Andria_Trani BL=Belluno BN=Benevento BG=Bergamo BI=Biella BO=Bologna BZ=Bolzano|Bozen
        BS=Brescia BR=Brindisi CA=Cagliari CL=Caltanissetta CB=Campobasso CI=Carbonia_Iglesias CE=Caserta CT=Catania
        CZ=Catanzaro CH=Chieti CO=Como CS=Cosenza CR=Cremona KR=Crotone CN=Cuneo EN=Enna FM=Fermo FE=Ferrara
        FI=Firenze|Florence FG=Foggia FC=Forli_Cesena FR=Frosinone GE=Genova|Genoa GO=Gorizia GR=Grosseto IM=Imperia
        IS=Isernia AQ=L_Aquila|Aquila SP=La_Spezia LT=Latina LE=Lecce LC=Lecco LI=Livorno LO=Lodi LU=Lucca MC=Macerata
        MN=Mantova|Mantua MS=Massa_Carrara MT=Matera VS=Medio_Campidano ME=Messina MI=Milano|Milan MO=Modena
        MB=Monza_e_Brianza|Monza_e_della_Brianza NA=Napoli|Naples NO=Novara NU=Nuoro OG=Ogliastra OT=Olbia_Tempio
        OR=Oristano PD=Padova|Padua PA=Palermo PR=Parma PV=Pavia PG=Perugia PU=Pesaro_e_Urbino PE=Pescara PC=Piacenza
        PI=Pisa PT=Pistoia PN=Pordenone PZ=Potenza PO=Prato RG=Ragusa RA=Ravenna RC=Reggio_Calabria|Reggio_di_Calabria
        RE=Reggio_Emilia|Reggio_nell_Emilia RI=Rieti RN=Rimini RM=Roma|Rome RO=Rovigo SA=Salerno SS=Sassari SV=Savona
        SI=Siena SR=Siracusa|Syracuse SO=Sondrio TA=Taranto TE=Teramo TR=Terni TO=Torino|Turin TP=Trapani TN=Trento
        TV=Treviso TS=Trieste UD=Udine VA=Varese VE=Venezia|Venice VB=Verbano_Cusio_Ossola VC=Vercelli VR=Verona
        VV=Vibo_Valentia VI=Vicenza VT=Viterbo
    """,
    "ES": """
        C=A_Coruna|La_Coruna|Coruna VI=Alava|Araba AB=Albacete A=Alicante|Alacant AL=Almeria O=Asturias AV=Avila
        BA=Badajoz PM=Balears|Illes_Balears|Islas_Baleares|Baleares|Balearic_Islands B=Barcelona BU=Burgos CC=Caceres
        CA=Cadiz S=Cantabria CS=Castellon|Castello CE=Ceuta CR=Ciudad_Real CO=Cordoba CU=Cuenca
        GI=Girona|Gerona GR=Granada GU=Guadalajara SS=Gipuzkoa|Guipuzcoa H=Huelva HU=Huesca J=Jaen LO=La_Rioja
        GC=Las_Palmas LE=Leon L=Lleida|Lerida LU=Lugo M=Madrid MA=Malaga ML=Melilla MU=Murcia NA=Navarra|Nafarroa
        OR=Ourense|Orense P=Palencia PO=Pontevedra SA=Salamanca TF=Santa_Cruz_de_Tenerife|Tenerife SG=Segovia
        SE=Sevilla|Seville SO=Soria T=Tarragona TE=Teruel TO=Toledo V=Valencia VA=Valladolid
        BI=Bizkaia|Vizcaya ZA=Zamora Z=Zaragoza
    """,
    "JP": """
        JP-01=Hokkaido|北海道 JP-02=Aomori|青森県 JP-03=Iwate|岩手県 JP-04=Miyagi|宮城県 JP-05=Akita|秋田県
        JP-06=Yamagata|山形県 JP-07=Fukushima|福島県 JP-08=Ibaraki|茨城県 JP-09=Tochigi|栃木県 JP-10=Gunma|群馬県
        JP-11=Saitama|埼玉県 JP-12=Chiba|千葉県 JP-13=Tokyo|東京都 JP-14=Kanagawa|神奈川県 JP-15=Niigata|新潟県
        JP-16=Toyama|富山県 JP-17=Ishikawa|石川県 JP-18=Fukui|福井県 JP-19=Yamanashi|山梨県 JP-20=Nagano|長野県
        JP-21=Gifu|岐阜県 JP-22=Shizuoka|静岡県 JP-23=Aichi|愛知県 JP-24=Mie|三重県 JP-25=Shiga|滋賀県
        JP-26=Kyoto|京都府 JP-27=Osaka|大阪府 JP-28=Hyogo|兵庫県 JP-29=Nara|奈良県 JP-30=Wakayama|和歌山県
        JP-31=Tottori|鳥取県 JP-32=Shimane|島根県 JP-33=Okayama|岡山県 JP-34=Hiroshima|広島県 JP-35=Yamaguchi|山口県
        JP-36=Tokushima|徳島県 JP-37=Kagawa|香川県 JP-38=Ehime|愛媛県 JP-39=Kochi|高知県 JP-40=Fukuoka|福岡県
        JP-41=Saga|佐賀県 JP-42=Nagasaki|長崎県 JP-43=Kumamoto|熊本県 JP-44=Oita|大分県 JP-45=Miyazaki|宮崎県
        JP-46=Kagoshima|鹿児島県 JP-47=Okinawa|沖縄県
    """,
    "IN": """
        AN=Andaman_and_Nicobar|Andaman_and_Nicobar_Islands AP=Andhra_Pradesh AR=Arunachal_Pradesh AS=Assam BR=Bihar
        CH=Chandigarh CG=Chhattisgarh|CT DN=Dadra_and_Nagar_Haveli|Dadra_and_Nagar_Haveli_and_Daman_and_Diu
        DD=Daman_and_Diu DL=Delhi|New_Delhi GA=Goa GJ=Gujarat HR=Haryana HP=Himachal_Pradesh JK=Jammu_and_Kashmir
        JH=Jharkhand KA=Karnataka KL=Kerala LA=Ladakh LD=Lakshadweep MP=Madhya_Pradesh MH=Maharashtra MN=Manipur
        ML=Meghalaya MZ=Mizoram NL=Nagaland OR=Odisha|Orissa|OD PY=Puducherry|Pondicherry PB=Punjab RJ=Rajasthan
        SK=Sikkim TN=Tamil_Nadu TS=Telangana|TG TR=Tripura UP=Uttar_Pradesh UK=Uttarakhand|Uttaranchal|UT
        WB=West_Bengal
    """,
    "IE": """
        CW=Carlow CN=Cavan CE=Clare CO=Cork DL=Donegal D=Dublin G=Galway KY=Kerry KE=Kildare KK=Kilkenny LS=Laois
        LM=Leitrim LK=Limerick LD=Longford LH=Louth MO=Mayo MH=Meath MN=Monaghan OY=Offaly RN=Roscommon SO=Sligo
        TA=Tipperary WD=Waterford WH=Westmeath WX=Wexford WW=Wicklow
    """,
    "AE": """
        AZ=Abu_Dhabi AJ=Ajman DU=Dubai FU=Fujairah RK=Ras_al_Khaimah SH=Sharjah UQ=Umm_al_Quwain
    """,
}

COUNTRIES_OF_STATES = {
    "AS": "AS", "FM": "FM", "GU": "GU", "MH": "MH", "MP": "MP", "PR": "PR", "PW": "PW", "VI": "VI",
}  # fmt: skip
"""ISO countries Shopify does not have, because it takes them as states of the US."""


def _folded(text: str) -> str:
    """Return the text for comparing: no accents, no case, words apart by one blank."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not "\u0300" <= sign <= "\u036f")
    return " ".join(re.findall(r"\w+", plain.replace("_", " ").replace("&", " and ").casefold()))


def _read(table: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for entry in table.split():
        code, _, names = entry.partition("=")
        # Shopify's code of Quintana Roo holds a blank.
        code = "Q ROO" if code == "Q_ROO" else code
        for name in (code, *names.split("|")):
            known.setdefault(_folded(name), code)
    return known


_CODES = {country: _read(table) for country, table in _TABLE.items()}

_NUMBERED = re.compile(r"(?:JP[ -]?)?(\d{1,2})")


def codes(country: str) -> frozenset[str]:
    """Return the province codes of a country we have a table for, none for another."""
    return frozenset(_CODES.get(country, {}).values())


def code_for(country: str, region: str) -> str:
    """Return Shopify's province code for a region's code or name, or "" when it is not one we know.

    `country` is ISO 3166-1 alpha-2. Case, accents, dots and a leading country ("US-CA") do not matter.
    """
    known = _CODES.get(country)
    if known is None or not region.strip():
        return ""
    folded = _folded(region.replace(".", ""))
    without_country = folded.removeprefix(f"{country.casefold()} ")
    without_suffix = re.sub(r"^(county|co) | (county|prefecture|ken|to|fu|state|province|provincia)$", "", folded)
    if country == "JP" and (numbered := _NUMBERED.fullmatch(region.strip().upper())):
        return known.get(_folded(f"JP-{int(numbered.group(1)):02d}"), "")
    return known.get(folded) or known.get(without_country) or known.get(without_suffix) or ""
