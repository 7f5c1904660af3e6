"""The page as a Starlette application: routes, who may see them, and what is said where one fails.

A page that follows something is there twice: whole, and as the part that the script puts in its place (`/part/...`).
"""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.core.errors import RefusedError
from gateway.daemon.page import cards, devices, entrance, overview, trials
from gateway.daemon.page.certificate import host_names
from gateway.daemon.page.guard import Guard
from gateway.daemon.page.hub import HubGoneError, HubRefusedError
from gateway.daemon.page.visit import FOLDER, ClosedError, ForeignFormError, Page, SignInError, Visit, go

Answer = Awaitable[Response]
# (template without ".html", values) of a page that can be shown whole or in part
View = Callable[[Visit], Awaitable[tuple[str, dict[str, Any]]]]

LOG = logging.getLogger("gateway.daemon.page")
STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}

VIEWS: dict[str, View] = {
    "/": overview.checklist,
    "/status": overview.status,
    "/nearby": devices.nearby,
    "/device": devices.device,
    "/pair": devices.pair,
    "/walk": trials.walk,
    "/plug": trials.plug,
    "/centre": trials.centre,
}
FORMS: dict[str, Callable[[Visit], Answer]] = {
    "/add": devices.add,
    "/several": devices.several,
    "/undo": trials.undo,
    "/finish": trials.finish,
    "/colleague": entrance.colleague,
    "/taken": entrance.taken,
}
POSTS: dict[str, Callable[[Visit], Answer]] = {
    "/take": entrance.take,
    "/device/pair": devices.begin_pairing,
    "/device/test": devices.test,
    "/device/remove": devices.remove,
    "/pair/answer": devices.answer,
    "/pair/cancel": devices.cancel,
    "/walk": trials.measure,
    "/plug": trials.pull,
    "/centre": trials.ring,
}
# Nothing of a home stands on these; whoever scans a code beside a silent gateway reads them without a code.
OPEN: dict[str, tuple[Callable[[Visit], Answer], tuple[str, ...]]] = {
    "/sign-in": (entrance.sign_in, ("GET", "POST")),
    "/sign-out": (entrance.sign_out, ("POST",)),
    "/language": (entrance.language, ("GET",)),
    "/faults": (cards.faults, ("GET",)),
    "/fault/{code}": (cards.fault, ("GET",)),
    "/fault/{code}/code.svg": (cards.code, ("GET",)),
    "/record": (trials.record, ("GET",)),
}


def application(page: Page) -> ASGIApp:
    """The page behind its guard."""
    routes = [Route("/static/{name}", static)]
    for path, (handler, methods) in OPEN.items():
        routes.append(Route(path, answering(page, handler), methods=methods))
    for path, view in VIEWS.items():
        part = "/part/checklist" if path == "/" else f"/part{path}"
        routes.append(Route(path, answering(page, functools.partial(whole, view)), methods=["GET"]))
        routes.append(Route(part, answering(page, functools.partial(partly, view)), methods=["GET"]))
    for path, handler in POSTS.items():
        routes.append(Route(path, answering(page, functools.partial(checked, handler)), methods=["POST"]))
    for path, handler in FORMS.items():
        routes.append(
            Route(path, answering(page, functools.partial(checked, handler)), methods=["GET", "POST"])
        )
    handlers = {HTTPException: functools.partial(strange, page), Exception: functools.partial(broken, page)}
    app = Starlette(routes=routes, exception_handlers=handlers)
    return Guard(app, host_names(), lambda why: LOG.info("A request was refused: %s", why))


# --- how a handler is called --------------------------------------------------------------------------------------


def answering(page: Page, handler: Callable[[Visit], Answer]) -> Callable[[Request], Answer]:
    """An endpoint that says in plain words what keeps it from answering."""

    async def endpoint(request: Request) -> Response:
        visit = Visit(page, request)
        try:
            return await handler(visit)
        except SignInError:
            return go("/sign-in")
        except ForeignFormError:
            return visit.show("message.html", 403, about="foreign", detail="", back="/")
        except ClosedError:
            return visit.show("message.html", 410, about="closed", detail="", back="/record")
        except HubGoneError as error:
            detail = visit.words.reword(error)
            return visit.show("message.html", 503, about="gone", detail=detail, back=visit.here())
        except (HubRefusedError, RefusedError) as error:
            reason, may_take = visit.words.reword(error), visit.may_take()
            return visit.show("refused.html", 409, reason=reason, back=back_of(visit), may_take=may_take)

    return endpoint


async def whole(view: View, visit: Visit) -> Response:
    """The whole page of a view."""
    await visit.enter()
    template, values = await view(visit)
    return visit.show(template + ".html", part=f"part_{template}.html", **values)


async def partly(view: View, visit: Visit) -> Response:
    """The part of a view that moves."""
    await visit.enter()
    template, values = await view(visit)
    return visit.show(f"part_{template}.html", **values)


async def checked(handler: Callable[[Visit], Answer], visit: Visit) -> Response:
    """A form, or what was sent with it: by somebody signed in, from one of our pages."""
    await visit.enter()
    if visit.request.method == "POST":
        await visit.form()
    return await handler(visit)


def back_of(visit: Visit) -> str:
    """Where somebody goes on whose request was refused."""
    return visit.here() if visit.request.method == "GET" else "/"


async def static(request: Request) -> Response:
    """Style, script and icon."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404)
    return FileResponse(FOLDER / "static" / name, media_type=STATIC[name])


def strange(page: Page, request: Request, error: Exception) -> Response:
    """No such page, or not by this method."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    about = "missing" if status in (404, 405) else "strange"
    return Visit(page, request).show("message.html", status, about=about, detail="", back="/")


def broken(page: Page, request: Request, _error: Exception) -> Response:
    """A fault of ours; Starlette raises it again for the log."""
    return Visit(page, request).show("message.html", 500, about="broken", detail="", back="/")
