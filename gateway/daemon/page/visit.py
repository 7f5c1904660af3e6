"""One request: who asks, in which language, what the hub says of the installation, and how an answer is made."""

import asyncio
import hmac
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jinja2
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.daemon.page.gate import Gate, Session
from gateway.daemon.page.hub import Hub, HubRefusedError
from gateway.daemon.page.words import Words
from gateway.daemon.texts import LANGUAGES

COOKIE = "__Host-trygg"  # browsers take such a cookie only over TLS, for this host alone (RFC 6265bis)
LANGUAGE_COOKIE = "__Host-language"
FORM_TOKEN = "form"  # noqa: S105  the name of a field
MOST_FIELDS = 400
LOOKS, LOOK_S = 40, 0.5
FOLDER = Path(__file__).parent
Facts = dict[str, Any]


class SignInError(Exception):
    """Nobody is signed in."""


class ForeignFormError(Exception):
    """A form that is none of this session's pages."""


class ClosedError(Exception):
    """The installation window is closed."""


class Page:
    """What all requests share. `closing` is told once the hub says that the window is closed."""

    def __init__(self, hub: Hub, gate: Gate, language: str, closing: Callable[[], None]) -> None:
        self.hub = hub
        self.gate = gate
        self.language = language
        self.closing = closing
        self.taken_by = ""  # the session that became the holder last, as far as this process knows
        self.templates = environment()


@cache
def environment() -> jinja2.Environment:
    """Templates that escape what is filled in, and fail where something is missing."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["query"] = query
    made.filters["minus"] = minus
    made.filters["sentence"] = sentence
    return made


class Visit:
    """One request. `install` is what the hub says of the installation, once it was asked."""

    def __init__(self, page: Page, request: Request) -> None:
        self.page = page
        self.request = request
        said = request.cookies.get(LANGUAGE_COOKIE)
        self.words = Words(said if said in LANGUAGES else page.language)
        self.session: Session | None = page.gate.session(request.cookies.get(COOKIE, ""))
        self.install: Facts = {}
        self.was_refused = False
        self._form: FormData | None = None

    # --- what is asked --------------------------------------------------------------------------------------------

    def query(self, name: str) -> str:
        """A value of the address; empty where there is none."""
        return str(self.request.query_params.get(name, ""))

    async def form(self) -> FormData:
        """The form that was sent. Raises ForeignFormError where it does not bear this session's token."""
        if self._form is None:
            self._form = await self.request.form(max_files=0, max_fields=MOST_FIELDS)
        if self.session is not None:
            given = str(self._form.get(FORM_TOKEN, ""))
            if not hmac.compare_digest(given.encode(), self.session.form_token.encode()):
                raise ForeignFormError
        return self._form

    async def field(self, name: str) -> str:
        """One field of the form, without blanks around it."""
        return str((await self.form()).get(name, "")).strip()

    async def enter(self) -> None:
        """Find who asks, and how far the installation is. Raises SignInError, ClosedError, HubGoneError, HubRefusedError."""
        if self.session is None:
            raise SignInError
        await self.look()
        if not self.install["window"]["is_open"]:
            self.page.closing()
            raise ClosedError

    async def look(self) -> None:
        """Ask how far the installation is."""
        self.install = await self.page.hub.ask("install")

    async def change(self, command: str, **arguments: str | bool) -> Any:
        """A command that only whoever installs may give. Raises HubGoneError, HubRefusedError."""
        if self.session is None:
            raise SignInError
        self.was_refused = True  # until it went well
        result = await self.page.hub.ask(command, token=self.session.holder_token, **arguments)
        self.was_refused = False
        return result

    async def settle(self, is_so: Callable[[], bool]) -> None:
        """Look again until the hub uses a changed configuration, for which it starts anew; not for ever. Raises HubGoneError."""
        for _ in range(LOOKS):
            await self.look()
            if is_so():
                return
            await asyncio.sleep(LOOK_S)

    async def take(self, *, force: bool) -> str:
        """Become the one who installs; why not, or empty where it went well. Raises HubGoneError."""
        if self.session is None:
            raise SignInError
        try:
            await self.change("install_take", holder=self.session.name, force=force)
        except HubRefusedError as error:
            return self.words.reword(error)
        self.page.taken_by = self.session.holder_token
        return ""

    def other_holder(self) -> str:
        """Who installs, where it is not whoever asks: another name, or the same in another browser; else empty."""
        holder = str(self.install.get("holder", ""))
        if self.session is not None and holder == self.session.name:
            taken_by = self.page.taken_by
            return holder if taken_by and taken_by != self.session.holder_token else ""
        return holder

    def began(self) -> str:
        """How long ago whoever installs took the installation; empty where the hub or its clock does not know."""
        since_ms = self.install.get("holder_utc_ms")
        ago_ms = 1000 * int(time.time()) - since_ms if isinstance(since_ms, int) and since_ms > 0 else -1
        return self.words.texts.duration(ago_ms) if ago_ms >= 0 else ""

    def may_take(self) -> bool:
        """Whether a change was refused that it would not have been for who installs now."""
        return self.was_refused and bool(self.other_holder())

    def device(self, name: str) -> Facts | None:
        """What the hub says of one device of this home."""
        return next((row for row in self.install["devices"] if row["name"] == name), None)

    def step(self, step_id: str) -> Facts | None:
        """One step of the installation."""
        return next((row for row in self.install["steps"] if row["id"] == step_id), None)

    # --- what is answered -----------------------------------------------------------------------------------------

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one."""
        text = self.page.templates.get_template(template).render(
            t=self.words,
            language=self.words.language,
            session=self.session,
            install=self.install,
            began=self.began(),
            here=self.here(),
            follow=self.query("follow") == "1",
            **values,
        )
        return HTMLResponse(text, status)

    def here(self) -> str:
        """The address of this page, to come back to."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")


def go(path: str, **values: str) -> Response:
    """To another page, by GET."""
    return RedirectResponse(path + (query(values) if values else ""), 303)


def query(values: dict[str, Any]) -> str:
    """`?name=Front%20door`: also of what a device calls itself."""
    return "?" + urlencode(values, quote_via=quote)


def minus(number: object) -> str:
    """A number with a minus that is read out as one."""
    return str(number).replace("-", "\N{MINUS SIGN}")


def sentence(text: str) -> str:
    """What the hub says as one clause, standing alone."""
    whole = text[:1].upper() + text[1:]
    return whole + "." if whole and whole[-1].isalnum() else whole


def own_path(text: str) -> str:
    """A path of this page, or the first one: nobody is sent elsewhere."""
    parts = urlsplit(text)
    is_ours = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_ours and not parts.scheme and not parts.netloc else "/"
