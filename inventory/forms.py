"""What people type on the SKU mapping page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import MarketplaceAccount, Store


class MappingForm(forms.Form):
    """A marketplace's SKU, the store's SKU, and for which account it holds."""

    seller_sku = forms.CharField(
        max_length=255, label="Marketplace SKU", error_messages={"required": "Type the SKU as the marketplace has it"}
    )
    sku = forms.CharField(
        max_length=255, label="Store SKU", error_messages={"required": "Type the SKU as your store has it"}
    )
    target = forms.ChoiceField(label="Holds for")

    def __init__(
        self, stores: Sequence[Store], accounts: Sequence[MarketplaceAccount], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stores = {str(store.pk): store for store in stores}
        self.accounts = {str(account.pk): account for account in accounts}
        all_of = "All accounts" if len(stores) < 2 else "All accounts of {}"
        choices = [(f"store-{store.pk}", all_of.format(store.name)) for store in stores]
        self.fields["target"].choices = choices + [(f"account-{a.pk}", a.name) for a in accounts]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            invalid = self.is_bound and name in self.errors
            field.widget.attrs |= {
                "class": ("form-select" if name == "target" else "form-control") + (" is-invalid" if invalid else "")
            }
            if name != "target":
                field.widget.attrs["autocomplete"] = "off"
            if invalid:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"id_{name}_error"}

    def store_and_account(self) -> tuple[Store, MarketplaceAccount | None]:
        """Return what the mapping holds for; call after `is_valid`."""
        kind, _, pk = self.cleaned_data["target"].partition("-")
        if kind == "account":
            account = self.accounts[pk]
            return account.store, account
        return self.stores[pk], None
