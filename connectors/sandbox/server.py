"""What every platform's requests go through: latency, faults, the count of calls, and the journal before the answer.

A platform module offers `setup(app, world)`. It registers a `Face` (`app[CORE].faces["amazon"] = Face(...)`) and in
each handler says which operation this is: `await gate(request, Operation("amazon", seller, "getOrder"))`. For GraphQL
that is after parsing, with the root field as the operation. `gate` raises when the request ends there; the middleware
does all that comes after the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from connectors.sandbox.faults import AFTER, BEFORE, Fault, Faults
from connectors.sandbox.limits import Limits
from connectors.sandbox.platforms import MarketplaceControl, StoreControl
from connectors.sandbox.webhooks import Webhooks
from connectors.sandbox.world import World

logger = logging.getLogger("sandbox")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operation(NamedTuple):
    """Which call this is: the platform, whose data (seller id, shop domain, "" unknown), the platform's name for it."""

    platform: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Face:
    """How a platform words what the core makes go wrong.

    `error(operation, status, code, message)`: an error answer (empty code and message: the platform's usual ones);
    `throttled(operation, headers)`: too many requests, with or without the platform's headers;
    `token_revoked(operation)`: the access token or the permission is gone.
    """

    platform: str
    error: Callable[[Operation, int, str, str], web.Response]
    throttled: Callable[[Operation, bool], web.Response]
    token_revoked: Callable[[Operation], web.Response]


@dataclass
class Core:
    """What all parts of the sandbox share."""

    world: World
    faults: Faults
    limits: Limits
    webhooks: Webhooks
    credentials: dict[str, Any]
    base_url: str
    web_url: str
    faces: dict[str, Face] = field(default_factory=dict)
    marketplaces: dict[str, MarketplaceControl] = field(default_factory=dict)
    stores: dict[str, StoreControl] = field(default_factory=dict)
    calls: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    throttled: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    csrf_key: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def latency(self) -> float:
        """Seconds every platform answer takes at the least."""
        return float(self.world.table("settings").get("latency", {}).get("milliseconds", 0)) / 1000

    def clear(self) -> None:
        """Faults, limits, latency and counts as at the start (the control API's reset)."""
        self.faults.end()
        self.limits.clear()
        self.world.drop("settings", "latency")
        self.calls.clear()
        self.throttled.clear()


CORE: web.AppKey[Core] = web.AppKey("core", Core)
OPERATION = "sandbox_operation"
THROTTLED = "sandbox_throttled"


