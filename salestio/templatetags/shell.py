"""What stands around every page: the merchant, the navigation with its counts, the channels with their health.

Three queries a page, inside the scope that is open anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

from accounts import read_only
from accounts.models import MarketplaceAccount, Merchant, Store
from connectors import registry
from orders import held_back, totals

register = template.Library()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation."""

    label: str
    url: str
    icon: str
    current: bool
    count: int = 0
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """A store or account beside its health dot."""

    name: str
    platform: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything the base template shows of the merchant."""

    merchant: Merchant
    subtitle: str
    entries: tuple[Entry, ...]
    channels: tuple[Channel, ...]
    working: int
    newest: datetime | None
    read_only: read_only.Place | None
    notices: tuple[str, ...]
    """What marketplaces' terms want to be said wherever their data is shown."""
    waiting: str
    """What waits in read-only mode, in words; "" for nothing."""

    @property
    def here(self) -> str:
        """Return the name of the main page this one belongs to, "" for none."""
        return next((entry.label for entry in self.entries if entry.current), "")

    @property
    def pulse(self) -> str:
        if not self.channels:
            return "No channel connected yet"
        if self.working == len(self.channels):
            return f"All {len(self.channels)} channels in step" if len(self.channels) > 1 else "In step"
        return f"{self.working} of {len(self.channels)} channels in step"

    @property
    def pulse_tone(self) -> str:
        return "is-ok" if self.working == len(self.channels) and self.channels else "is-wait"


PAGES = (
    ("Dashboard", "dashboard", "dashboard"),
    ("Orders", "orders:list", "orders"),
    ("Accounts", "accounts:list", "accounts"),
    ("Settings", "accounts:settings", "settings"),
)
HEALTH = {"active": ("is-ok", "works"), "expired": ("is-stop", "has expired"), "disabled": ("", "is disabled")}


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _entries(path: str, page_name: str, held: int, broken: int) -> tuple[Entry, ...]:
    found = []
    for label, name, icon in PAGES:
        url = _address(name)
        if not url:
            continue
        # A store's admin opens the dashboard under an address of its own.
        current = path == url or page_name == label if url == "/" else path.startswith(url)
        count = {"orders:list": held, "accounts:list": broken}.get(name, 0)
        found.append(Entry(label, url, icon, current, count, loud=True))
    return tuple(found)


def _notices(accounts: Sequence[MarketplaceAccount], asked_by_page: Sequence[str]) -> tuple[str, ...]:
    """Return each notice once: of the marketplaces this merchant sells on, and of those the page offers."""
    told = [registry.platform(account.platform).notice for account in accounts]
    return tuple(dict.fromkeys(notice for notice in [*told, *asked_by_page] if notice))


@register.simple_tag(takes_context=True)
def shell(context: template.Context) -> Shell | None:
    """Return what surrounds the page, or None where no merchant is signed in (sign-in pages, errors)."""
    request = context.get("request")
    merchant: Any = getattr(request, "merchant", None)
    if request is None or merchant is None or context.get("bare"):
        return None
    # The middleware has read the stores already.
    stores = list(getattr(request, "stores", ())) or list(Store.objects.order_by("id"))
    accounts = getattr(request, "accounts", None)
    if accounts is None:
        accounts = list(MarketplaceAccount.objects.order_by("id"))
    numbers = getattr(request, "order_counts", None)
    held = numbers["states"].get("held", 0) if numbers else totals.held()
    channels = tuple(Channel(c.name, c.platform, *HEALTH.get(c.state, ("", c.state))) for c in [*stores, *accounts])
    broken = sum(1 for c in [*stores, *accounts] if c.state == "expired")
    newest = max((a.newest_order_at for a in accounts if a.newest_order_at), default=None)
    stopped = read_only.shown(merchant, stores, accounts)
    return Shell(
        merchant=merchant,
        subtitle=(stores[0].domain or stores[0].key) if stores else "No store yet",
        entries=_entries(request.path, str(context.get("page_name", "")), held, broken),
        channels=channels,
        working=sum(1 for c in channels if c.tone == "is-ok"),
        newest=newest,
        read_only=stopped,
        notices=_notices(accounts, context.get("notices") or ()),
        waiting=held_back.counted_words() if stopped else "",
    )
