"""In and out: the one-time code, who installs, a code for a colleague, the language."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.daemon.page.gate import Session, TooManyTriesError, WrongCodeError
from gateway.daemon.page.hub import HubGoneError
from gateway.daemon.page.visit import COOKIE, LANGUAGE_COOKIE, Visit, go, own_path
from gateway.daemon.texts import LANGUAGES


async def sign_in(visit: Visit) -> Response:
    """The form, and what was filled in."""
    if visit.session is not None:
        return go("/")
    if visit.request.method == "GET":
        return visit.show("sign_in.html", fault="", name="", wait_s=0)
    code, name = await visit.field("code"), await visit.field("name")
    if not name:
        return visit.show("sign_in.html", 422, fault="no_name", name="", wait_s=0)
    try:
        visit.session = visit.page.gate.sign_in(code, name, address_of(visit.request))
    except TooManyTriesError as error:
        return visit.show("sign_in.html", 429, fault="too_many", name=name, wait_s=error.wait_s)
    except WrongCodeError:
        return visit.show("sign_in.html", 403, fault="wrong", name=name, wait_s=0)
    try:
        refused = await visit.take(force=False)
    except HubGoneError:
        refused = ""  # the next page says it
    answer = go("/taken") if refused else go("/")
    set_session(answer, visit.session)
    return answer


async def sign_out(visit: Visit) -> Response:
    """Forget this browser."""
    if visit.session is not None:
        await visit.form()
        visit.page.gate.sign_out(visit.session)
    answer = go("/sign-in")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


async def taken(visit: Visit) -> Response:
    """Somebody else installs: who, and since when."""
    refused = await visit.take(force=False)
    if not refused:
        return go("/")
    await visit.look()
    return visit.show("refused.html", 409, reason=refused, back="/", may_take=True)


async def take(visit: Visit) -> Response:
    """Take over, on purpose."""
    refused = await visit.take(force=True)
    if refused:
        return visit.show("refused.html", 409, reason=refused, back="/", may_take=True)
    return go("/")


async def colleague(visit: Visit) -> Response:
    """A code for one more person, shown once."""
    code = visit.page.gate.new_code() if visit.request.method == "POST" else ""
    return visit.show("colleague.html", code=code)


async def language(visit: Visit) -> Response:
    """Another language, and back to where it was asked for."""
    answer = go(own_path(visit.query("back")))
    wanted = visit.query("to")
    if wanted in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, wanted, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def set_session(answer: Response, session: Session) -> None:
    """Give a browser its cookie: it goes with the browser's session, and to nobody else."""
    answer.set_cookie(COOKIE, session.cookie, path="/", secure=True, httponly=True, samesite="strict")


def address_of(request: Request) -> str:
    """Whose tries are counted together."""
    return request.client.host if request.client else ""
