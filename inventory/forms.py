"""What people type on the SKU mapping pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from accounts.models import MarketplaceAccount, Store
from inventory.domain.mapping_file import LONGEST_SKU, MOST_BYTES, MOST_PARTS, MOST_UNITS
from inventory.models import SkuMapping


def targets(stores: Sequence[Store], accounts: Sequence[MarketplaceAccount]) -> list[tuple[str, str]]:
    """Return (code, label) of what mappings can hold for: all accounts of a store, or one account."""
    all_of = "All accounts" if len(stores) < 2 else "All accounts of {}"
    choices = [(f"store-{store.pk}", all_of.format(store.name)) for store in stores]
    return choices + [(f"account-{account.pk}", account.name) for account in accounts]


def target_of(mapping: SkuMapping) -> str:
    """Return the code of what a mapping holds for."""
    return f"account-{mapping.account_id}" if mapping.account_id else f"store-{mapping.store_id}"


class TargetForm(forms.Form):
    """For which account something holds, or for all of a store."""

    target = forms.ChoiceField(label="Holds for")

    def __init__(
        self, stores: Sequence[Store], accounts: Sequence[MarketplaceAccount], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stores = {str(store.pk): store for store in stores}
        self.accounts = {str(account.pk): account for account in accounts}
        self.fields["target"].choices = targets(stores, accounts)  # type: ignore[attr-defined]

    def store_and_account(self) -> tuple[Store, MarketplaceAccount | None]:
        """Return what was chosen; call after `is_valid`."""
        kind, _, pk = self.cleaned_data["target"].partition("-")
        if kind == "account":
            account = self.accounts[pk]
            return account.store, account
        return self.stores[pk], None


@dataclass(frozen=True, slots=True)
class PartTyped:
    """One row of a bundle as typed."""

    sku: str = ""
    units: str = "1"


class MappingForm(TargetForm):
    """A marketplace's SKU, what it is in the store (one product or several with quantities), and for which account."""

    field_order = ("seller_sku", "target")
    seller_sku = forms.CharField(
        max_length=LONGEST_SKU,
        label="Marketplace SKU",
        error_messages={"required": "Type the SKU as the marketplace has it"},
    )

    def __init__(
        self, stores: Sequence[Store], accounts: Sequence[MarketplaceAccount], *args: Any, **kwargs: Any
    ) -> None:
        start: Sequence[PartTyped] = kwargs.pop("parts", ())
        super().__init__(stores, accounts, *args, **kwargs)
        self.wants_row = self.is_bound and "more_rows" in self.data
        self.parts_typed = self._typed() if self.is_bound else list(start) or [PartTyped()]
        if self.wants_row and len(self.parts_typed) < MOST_PARTS:
            self.parts_typed.append(PartTyped())
        self.parts: list[tuple[str, int]] = []
        for name, field in self.fields.items():
            # Looking at the errors would judge a form that only asks for another row.
            invalid = self.is_bound and not self.wants_row and name in self.errors
            field.widget.attrs["class"] = ("form-select" if name == "target" else "form-control") + (
                " is-invalid" if invalid else ""
            )
            if name != "target":
                field.widget.attrs["autocomplete"] = "off"
            if invalid:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"id_{name}_error"}

    @property
    def parts_error(self) -> str:
        """Return what is wrong with the products, empty when nothing is or nothing was judged."""
        if not self.is_bound or self.wants_row:
            return ""
        told = self.errors.get("parts")
        return str(told[0]) if told else ""

    def _typed(self) -> list[PartTyped]:
        skus, units = self.data.getlist("sku"), self.data.getlist("units")  # type: ignore[attr-defined]
        rows = [PartTyped(sku, units[place] if place < len(units) else "1") for place, sku in enumerate(skus)]
        return rows[:MOST_PARTS] or [PartTyped()]

    def clean(self) -> dict[str, Any]:
        """Judge the products: rows without a SKU are left out, one at least is needed."""
        for typed in self._typed():
            sku, units = typed.sku.strip(), typed.units.strip() or "1"
            if not sku:
                continue
            if len(sku) > LONGEST_SKU or "\x00" in sku:
                self.errors["parts"] = self.error_class([f"A SKU has at most {LONGEST_SKU} letters"])
            elif not (units.isascii() and units.isdecimal() and len(units) < 6 and 1 <= int(units) <= MOST_UNITS):
                self.errors["parts"] = self.error_class([f"A quantity is a whole number from 1 to {MOST_UNITS:,}"])
            else:
                self.parts.append((sku, int(units)))
        if not self.parts and "parts" not in self.errors:
            self.errors["parts"] = self.error_class(["Type the SKU as your store has it"])
        return dict(self.cleaned_data)


class MappingFileForm(TargetForm):
    """A file of mappings and what it holds for."""

    file = forms.FileField(label="CSV file", error_messages={"required": "Choose a file", "empty": "The file is empty"})

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError("The file is larger than 20 MB. Upload it in parts")
        return file