class Interrupted(Exception):
    """Ends a request with an answer made before its work was done."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


async def gate(request: web.Request, operation: Operation) -> None:
    """Name a request's operation, wait the latency out, and let faults strike that come before the work.

    Raises `Interrupted` with the platform's own answer when the request ends here.
    """
    core = request.app[CORE]
    request[OPERATION] = operation
    latency = core.latency
    if latency:
        await asyncio.sleep(latency)
    if not core.faults:
        return
    text = await _text(request) if core.faults.wants_text() else ""
    fault = core.faults.pick(BEFORE, operation.platform, operation.name, text)
    if fault is not None:
        raise Interrupted(_before(request, core, operation, fault))


async def _text(request: web.Request) -> str:
    return request.path_qs + "\n" + (await request.read()).decode(errors="replace")


def _before(request: web.Request, core: Core, operation: Operation, fault: Fault) -> web.Response:
    face, params = core.faces[operation.platform], fault["params"]
    if fault["kind"] == "throttle":
        request[THROTTLED] = True
        return face.throttled(operation, bool(params.get("headers", True)))
    if fault["kind"] == "token_revoked":
        return face.token_revoked(operation)
    if fault["kind"] == "html":
        page = "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h1>503</h1></body></html>"
        return web.Response(text=page, content_type="text/html", status=int(params.get("code", 503)))
    if fault["kind"] == "refuse":
        code, message = str(params.get("code", "")), str(params.get("message", ""))
        return face.error(operation, int(params.get("status", 400)), code, message)
    return face.error(operation, int(params.get("code", 500)), "", "")


def throttle(request: web.Request, operation: Operation) -> Interrupted:
    """Return what to raise when a platform's bucket is empty."""
    request[THROTTLED] = True
    return Interrupted(request.app[CORE].faces[operation.platform].throttled(operation, True))


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Run the handler, write the journal, count the call, and let faults strike that come after the work."""
    core = request.app[CORE]
    try:
        response = await handler(request)
    except Interrupted as end:
        response = end.response
    except web.HTTPException as end:
        core.world.commit()
        named: Operation | None = request.get(OPERATION)
        if named is not None:
            _count(core, request, named, str(end.status))
        raise
    except Exception:
        logger.exception("the sandbox failed on %s %s", request.method, request.path)
        failed: Operation | None = request.get(OPERATION)
        response = (
            core.faces[failed.platform].error(failed, 500, "", "")
            if failed
            else web.Response(status=500, text="The sandbox itself failed; its log says why.")
        )
    core.world.commit()
    operation: Operation | None = request.get(OPERATION)
    if operation is None:
        return response
    status = str(response.status)
    if core.faults and isinstance(response, web.Response):
        text = ""
        if core.faults.wants_text():
            text = await _text(request) + "\n" + (response.text or "")
        fault = core.faults.pick(AFTER, operation.platform, operation.name, text)
        if fault is not None:
            core.world.commit()
            _count(core, request, operation, _SEEN_AS.get(fault["kind"], status))
            return await _after(request, core, operation, fault, response)
    _count(core, request, operation, status)
    return response


_SEEN_AS = {"drop_after": "dropped", "timeout_after": "timeout"}


def _count(core: Core, request: web.Request, operation: Operation, status: str) -> None:
    place = (*operation, status)
    core.calls[place] += 1
    if status == "429" or request.get(THROTTLED):
        core.throttled[place] += 1


async def _after(
    request: web.Request, core: Core, operation: Operation, fault: Fault, response: web.Response
) -> web.StreamResponse:
    kind, params = fault["kind"], fault["params"]
    if kind == "status_after":
        return core.faces[operation.platform].error(operation, int(params.get("code", 500)), "", "")
    if kind == "timeout_after":
        await asyncio.sleep(float(params.get("seconds", 120)))
    if kind in ("drop_after", "timeout_after"):
        if request.transport is not None:
            request.transport.abort()
        return response
    body = response.body if isinstance(response.body, bytes) else b""
    own = ("Content-Length", "Content-Type")
    headers = {name: value for name, value in response.headers.items() if name not in own}
    if kind == "truncate":
        return web.Response(
            body=body[: len(body) // 2], status=response.status, headers=headers, content_type=response.content_type
        )
    return await _slowly(request, response, body, headers, float(params.get("seconds", 10)))


async def _slowly(
    request: web.Request, response: web.Response, body: bytes, headers: dict[str, str], seconds: float
) -> web.StreamResponse:
    """Send the body in twenty pieces over `seconds`."""
    stream = web.StreamResponse(status=response.status, headers=headers)
    stream.content_type = response.content_type
    stream.content_length = len(body)
    await stream.prepare(request)
    size = max(1, len(body) // 20)
    # The client may well give up before the end; that is what this fault is for.
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(body), size):
            await asyncio.sleep(seconds / 20)
            await stream.write(body[start : start + size])
        await stream.write_eof()
    return stream


def make_app(
    data_dir: Path,
    credentials: dict[str, Any],
    *,
    base_url: str,
    web_url: str,
    setups: list[Callable[[web.Application, World], None]],
) -> web.Application:
    """Return the application with its world loaded and every platform set up. Nothing runs in the background yet."""
    world = World(data_dir)
    faults = Faults(world)
    core = Core(
        world=world,
        faults=faults,
        limits=Limits(world),
        webhooks=Webhooks(world, faults),
        credentials=credentials,
        base_url=base_url.rstrip("/"),
        web_url=web_url.rstrip("/"),
    )
    app = web.Application(middlewares=[middleware], client_max_size=8 * 1024 * 1024)
    app[CORE] = core
    world.on_reset(core.faults.load)
    for setup in setups:
        setup(app, world)
    world.commit()

    async def background(app: web.Application) -> Any:
        await core.webhooks.start()
        yield
        await core.webhooks.stop()
        world.close()

    app.cleanup_ctx.append(background)
    return app
