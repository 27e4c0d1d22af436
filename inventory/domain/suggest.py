"""Which store product an unmatched marketplace SKU might be: a score from 0 to 100 and the reason (F47). Pure.

Three ways to be alike: the same barcode, a near SKU, near words of title and options. Nothing here decides anything: a
person accepts a suggestion or does not. Only one merchant's own products and lines are ever compared (MECHANISMS 18).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from salestio.lib.text import words

LOWEST = 40
"""Below this nothing is suggested."""
CLOSE = 4
"""When the runner-up is this near, the best one is a guess between two and loses `DOUBT`."""
DOUBT = 20
OTHER = 25
"""What a near SKU loses when its digits, its size or the chosen options are others: most often that is another variant,
and whoever accepts many at once must not sell a pack of six for one."""
_SIZES = frozenset(["xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "5xl"])
_SIGNS = re.compile(r"[\W_]+")
_CANDIDATES = 25
_COMMON = 400
"""A word or a piece of a SKU that more products have tells nothing and is not looked up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the marketplace's SKU."""

    sku: str
    title: str = ""
    variation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A store variant as it is compared; `label` are its option values."""

    sku: str
    barcode: str
    title: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The best fitting product with why; `rival` is the title of one that fits nearly as well."""

    product: Product
    score: int
    reason: str
    rival: str = ""


def gtin(text: str) -> str:
    """Return a UPC, EAN, ISBN-13 or GTIN as 14 digits, "" when it is none (wrong length or check digit)."""
    digits = text.strip().replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) not in (8, 12, 13, 14):
        return ""
    full = digits.zfill(14)
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(full[:13]))
    return full if int(full) and (10 - weighed % 10) % 10 == int(full[13]) else ""


def barcode_forms(text: str) -> tuple[str, ...]:
    """Return every way a store may have written this barcode, from 8 to 14 digits; none when it is no barcode."""
    full = gtin(text)
    return tuple(full[14 - length :] for length in (8, 12, 13, 14) if full and int(full[: 14 - length] or "0") == 0)


@lru_cache(maxsize=65536)
def bare(sku: str) -> str:
    """Return a SKU without case and signs: NP-MUG-01 and np_mug01 are alike."""
    return "".join(letter for letter in sku.casefold() if letter.isalnum())


def _pieces(text: str) -> set[str]:
    return {text[place : place + 3] for place in range(len(text) - 2)} or {text}


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters must change, or `most` + 1 when they are more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, there in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != there)))
        if min(now) > most:
            return most + 1
        before = now
    return min(before[-1], most + 1)


