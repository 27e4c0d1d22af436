"""The check of a connection (F9): right after connecting, every night, and when somebody presses *Check again*.

We ask what every platform answers, and a connector that can look itself over says what it found. What is not
well is shown with how to mend it, and opens an alert; a later check that finds it well closes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from django.utils.timezone import now

from accounts import connections, credentials, preferences
from accounts.models import MarketplaceAccount, Store
from connectors import registry
from connectors.contract.errors import AuthorizationExpired, ConnectorError
from connectors.contract.marketplace import Checks
from connectors.contract.types import Finding, Site
from salestio import routes, tenancy

log = structlog.get_logger(__name__)
HANDLER = "accounts.checking.check_connection"
SET_UP = "accounts.connect.set_up_store"
ALERT = "check_failed"


def owe(target: Store | MarketplaceAccount) -> None:
    """Owe a check of this connection, in the transaction that connected it or by the nightly job."""
    from salestio.outbox import dispatch

    store_id = target.pk if isinstance(target, Store) else target.store_id
    dispatch.owe(handler=HANDLER, subject={"kind": _kind(target), "pk": target.pk}, key=_key(target), store_id=store_id)


def owe_set_up(store: Store) -> None:
    """Owe the store its set-up (webhooks and the like): what is there already stays as it is. In a scope."""
    from salestio.outbox import dispatch

    dispatch.owe(handler=SET_UP, subject={"store_id": store.pk}, key=str(store.pk), store_id=store.pk)


def _kind(target: Store | MarketplaceAccount) -> str:
    return "store" if isinstance(target, Store) else "account"


def _key(target: Store | MarketplaceAccount) -> str:
    return f"{_kind(target)}:{target.pk}"


def check_connection(merchant_id: int, kind: str, pk: int) -> None:
    """Look a connection over. An outbox handler: harmless to repeat. Raises `ConnectorError` when nothing answers."""
    model: Any = Store if kind == "store" else MarketplaceAccount
    with tenancy.scope(merchant_id):
        target = model.objects.filter(pk=pk, state=model.State.ACTIVE).first()
    if target is not None:
        check(target)


def check(target: Store | MarketplaceAccount) -> list[Finding]:
    """Look a connection over now, store what was found and return it. Call it outside any scope.

    Raises `ConnectorError` when the platform does not answer: what was found before stays.
    """
    try:
        found = list(_look(target))
    except AuthorizationExpired as error:
        with tenancy.scope(target.merchant_id):
            credentials.expire(target, "refused")
        log.info("a check found the connection expired", platform=target.platform, error=error.message)
        label = registry.platform(target.platform).label
        found = [Finding("connection", False, f"{label} refuses our access.", "Confirm the connection.")]
    keep(target, found)
    return found


def _look(target: Store | MarketplaceAccount) -> list[Finding]:
    """Ask what every platform answers, and let the connector look itself over."""
    if isinstance(target, Store):
        storefront = connections.storefront(target)
        return [*_of_store(target, storefront), *_own(storefront)]
    marketplace = connections.marketplace(target)
    own = _own(marketplace)
    # Where accounts have no sites, and the connector looked itself over, there is nothing to compare.
    return [*_sites(target, marketplace), *own] if target.sites or not own else list(own)


def _own(connector: Any) -> Sequence[Finding]:
    return connector.check() if isinstance(connector, Checks) else ()


def _sites(account: MarketplaceAccount, connector: Any) -> list[Finding]:
    """Ask a marketplace where this seller may sell, and compare with the sites the merchant chose."""
    label = registry.platform(account.platform).label
    known = {site.code: site for site in connector.sites()}
    answers = Finding("connection", True, f"{label} answers and our access is good.")
    return [answers, *(_site(label, code, known.get(code)) for code in account.sites)]


def _site(label: str, code: str, site: Site | None) -> Finding:
    if site is None:
        return Finding(
            f"site_{code}", False, f"{label} did not grant {code}.",
            f"Register for {code} at {label}, then edit this account and renew the connection.",
        )  # fmt: skip
    if not site.active:
        return Finding(
            f"site_{code}", False, f"{label} has paused this seller account on {code}.",
            f"Look in {label}'s seller pages for a notice about the account on {code}.",
        )  # fmt: skip
    if site.suspended:
        return Finding(
            f"site_{code}", False, f"The listings on {code} are switched off: buyers cannot order there.",
            f"Switch them on in {label}'s seller pages (vacation setting), or look for a notice about the account.",
        )  # fmt: skip
    return Finding(f"site_{code}", True, f"The seller account may sell on {code}.")


def _of_store(store: Store, connector: Any) -> list[Finding]:
    """Ask a store for itself and its locations."""
    label = registry.platform(store.platform).label
    info = connector.info()
    found = [Finding("connection", True, f"{label} answers and our access is good.")]
    if info.claims_stock == "at_shipping":
        # The merchant changed it since: units we handed over from now on stay kept until the parcel leaves.
        with tenancy.scope(store.merchant_id):
            Store.objects.filter(pk=store.pk, claims_stock="at_creation").update(claims_stock="at_shipping")
    if info.currency and info.currency != store.currency:
        found.append(
            Finding(
                "currency", False, f"The store's currency is {info.currency} now; it was {store.currency}.",
                "Open the app in your store once: it reads the store's details again.",
            )
        )  # fmt: skip
    with tenancy.scope(store.merchant_id):
        closed = preferences.default_location(store) != preferences.value(store, "default_location")
    if closed:
        found.append(
            Finding(
                "default_location", False, "Your default warehouse is closed or gone in the store: orders are served from "
                "all its locations.", "Choose another default warehouse in the store's settings.",
            )
        )  # fmt: skip
    online = [place for place in connector.locations() if place.active and place.fulfills_online]
    if online:
        found.append(Finding("locations", True, f"Online orders are shipped from {_named(online)}."))
    else:
        found.append(
            Finding(
                "locations", False, "No location of the store ships online orders.",
                f"Let one of your locations fulfill online orders, in {label}'s settings.",
            )
        )  # fmt: skip
    return found


def _named(places: Sequence[Any]) -> str:
    names = [place.name for place in places]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def keep(target: Store | MarketplaceAccount, found: Sequence[Finding]) -> None:
    """Store findings and open or close the connection's alert; opens its own scope."""
    failed = [finding for finding in found if finding.ok is False]
    with tenancy.scope(target.merchant_id):
        type(target)._default_manager.filter(pk=target.pk).update(
            findings=[asdict(finding) for finding in found], checked_at=now()
        )
        if failed:
            routes.emit(
                "alert.open", kind=ALERT, key=_key(target),
                data={
                    "name": target.name, "id": target.pk, "platform": target.platform,
                    "text": " ".join(" ".join(filter(None, (one.sentence, one.fix))) for one in failed),
                },
            )  # fmt: skip
        else:
            routes.emit("alert.close", kind=ALERT, key=_key(target))


def check_all(merchant_id: int, at: datetime) -> dict[str, Any]:
    """The nightly job: owe every working connection a check, and a store its set-up; workers do them in their turn."""
    with tenancy.scope(merchant_id):
        targets: list[Store | MarketplaceAccount] = [
            *Store.objects.filter(state=Store.State.ACTIVE),
            *MarketplaceAccount.objects.filter(state=MarketplaceAccount.State.ACTIVE),
        ]
        for target in targets:
            if isinstance(target, Store):
                # Platforms switch webhooks off that failed for a while; nobody tells us of it.
                owe_set_up(target)
            owe(target)
    return {"asked": len(targets)} if targets else {}


def again(target: Store | MarketplaceAccount) -> str:
    """Check a connection for a person who waits; return what came of it, as a sentence. Outside any scope."""
    try:
        found = connections.patiently(lambda: check(target))
    except ConnectorError as error:
        return f"{target.name} could not be checked now: {error.message}"
    failed = sum(finding.ok is False for finding in found)
    unclear = sum(finding.ok is None for finding in found)
    if failed:
        return f"{target.name}: {failed} of {len(found)} points need you"
    return f"{target.name} is in order" + (f"; {unclear} points could not be looked at now" if unclear else "")
