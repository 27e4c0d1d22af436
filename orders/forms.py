"""What people type on the order pages, checked before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import MarketplaceAccount
from connectors.contract.types import Address
from orders import countries


class Styled(forms.Form):
    """A form whose fields carry the theme's classes and name their help and errors to screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget = field.widget
            css = "form-select" if isinstance(widget, forms.Select) else "form-control"
            if not isinstance(widget, (forms.CheckboxInput, forms.HiddenInput)):
                widget.attrs.setdefault("class", css)
            if self.is_bound and name in self.errors:
                widget.attrs["class"] = f"{widget.attrs.get('class', '')} is-invalid"
                widget.attrs["aria-invalid"] = "true"
                widget.attrs["aria-describedby"] = f"{self[name].auto_id}_error"


class FetchForm(Styled):
    """One order by its marketplace id, from one account."""

    account = forms.TypedChoiceField(coerce=int, label="Account")
    marketplace_order_id = forms.CharField(
        label="Order id",
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": "112-4837261-0093847", "autocomplete": "off"}),
        error_messages={"required": "Type the order id, for example 112-4837261-0093847"},
    )

    def __init__(self, accounts: Sequence[MarketplaceAccount], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [(a.pk, a.name) for a in accounts]  # type: ignore[attr-defined]


class SaveViewForm(Styled):
    """The name of a saved view."""

    name = forms.CharField(max_length=40, label="Name of the view")


class AddressForm(Styled):
    """The delivery address as the store shall get it; the marketplace's own stays in its raw answer."""

    name = forms.CharField(max_length=120, label="Name")
    company = forms.CharField(max_length=120, required=False, label="Company")
    line1 = forms.CharField(max_length=180, label="Street, line 1")
    line2 = forms.CharField(max_length=180, required=False, label="Line 2")
    line3 = forms.CharField(max_length=180, required=False, label="Line 3")
    city = forms.CharField(max_length=120, label="City")
    region = forms.CharField(max_length=60, required=False, label="State, province or region")
    postal_code = forms.CharField(max_length=20, required=False, label="Postal code")
    country = forms.CharField(max_length=80, label="Country")
    phone = forms.CharField(max_length=40, required=False, label="Phone")

    def clean_country(self) -> str:
        """Take a name or a two-letter code; give the code."""
        text: str = self.cleaned_data["country"]
        code = countries.code_of(text)
        if not code:
            raise forms.ValidationError(f"{text} is no country: use its name or two letters, such as US or GB")
        return code

    def address(self, before: Address | None) -> Address:
        """Return the typed address; parts the form does not show stay as they were."""
        data = self.cleaned_data
        return Address(
            name=data["name"], company=data["company"], line1=data["line1"], line2=data["line2"], line3=data["line3"],
            city=data["city"], district=before.district if before else "", region=data["region"],
            postal_code=data["postal_code"], country=data["country"], phone=data["phone"],
        )  # fmt: skip


class ChangeLineForm(forms.Form):
    """Which product a line is, and whether that holds for later orders too."""

    variant = forms.IntegerField(min_value=1, error_messages={"required": "Choose a product"})
    remember = forms.ChoiceField(
        choices=[("", "Only this order"), ("account", "account"), ("all", "all")], required=False
    )