class Shelf:
    """A store's products, so arranged that looking one up does not compare it with every other."""

    def __init__(self, products: Sequence[Product]) -> None:
        """Take the products that can be suggested: those with a SKU that no other product has."""
        times = Counter(product.sku.strip() for product in products)
        self.shared = {sku for sku, number in times.items() if sku and number > 1}
        self.products = [product for product in products if product.sku.strip() and times[product.sku.strip()] == 1]
        self._words = [set(words(f"{product.title} {product.label}")) for product in self.products]
        self._by_barcode: dict[str, list[int]] = defaultdict(list)
        self._by_bare: dict[str, list[int]] = defaultdict(list)
        self._by_piece: dict[str, list[int]] = defaultdict(list)
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for place, product in enumerate(self.products):
            if product.barcode and (code := gtin(product.barcode)):
                self._by_barcode[code].append(place)
            plain = bare(product.sku)
            self._by_bare[plain].append(place)
            for piece in _pieces(plain):
                self._by_piece[piece].append(place)
            for word in self._words[place]:
                self._by_word[word].append(place)
        self._weight = {word: math.log(1 + len(self.products) / len(places)) for word, places in self._by_word.items()}
        self._rare = math.log(1 + max(len(self.products), 1))

    def suggest(self, wanted: Wanted) -> Suggestion | None:
        """Return the best fitting product, None when nothing is alike enough.

        A SKU that several products share has its product among them: whatever else is alike would be the wrong one.
        """
        if wanted.sku.strip() in self.shared:
            return None
        found: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for scored in (self._same_barcode(wanted), self._near_sku(wanted), self._near_title(wanted)):
            for place, score, reason in scored:
                found[place].append((score, reason))
        ranked = sorted(
            ((_together(told), place) for place, told in found.items()), key=lambda one: (-one[0][0], one[1])
        )
        if not ranked or ranked[0][0][0] < LOWEST:
            return None
        (score, reason), place = ranked[0]
        rival = ""
        if len(ranked) > 1 and score - ranked[1][0][0] <= CLOSE:
            other = self.products[ranked[1][1]]
            rival = f"{other.title}: {other.label}" if other.label else other.title
            score = max(score - DOUBT, LOWEST)
        return Suggestion(self.products[place], score, reason, rival)

    def _same_barcode(self, wanted: Wanted) -> list[tuple[int, int, str]]:
        code = gtin(wanted.sku)
        return (
            [(place, 97, f"Same barcode {code.lstrip('0')}") for place in self._by_barcode.get(code, ())]
            if code
            else []
        )

    def _near_sku(self, wanted: Wanted) -> list[tuple[int, int, str]]:
        mine = bare(wanted.sku)
        if len(mine) < 3:
            return []
        if mine in self._by_bare:
            return [(place, 95, "Same SKU but for signs and case") for place in self._by_bare[mine]]
        shared: Counter[int] = Counter()
        for piece in _pieces(mine):
            places = self._by_piece.get(piece, ())
            if len(places) <= _COMMON:
                shared.update(places)
        values = _values(wanted)
        told = []
        for place, _ in shared.most_common(_CANDIDATES):
            theirs = self.products[place].sku
            score, reason = _sku_score(mine, bare(theirs))
            if _digits(mine) != _digits(theirs) or _sizes(wanted.sku) != _sizes(theirs) or values - self._words[place]:
                score -= OTHER
            if score > 0:
                told.append((place, score, reason))
        return told

    def _near_title(self, wanted: Wanted) -> list[tuple[int, int, str]]:
        values = _values(wanted)
        mine = set(words(wanted.title)) | values
        if not mine:
            return []
        shared: dict[int, float] = defaultdict(float)
        for word in mine:
            places = self._by_word.get(word, ())
            if len(places) <= _COMMON:
                for place in places:
                    shared[place] += self._weight[word]
        best = sorted(shared, key=lambda place: (-shared[place], place))[:_CANDIDATES]
        return [told for place in best if (told := self._title_score(place, mine, values)) is not None]

    def _title_score(self, place: int, mine: set[str], values: set[str]) -> tuple[int, int, str] | None:
        theirs = self._words[place]
        both, either = mine & theirs, mine | theirs
        of_all = sum(self._weight.get(word, self._rare) for word in either)
        likeness = sum(self._weight[word] for word in both) / of_all if of_all else 0.0
        # A marketplace's title is often the store's with more words around it.
        contained = sum(self._weight[word] for word in both) / max(sum(self._weight[word] for word in theirs), 0.001)
        score = round(90 * max(likeness, 0.8 * contained if len(theirs) > 1 else 0.0))
        if values and not values <= theirs:
            score -= OTHER
        if score < LOWEST:
            return None
        return place, score, f"{len(both)} of {len(theirs)} words of its title and options are the same"


def _values(wanted: Wanted) -> set[str]:
    """Return the words of the options that were chosen."""
    return {word for _, value in wanted.variation for word in words(value)}


def _digits(sku: str) -> str:
    return "".join(letter for letter in sku if letter.isdigit())


def _sizes(sku: str) -> frozenset[str]:
    """Return the sizes a SKU names between its signs: TEE-RED-XL has XL."""
    return _SIZES & frozenset(_SIGNS.split(sku.casefold()))


def _sku_score(mine: str, theirs: str) -> tuple[int, str]:
    """Return how alike two bare SKUs are, 0 for not."""
    shorter, longer = sorted((mine, theirs), key=len)
    if len(shorter) >= 4 and (longer.startswith(shorter) or longer.endswith(shorter)):
        word = "begins" if longer.startswith(shorter) else "ends"
        return round(60 + 30 * len(shorter) / len(longer)), f"The longer SKU {word} with the other"
    most = max(len(longer) // 4, 1)
    changed = distance(mine, theirs, most)
    if changed > most or len(shorter) < 4:
        return _shared_score(mine, theirs)
    return round(
        90 - 100 * changed / len(longer)
    ), f"{changed} letter{'' if changed == 1 else 's'} of the SKU differ{'s' if changed == 1 else ''}"


def _shared_score(mine: str, theirs: str) -> tuple[int, str]:
    """Return how much of the longer SKU stands unbroken in the other: STV-TI-2-CA and NP-STV-TI-2 share stvti2."""
    found = SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match()
    share = found.size / max(len(mine), len(theirs))
    if found.size < 5 or share < 0.55:
        return 0, ""
    return round(85 * share), f"Both SKUs hold {mine[found.a : found.a + found.size].upper()}"


def _together(told: Sequence[tuple[int, str]]) -> tuple[int, str]:
    """Return the best score, raised a little by each further reason, and all reasons, the best first."""
    ranked = sorted(told, reverse=True)
    score = ranked[0][0] + sum(5 for other, _ in ranked[1:] if other >= LOWEST)
    return min(score, 99), "; ".join(reason for _, reason in ranked)
