"""The app in the pretend control panel: the app market, consent, who may open the app, the frame it lives in."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.bigcommerce import hooks, oauth, tokens
from connectors.sandbox.bigcommerce.face import BIGCOMMERCE
from connectors.sandbox.bigcommerce.panel_pages import MANAGE, context_of, manage, render
from connectors.sandbox.bigcommerce.state import CODES


async def market(request: web.Request) -> web.Response:
    """The app market's page of our app: one row a store."""
    face = request.app[BIGCOMMERCE]
    rows = [
        {
            "hash": store["hash"],
            "name": store["name"],
            "products": len(face.state.products_of[store["hash"]]),
            "installed": tokens.installed(face.core.world, store["hash"]) is not None,
        }
        for store in face.state.in_order()
    ]
    return render(request, "market", stores=rows)


async def consent(request: web.Request) -> web.Response:
    """What the app asks for."""
    context = context_of(request)
    return render(request, "consent", store=context.store, words=tokens.words(" ".join(tokens.DEFAULT_SCOPES)))


async def decide(request: web.Request) -> web.Response:
    """Agree: the control panel opens the app's callback in its frame."""
    form = await pages.form(request)
    context = context_of(request)
    if form.get("answer") != "install":
        raise web.HTTPSeeOther("/bigcommerce/apps")
    user = oauth.user_named(context.store, form.get("user", ""))
    address = oauth.install_address(context.face, context.hash, user)
    context.face.core.world.commit()
    raise web.HTTPSeeOther(f"{manage(context, 'app')}?{address.partition('?')[2]}")


async def apps(request: web.Request) -> web.Response:
    """The installed app: what it may do, what it is told, who may open it, and the Uninstall button."""
    context = context_of(request)
    install = tokens.installed(context.face.core.world, context.hash)
    removed = install["removed"] if install else []
    return render(
        request,
        "apps",
        store=context.store,
        tab="apps",
        installed=install is not None,
        words=tokens.words(install["scope"]) if install else [],
        hooks=hooks.of_store(context.face.core.world, context.hash),
        users=[{**user, "removed": user["id"] in removed} for user in context.store["users"]],
    )


async def act_on_apps(request: web.Request) -> web.Response:
    """Uninstall the app, or take it from a user, or give it back."""
    form = await pages.form(request)
    context = context_of(request)
    world, act = context.face.core.world, form.get("act")
    user = oauth.user_named(context.store, form.get("user", ""))
    if act == "uninstall":
        oauth.uninstall(context.face, context.hash)
        said = "The app is taken off this store, and told so."
    elif act == "remove" and user is not None:
        oauth.remove_user(context.face, context.hash, user)
        said = f"{user['username']} may no longer open the app."
    elif act == "restore" and user is not None:
        install = tokens.installed(world, context.hash)
        tokens.remember_removed(
            world, context.hash, [n for n in (install or {"removed": []})["removed"] if n != user["id"]]
        )
        said = f"{user['username']} may open the app again."
    else:
        raise web.HTTPBadRequest(text="Unknown action.")
    world.commit()
    raise pages.back(request.path, said)


async def frame(request: web.Request) -> web.Response:
    """The app in the control panel's frame: at its install callback while a code is fresh, else at its load callback."""
    face = request.app[BIGCOMMERCE]
    context = context_of(request)
    if request.match_info.get("app", face.app_id) != face.app_id:
        raise web.HTTPNotFound(text="There is no such app.")
    world, query = face.core.world, request.query
    install = tokens.installed(world, context.hash)
    user = oauth.user_named(context.store, query.get("user", "")) or context.store["users"][0]
    code = world.table(CODES).get(query.get("code", ""))
    if code is not None and code["store"] == context.hash:
        names = ("code", "scope", "context", "account_uuid")
        source = f"{oauth.callback(face, 'auth')}?{urlencode({name: query.get(name, '') for name in names})}"
        user = oauth.user_named(context.store, str(code["user"]["id"])) or user
    elif install is None:
        raise web.HTTPFound(manage(context, "apps"))
    elif user["id"] in install["removed"]:
        raise pages.back(manage(context, "apps"), f"{user['username']} may not open the app.", wrong=True)
    else:
        path = query.get("path", "/")
        source = oauth.load_address(face, context.hash, user, path if path.startswith("/") else "/")
    return render(
        request,
        "frame",
        frames=face.core.web_url,
        store=context.store,
        source=source,
        users=context.store["users"],
        user=user,
    )


def setup_apps(app: web.Application) -> None:
    """Add the pages' routes."""
    add = app.router
    add.add_get("/bigcommerce/apps", market)
    add.add_get("/bigcommerce/apps/{hash:[a-z0-9]+}/install", consent)
    add.add_post("/bigcommerce/apps/{hash:[a-z0-9]+}/install", decide)
    add.add_get(f"{MANAGE}/apps", apps)
    add.add_post(f"{MANAGE}/apps", act_on_apps)
    add.add_get(f"{MANAGE}/app", frame)
    # The address real control panels open an app at; there is one app here.
    add.add_get(MANAGE + r"/app/{app:\d+}", frame)
