"""The control API under `/_control`: drive the pretend world, count what was written. See `docs/sandbox.md`."""

from __future__ import annotations

import email
import email.policy
from typing import Any

from aiohttp import web

from connectors.sandbox.control_input import Handler, guard, number, read_body, text_field, whole
from connectors.sandbox.faults import KINDS
from connectors.sandbox.limits import PLATFORMS, PROFILES
from connectors.sandbox.odd_addresses import spelled_out
from connectors.sandbox.platforms import Answer, Doc, HasFurtherClients, MarketplaceControl, Refusal, StoreControl
from connectors.sandbox.server import CORE, Core
from connectors.sandbox.traffic import TRAFFIC
from connectors.sandbox.world import WRITE_KINDS

_LARGEST = 1000


def setup(app: web.Application) -> None:
    """Add the routes and their guard."""
    app.middlewares.append(guard)
    for method, path, handler in _ROUTES:
        app.router.add_route(method, f"/_control{path}", handler)


# ── the world as a whole ─────────────────────────────────────────────────────────────────────────────────────────────


async def reset(request: web.Request) -> web.Response:
    """The demo world as at the first start."""
    await read_body(request)
    reset_world(request.app)
    return web.json_response({"ok": True})


def reset_world(app: web.Application) -> None:
    """Do what `POST /reset` does; the page's *Start over* calls it too."""
    core = app[CORE]
    app[TRAFFIC].stop()
    core.webhooks.forget("")
    core.clear()
    core.world.reset()


async def writes(request: web.Request) -> web.Response:
    """The write record."""
    query = request.query
    kind = query.get("kind", "")
    if kind and kind not in WRITE_KINDS:
        raise Refusal("kind", f"one of {', '.join(WRITE_KINDS)} is wanted")
    rows = request.app[CORE].world.writes(
        kind=kind,
        key=query.get("key", ""),
        reference=query.get("reference", ""),
        since=whole(query.get("since", "0"), "since", 0, 2**62),
        limit=whole(query.get("limit", str(_LARGEST)), "limit", 1, _LARGEST),
        body=query.get("body", "1") != "0",
    )
    return web.json_response(rows)


async def calls(request: web.Request) -> web.Response:
    """How often each operation was called, by status."""
    core = request.app[CORE]
    rows = [
        {
            "platform": platform,
            "key": key,
            "operation": name,
            "status": int(status) if status.isdigit() else status,
            "count": count,
            "throttled": core.throttled[platform, key, name, status],
        }
        for (platform, key, name, status), count in sorted(core.calls.items())
    ]
    return web.json_response(rows)


async def get_limits(request: web.Request) -> web.Response:
    """Which limits are in force."""
    return web.json_response(request.app[CORE].limits.describe())


async def set_limits(request: web.Request) -> web.Response:
    """Put a profile in force, for one platform or all."""
    body = await read_body(request, "platform", "profile", "list_delay_seconds")
    platform = text_field(body, "platform", ("*", *PLATFORMS), "*")
    profile = text_field(body, "profile", PROFILES)
    delay = body.get("list_delay_seconds")
    if delay is not None:
        delay = float(number(delay, "list_delay_seconds", 0, 86400))
    limits = request.app[CORE].limits
    limits.set(PLATFORMS if platform == "*" else (platform,), profile, delay)
    return web.json_response(limits.describe())


async def clock(request: web.Request) -> web.Response:
    """Move the sandbox's clock on."""
    body = await read_body(request, "advance_seconds")
    world = request.app[CORE].world
    world.advance(int(number(body.get("advance_seconds"), "advance_seconds", -(10**8), 10**9)))
    return web.json_response({"now": world.now().isoformat()})


async def latency(request: web.Request) -> web.Response:
    """Make every platform answer take so long."""
    body = await read_body(request, "milliseconds")
    milliseconds = number(body.get("milliseconds"), "milliseconds", 0, 60000)
    request.app[CORE].world.put("settings", "latency", {"milliseconds": milliseconds})
    return web.json_response({"milliseconds": milliseconds})


async def set_traffic(request: web.Request) -> web.Response:
    """Start or stop the order stream; the first start places the starting set too."""
    body = await read_body(request, "start")
    if not isinstance(body.get("start"), bool):
        raise Refusal("start", "true or false is wanted")
    traffic = request.app[TRAFFIC]
    if body["start"]:
        traffic.start()
    else:
        traffic.stop()
    return web.json_response(traffic.describe())


async def get_traffic(request: web.Request) -> web.Response:
    """Whether the order stream runs."""
    return web.json_response(request.app[TRAFFIC].describe())


