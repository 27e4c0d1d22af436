"""Which store variant a marketplace line means (F33-F35, F44; MECHANISMS 8).

First that applies: SKU mapping of the account, mapping for all accounts, exact SKU, barcode where the merchant switched it
on, title with variation labels.
Two candidates are a question to the merchant, never a pick; the answer can be kept with a mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from inventory.domain.suggest import gtin
from salestio.lib.text import title_key

ACCOUNT_MAPPING = "account_mapping"
MAPPING = "mapping"
SKU = "sku"
BARCODE = "barcode"
TITLE = "title"
PERSON = "person"
CUSTOM = "custom"

RULES: dict[str, str] = {
    ACCOUNT_MAPPING: "SKU mapping, this account",
    MAPPING: "SKU mapping, all accounts",
    SKU: "Exact SKU",
    BARCODE: "Barcode",
    TITLE: "Title + variation",
    PERSON: "Chosen by hand",
    CUSTOM: "No product: a line of its own",
}
"""The rule as the order page says it."""


@dataclass(frozen=True, slots=True)
class LineToMatch:
    """What of a line decides its match."""

    seller_sku: str
    title: str
    variation: tuple[tuple[str, str], ...] = ()
    item_id: str = ""
    """The marketplace's own id of the thing; a mapping may name it where the line has no SKU."""

    @property
    def key(self) -> str:
        """Return the title key of this line: its title with its structured variation, if it has one."""
        parts = [self.title]
        for name, value in self.variation:
            parts += [name, value]
        return title_key(parts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A store variant as matching sees it; only active, undeleted ones are given."""

    id: int
    sku: str
    title: str
    title_key: str


Target = tuple[tuple[str, int], ...]
"""What a mapping means: (store SKU, units of it in one sold); several for a bundle, more than one unit for a multipack."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the store has of the SKUs and titles asked for, and the merchant's mappings.

    `by_sku` is keyed by `sku_form` of the SKU, `by_title` by title key; mappings go from seller SKU to their target.
    """

    by_sku: Mapping[str, Sequence[Candidate]]
    by_title: Mapping[str, Sequence[Candidate]]
    account_mappings: Mapping[str, Target]
    mappings: Mapping[str, Target]
    case_sensitive: bool = True
    use_titles: bool = True
    hidden: Mapping[str, str] = field(default_factory=dict)
    """SKU form → why its product cannot be used: hidden, disabled; said with the line, never matched."""
    by_barcode: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    """GTIN of 14 digits → products with it; empty unless the merchant lets barcodes match (F43)."""
    preferred: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(rule, marketplace SKU) → the variant a person chose for that mapping, should several have its SKU (F44)."""


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome for one line: a variant with the rule that found it, or candidates to choose from, or neither."""

    variant_id: int | None = None
    sku: str = ""
    rule: str = ""
    note: str = ""
    candidates: tuple[Candidate, ...] = ()
    parts: tuple[tuple[int, int], ...] = ()
    """Bundle or multipack: (variant, units in one sold); empty for a line that is one variant's unit."""

    @property
    def found(self) -> bool:
        return self.variant_id is not None

    @property
    def ambiguous(self) -> bool:
        return not self.found and bool(self.candidates)


def sku_form(sku: str, *, case_sensitive: bool = True) -> str:
    """Return the SKU as it is compared: trimmed, and casefolded if the merchant chose so."""
    trimmed = sku.strip()
    return trimmed if case_sensitive else trimmed.casefold()


def _one(found: Sequence[Candidate], rule: str, note: str = "") -> Match:
    if len(found) == 1:
        return Match(found[0].id, found[0].sku, rule, note)
    return Match(rule=rule, candidates=tuple(sorted(found, key=lambda c: (c.title, c.id))))


def _mapped(
    target: Target, rule: str, look: Callable[[str], Sequence[Candidate]], preferred: int | None = None
) -> Match:
    """Return what a mapping leads to. It is the merchant's word: a SKU of it that is gone is said, not guessed around.

    Of several products with its SKU the preferred one counts; once that one is gone, it is a question again.
    """
    found = {sku: look(sku) for sku, _ in target}
    if preferred is not None and len(target) == 1:
        found = {sku: [one for one in some if one.id == preferred] or some for sku, some in found.items()}
    gone = [sku for sku in found if not found[sku]]
    if gone:
        words = f"SKU {gone[0]}, which is" if len(gone) == 1 else f"SKUs {', '.join(gone)}, which are"
        return Match(rule=rule, note=f"The mapping points to {words} not in the store")
    several = next((some for some in found.values() if len(some) > 1), None)
    if several is not None:
        return _one(several, rule)
    (first_sku, first_units), *more = target
    first = found[first_sku][0]
    if not more and first_units == 1:
        return Match(first.id, first.sku, rule)
    parts = tuple((found[sku][0].id, units) for sku, units in target)
    return Match(first.id, first.sku, rule, parts=parts)


def match(line: LineToMatch, catalog: Catalog) -> Match:
    """Return which variant the line means. The order of the catalog does not matter; at most one is matched."""

    def look(sku: str) -> Sequence[Candidate]:
        return catalog.by_sku.get(sku_form(sku, case_sensitive=catalog.case_sensitive), ())

    seller_sku = line.seller_sku.strip()
    hidden = ""
    if seller_sku or line.item_id:
        for mappings, rule in ((catalog.account_mappings, ACCOUNT_MAPPING), (catalog.mappings, MAPPING)):
            name = seller_sku or line.item_id
            target = mappings.get(name)
            if target is None:
                continue
            return _mapped(target, rule, look, catalog.preferred.get((rule, name)))
        found = look(seller_sku) if seller_sku else ()
        if found:
            return _one(found, SKU)
        hidden = catalog.hidden.get(sku_form(seller_sku, case_sensitive=catalog.case_sensitive), "")
        # An item id is never read as a barcode: one in ten would pass for one.
        coded = catalog.by_barcode.get(gtin(seller_sku), ()) if catalog.by_barcode else ()
        if len(coded) == 1:
            return _one(coded, BARCODE)
    if catalog.use_titles and line.key:
        found = catalog.by_title.get(line.key, ())
        if found:
            note = f"Matched by title although SKU {seller_sku} is unknown" if seller_sku else ""
            return _one(found, TITLE, note)
    return Match(note=hidden)
