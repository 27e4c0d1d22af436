"""Which store variant a marketplace line means (F33-F35, F44; MECHANISMS 8).

First that applies: SKU mapping of the account, mapping for all accounts, exact SKU, title with variation labels.
Two candidates are a question to the merchant, never a pick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from salestio.lib.text import title_key

ACCOUNT_MAPPING = "account_mapping"
MAPPING = "mapping"
SKU = "sku"
TITLE = "title"
PERSON = "person"
CUSTOM = "custom"

RULES: dict[str, str] = {
    ACCOUNT_MAPPING: "SKU mapping, this account",
    MAPPING: "SKU mapping, all accounts",
    SKU: "Exact SKU",
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


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the store has of the SKUs and titles asked for, and the merchant's mappings.

    `by_sku` is keyed by `sku_form` of the SKU, `by_title` by title key; mappings go from seller SKU to store SKU.
    """

    by_sku: Mapping[str, Sequence[Candidate]]
    by_title: Mapping[str, Sequence[Candidate]]
    account_mappings: Mapping[str, str]
    mappings: Mapping[str, str]
    case_sensitive: bool = True
    use_titles: bool = True
    hidden: Mapping[str, str] = field(default_factory=dict)
    """SKU form → why its product cannot be used: hidden, disabled; said with the line, never matched."""


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome for one line: a variant with the rule that found it, or candidates to choose from, or neither."""

    variant_id: int | None = None
    sku: str = ""
    rule: str = ""
    note: str = ""
    candidates: tuple[Candidate, ...] = ()

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


def match(line: LineToMatch, catalog: Catalog) -> Match:
    """Return which variant the line means. The order of the catalog does not matter; at most one is matched."""

    def look(sku: str) -> Sequence[Candidate]:
        return catalog.by_sku.get(sku_form(sku, case_sensitive=catalog.case_sensitive), ())

    seller_sku = line.seller_sku.strip()
    hidden = ""
    if seller_sku or line.item_id:
        for mappings, rule in ((catalog.account_mappings, ACCOUNT_MAPPING), (catalog.mappings, MAPPING)):
            target = mappings.get(seller_sku or line.item_id)
            if target is None:
                continue
            found = look(target)
            if found:
                return _one(found, rule)
            # A mapping is the merchant's word: a mapped SKU that is gone is said, not guessed around.
            return Match(rule=rule, note=f"The mapping points to SKU {target}, which is not in the store")
        found = look(seller_sku) if seller_sku else ()
        if found:
            return _one(found, SKU)
        hidden = catalog.hidden.get(sku_form(seller_sku, case_sensitive=catalog.case_sensitive), "")
    if catalog.use_titles and line.key:
        found = catalog.by_title.get(line.key, ())
        if found:
            note = f"Matched by title although SKU {seller_sku} is unknown" if seller_sku else ""
            return _one(found, TITLE, note)
    return Match(note=hidden)
