"""A browser without a screen, for the page in this process: cookies, redirects, forms, and what the pages say."""

import asyncio
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from gateway.daemon.control import ControlServer
from gateway.daemon.page.app import application
from gateway.daemon.page.gate import Gate
from gateway.daemon.page.hub import Hub
from gateway.daemon.page.visit import Page
from tests.gateway.page.installation import Installation

HOST = "127.0.0.1:8443"


class Form:
    """One form of a page."""

    def __init__(self, method: str, action: str) -> None:
        self.method, self.action = method, action
        self.fields: dict[str, str] = {}


class Document(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.language = self.chosen = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "html":
            self.language = found.get("lang") or ""
        elif tag == "a":
            self.links.append(found.get("href") or "")
        elif tag == "form":
            self.forms.append(Form((found.get("method") or "get").upper(), found.get("action") or ""))
        elif found.get("type") == "checkbox" and "checked" not in found:
            pass  # what nobody ticks is not sent
        elif tag in ("input", "select", "button") and self.forms and found.get("name"):
            self.chosen = str(found["name"])
            self.forms[-1].fields.setdefault(self.chosen, found.get("value") or "")
        elif tag == "option" and "selected" in found:
            self.forms[-1].fields[self.chosen] = found.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Answer:
    """What the page answered."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in headers}
        self.cookies = [value.decode() for name, value in headers if name.lower() == b"set-cookie"]

    @property
    def document(self) -> Document:
        return Document(self.body.decode())

    @property
    def text(self) -> str:
        return self.document.text


class Browser:
    """One technician's browser."""

    def __init__(self, app: Any, client: str = "192.168.1.5", host: str = HOST) -> None:
        self.app, self.client, self.host = app, client, host
        self.cookies: dict[str, str] = {}
        self.at = "/"

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """One request, as it is."""
        said = {"host": self.host, "accept": "text/html"}
        if self.cookies:
            said["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            said |= {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
            said |= {"origin": f"https://{self.host}", "sec-fetch-site": "same-origin"}
        said |= headers or {}
        parts = urlsplit(path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "https",
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in said.items() if value],
            "client": (self.client, 50_000),
            "server": ("127.0.0.1", 8443),
        }
        found: list[dict[str, Any]] = []

        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            first = next(asked, None)
            if first is None:
                await asyncio.Event().wait()  # nobody hangs up
            return first or {}

        async def send(message: dict[str, Any]) -> None:
            found.append(message)

        await self.app(scope, receive, send)
        content = b"".join(each.get("body", b"") for each in found[1:])
        answer = Answer(found[0]["status"], found[0]["headers"], content)
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]
        return answer

    async def get(self, path: str) -> Answer:
        """A page, redirects followed."""
        answer = await self.ask("GET", path)
        self.at = path
        return await self.get(answer.headers["location"]) if answer.status == 303 else answer

    async def post(self, path: str, **fields: str) -> Answer:
        """A form of the page that was seen last for this path, filled in, redirects followed."""
        answer = await self.ask("POST", path, urlencode(fields).encode())
        return await self.get(answer.headers["location"]) if answer.status == 303 else answer

    async def submit(self, page: Answer, action: str, **fields: str) -> Answer:
        """A form of a page, filled in."""
        forms = [each for each in page.document.forms if each.action == action and each.method == "POST"]
        same = [form for form in forms if all(form.fields.get(k, v) in ("", v) for k, v in fields.items())]
        wanted = same or forms
        assert wanted, f"{action} is no form of {[form.action for form in page.document.forms]}"
        return await self.post(action, **(wanted[0].fields | fields))

    async def sign_in(self, code: str, name: str = "Kari") -> Answer:
        """Come in."""
        return await self.submit(await self.get("/sign-in"), "/sign-in", code=code, name=name)


class Site:
    """A hub's simulated side with the page before it. `now` moves by hand."""

    def __init__(self, folder: Path) -> None:
        self.home = Installation()
        self.now_s = 1_000.0
        self.folder = folder
        self.gate = Gate(folder / "page", lambda: self.now_s)
        self.closed = 0
        self.page = Page(Hub(folder / "control.sock", wait_s=0), self.gate, "nb", self.close)
        self.app = application(self.page)

    def close(self) -> None:
        self.closed += 1

    def browser(self, **options: str) -> Browser:
        return Browser(self.app, **options)

    async def inside(self, name: str = "Kari", language: str = "") -> Browser:
        """Somebody who is signed in."""
        browser = self.browser()
        if language:
            browser.cookies["__Host-language"] = language
        await browser.sign_in(self.gate.new_code(), name)
        return browser


def visiting(folder: Path, work: Callable[[Site], Awaitable[Any]]) -> Any:
    """What `work` returns while the hub answers."""
    site = Site(folder)

    async def run() -> Any:
        async with ControlServer(folder / "control.sock", site.home.handlers()):
            return await work(site)

    return asyncio.run(run())