async def endpoints(request: web.Request) -> web.Response:
    """Where each platform lives, and how a foreign client signs in."""
    core = request.app[CORE]
    body: Doc = {"clients": {}}
    controls: list[MarketplaceControl | StoreControl] = [*core.marketplaces.values(), *core.stores.values()]
    for control in controls:
        body[control.platform] = control.addresses()
        body["clients"][control.platform] = control.client()
        if isinstance(control, HasFurtherClients):
            body["clients"] |= control.further_clients()
    return web.json_response(body)


def mails(app: web.Application) -> list[Doc]:
    """Return the mails the product wrote (`mail/*.eml` of the data directory), newest first."""
    folder = app[CORE].world.directory / "mail"
    rows = []
    for path in sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)[:200]:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain", "html"))
        rows.append(
            {
                "file": path.name,
                "from": str(message["From"] or ""),
                "to": str(message["To"] or ""),
                "subject": str(message["Subject"] or ""),
                "date": str(message["Date"] or ""),
                "text": body.get_content() if body is not None else "",
            }
        )
    return rows


async def list_mail(request: web.Request) -> web.Response:
    """The mails, newest first."""
    return web.json_response(mails(request.app))


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_fault(request: web.Request) -> web.Response:
    """Switch a fault on."""
    body = await read_body(request, "platform", "operation", "kind", "rate", "count", "params")
    platform = text_field(body, "platform", ("*", *PLATFORMS))
    kind = text_field(body, "kind", list(KINDS))
    operation = text_field(body, "operation", (), "*")
    rate = float(number(body.get("rate", 1), "rate", 0, 1))
    count = body.get("count")
    if count is not None:
        count = int(number(count, "count", 1, 10**9))
    params = body.get("params", {})
    _check_params(params)
    return web.json_response({"id": request.app[CORE].faults.add(platform, operation, kind, rate, count, params)})


def _check_params(params: Any) -> None:
    if not isinstance(params, dict):
        raise Refusal("params", "an object is wanted")
    for name, low, high in (("code", 100, 599), ("seconds", -(10**7), 10**7), ("times", 1, 100), ("status", 400, 599)):
        # `refuse` has a code of the platform's own, which is a text.
        if name in params and not (name == "code" and isinstance(params[name], str)):
            number(params[name], f"params.{name}", low, high)


async def list_faults(request: web.Request) -> web.Response:
    """The faults that are on, with their hits."""
    return web.json_response(request.app[CORE].faults.all())


async def end_faults(request: web.Request) -> web.Response:
    """End all faults, or the one named."""
    fault_id = request.match_info.get("id")
    ended = request.app[CORE].faults.end(fault_id)
    if fault_id and not ended:
        raise Refusal("id", "there is no such fault", 404)
    return web.json_response({"ended": ended})


# ── marketplace accounts: the platform's own module knows how ────────────────────────────────────────────────────────


def _marketplace(request: web.Request) -> MarketplaceControl:
    known = request.app[CORE].marketplaces
    control = known.get(request.match_info["platform"])
    if control is None:
        raise Refusal("platform", f"this sandbox has the marketplaces {', '.join(known)}", 404)
    return control


def _account(request: web.Request) -> tuple[MarketplaceControl, str]:
    control, key = _marketplace(request), request.match_info["key"]
    if key not in set(control.keys()):
        raise Refusal("key", f"there is no seller {key}", 404)
    return control, key


async def place_orders(request: web.Request) -> web.Response:
    """Buyers place orders."""
    control, key = _account(request)
    return web.json_response({"ids": control.place(key, spelled_out(await read_body(request)))})


async def change_order(request: web.Request) -> web.Response:
    """The order's life goes on at the marketplace."""
    control, key = _account(request)
    return web.json_response(control.change(key, request.match_info["id"], await read_body(request)))


async def get_order(request: web.Request) -> web.Response:
    """An order as the marketplace knows it."""
    control, key = _account(request)
    return web.json_response(control.order(key, request.match_info["id"]))


async def list_orders(request: web.Request) -> web.Response:
    """The seller's orders, newest first."""
    control, key = _account(request)
    limit = whole(request.query.get("limit", "100"), "limit", 1, _LARGEST)
    start = whole(request.query.get("cursor", "0") or "0", "cursor", 0, 2**40)
    rows, following = control.orders(key, start, limit)
    return web.json_response({"results": rows, "next": following})


async def listings(request: web.Request) -> web.Response:
    """The seller's listings."""
    control, key = _account(request)
    return web.json_response(control.listings(key, request.query.get("sku")))


async def revoke(request: web.Request) -> web.Response:
    """The seller withdraws access."""
    control, key = _account(request)
    await read_body(request)
    control.revoke(key)
    return web.json_response({"revoked": key})


