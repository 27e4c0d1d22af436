"""Forms of the account pages. Errors say what to enter instead."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from accounts import connections
from accounts.models import Role
from connectors import registry

Sites = dict[str, dict[str, list[tuple[str, str]]]]
"""Marketplace → region ("" where it has none) → [(site code, words)]."""


class Styled(forms.Form):
    """Gives each field Bootstrap's class, and what a screen reader needs to find its error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.Select):
                widget.attrs.setdefault("class", "form-select")
            elif not isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.RadioSelect):
                widget.attrs.setdefault("class", "form-control")

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, and mark the field it belongs to."""
        super().add_error(field, error)
        named = [field] if field else list(error.error_dict) if hasattr(error, "error_dict") else []
        for name in named:
            widget = self.fields[name].widget
            if "class" in widget.attrs and "is-invalid" not in widget.attrs["class"]:
                widget.attrs["class"] += " is-invalid"


class SignInForm(Styled):
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class ForgotForm(Styled):
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )


class JoinForm(Styled):
    """A new person who follows an invitation."""

    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="12 characters or more.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class InviteForm(Styled):
    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.MANAGER)


class TokenForm(Styled):
    name = forms.CharField(label="Name", max_length=60, help_text="What it is for, for example Warehouse report.")
    role = forms.ChoiceField(
        label="May",
        choices=[(Role.MANAGER, "Read and act"), (Role.VIEWER, "Read only")],
        initial=Role.MANAGER,
    )


class AddAccountForm(Styled):
    """Marketplace → name, region, sites → what we may do, on one page (F3)."""

    platform = forms.ChoiceField(label="Marketplace")
    name = forms.CharField(label="Account name", max_length=120, help_text="You see this name across the app.")
    region = forms.ChoiceField(label="Region", required=False)
    sites = forms.MultipleChoiceField(
        label="Sites",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose sites of this list."},
    )
    store = forms.TypedChoiceField(label="Orders go to", coerce=int)
    policies = forms.BooleanField(
        label="I may connect this seller account, and I have read what the app does with it.",
        error_messages={"required": "Tick the box to go on."},
    )

    def __init__(self, *args: Any, stores: list[tuple[int, str]], sites: Sites, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._sites = sites
        self.fields["platform"].choices = [(line.name, line.label) for line in connections.marketplaces()]  # type: ignore[attr-defined]
        regional = [(line.label, list(line.regions.items())) for line in connections.marketplaces() if line.regions]
        # Two marketplaces' regions stand under their names.
        regions = regional if len(regional) > 1 else [region for _, rows in regional for region in rows]
        self.fields["region"].choices = [("", "—"), *regions]  # type: ignore[attr-defined]
        every = dict(site for by_region in sites.values() for rows in by_region.values() for site in rows)
        self.fields["sites"].choices = list(every.items())  # type: ignore[attr-defined]
        self.fields["store"].choices = stores  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse what the marketplace does not have: a region where it has none, sites of another region."""
        data = super().clean() or {}
        platform = data.get("platform")
        if not platform:
            return data
        by_region = self._sites[platform]
        regions = registry.platform(platform).regions
        region = data.get("region") or ""
        if regions and region not in regions:
            self.add_error("region", "Choose the region of this seller account.")
            return data
        data["region"] = region = region if regions else ""
        there = [code for code, _ in by_region.get(region, [])]
        chosen = data.get("sites") or []
        wrong = [code for code in chosen if code not in there]
        if not there:
            # Its accounts sell in one place only: nothing to choose.
            data["sites"] = []
        elif wrong and regions:
            self.add_error("sites", f"{', '.join(wrong)} is not in this region. Add it as an account of its own.")
        elif wrong:
            self.add_error("sites", f"{registry.platform(platform).label} has no site {', '.join(wrong)} here.")
        elif not chosen:
            self.add_error("sites", "Choose at least one site.")
        return data


class ConfirmAccountForm(Styled):
    """Edit Account: rename, tick sites, then agree again at the marketplace (F5)."""

    name = forms.CharField(label="Account name", max_length=120)
    sites = forms.MultipleChoiceField(
        label="Sites",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one site.", "invalid_choice": "Choose sites of this list."},
    )

    def __init__(self, *args: Any, sites: list[tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["sites"].choices = sites  # type: ignore[attr-defined]
        self.fields["sites"].required = bool(sites)