async def add_account(request: web.Request) -> web.Response:
    """A further seller who has agreed to our application (benches): copies another one's listings."""
    control = _marketplace(request)
    return web.json_response(control.add(request.match_info["key"], await read_body(request)))


async def account_action(request: web.Request) -> web.Response:
    """What only this marketplace has; its module knows the actions."""
    control, key = _account(request)
    return web.json_response(control.action(key, request.match_info["action"], await read_body(request)))


# ── stores: likewise ─────────────────────────────────────────────────────────────────────────────────────────────────


def store_control(core: Core, key: str) -> StoreControl | None:
    """Return the platform the store of this key is on, None when no platform knows it."""
    return next((control for control in core.stores.values() if control.knows(key)), None)


def _store(request: web.Request) -> tuple[StoreControl, str]:
    key = request.match_info["key"]
    control = store_control(request.app[CORE], key)
    if control is None:
        raise Refusal("key", "there is no such store", 404)
    return control, key


def _answer(result: Answer) -> web.Response:
    status, body = result
    return web.json_response(body, status=status)


async def add_store(request: web.Request) -> web.Response:
    """A further store with the app installed (benches): copies a demo store's goods.

    `platform` in the body says where, if the key's form does not.
    """
    body = await read_body(request)
    key, known = request.match_info["key"], request.app[CORE].stores
    if "platform" in body:
        control = known[text_field({"platform": body.pop("platform")}, "platform", list(known))]
        return _answer(control.add_shop(key, body))
    fitting = [control for control in known.values() if control.accepts(key)]
    if not fitting:
        raise Refusal("key", f"this is no key of a store on {' or '.join(known)}")
    if len(fitting) > 1:
        raise Refusal("platform", f"one of {', '.join(control.platform for control in fitting)} is wanted")
    return _answer(fitting[0].add_shop(key, body))


async def get_variants(request: web.Request) -> web.Response:
    """The store's variants."""
    control, key = _store(request)
    return _answer(control.variants(key, dict(request.query)))


async def put_variant(request: web.Request) -> web.Response:
    """Change a variant as the merchant would."""
    control, key = _store(request)
    return _answer(control.put_variant(key, dict(request.query), await read_body(request)))


async def add_variant(request: web.Request) -> web.Response:
    """A new product."""
    control, key = _store(request)
    return _answer(control.add_variant(key, await read_body(request)))


async def get_store_orders(request: web.Request) -> web.Response:
    """The store's orders."""
    control, key = _store(request)
    return _answer(control.orders(key, dict(request.query)))


async def store_order_action(request: web.Request) -> web.Response:
    """Ship, cancel or refund a store order as the merchant would."""
    control, key = _store(request)
    found = request.match_info
    return _answer(control.order_action(key, found["id"], found["action"], await read_body(request)))


async def store_action(request: web.Request) -> web.Response:
    """What else the merchant or the platform does to a store; the store's module knows the actions."""
    control, key = _store(request)
    return _answer(control.store_action(key, request.match_info["action"], await read_body(request)))


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/reset", reset),
    ("GET", "/writes", writes),
    ("GET", "/calls", calls),
    ("GET", "/limits", get_limits),
    ("POST", "/limits", set_limits),
    ("POST", "/clock", clock),
    ("POST", "/latency", latency),
    ("POST", "/traffic", set_traffic),
    ("GET", "/traffic", get_traffic),
    ("GET", "/endpoints", endpoints),
    ("GET", "/mail", list_mail),
    ("POST", "/faults", add_fault),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", end_faults),
    ("DELETE", "/faults/{id}", end_faults),
    ("PUT", "/accounts/{platform}/{key}", add_account),
    ("POST", "/accounts/{platform}/{key}/orders", place_orders),
    ("GET", "/accounts/{platform}/{key}/orders", list_orders),
    ("GET", "/accounts/{platform}/{key}/orders/{id}", get_order),
    ("PATCH", "/accounts/{platform}/{key}/orders/{id}", change_order),
    ("GET", "/accounts/{platform}/{key}/listings", listings),
    ("POST", "/accounts/{platform}/{key}/revoke", revoke),
    ("POST", "/accounts/{platform}/{key}/{action:[a-z-]+}", account_action),
    ("PUT", "/stores/{key}", add_store),
    ("GET", "/stores/{key}/variants", get_variants),
    ("PUT", "/stores/{key}/variants", put_variant),
    ("POST", "/stores/{key}/variants", add_variant),
    ("GET", "/stores/{key}/orders", get_store_orders),
    ("POST", "/stores/{key}/orders/{id:.+}/{action:ship|cancel|refund}", store_order_action),
    ("POST", "/stores/{key}/{action:[a-z-]+}", store_action),
)
