"""Who may come in: one-time codes, sessions, and how often a code may be tried.

A code is 40 random bits in two groups of four letters, valid for one sign-in; a session is 256 random bits in a cookie. Of both
only a SHA-256 is kept, in a file of mode 0600 that lives as long as the window: a technician who pulls the plug, as
the installation asks for, is still signed in when the power is back. Nothing of a session can be made from that file.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from gateway.daemon.page.process import CODE_BYTES, new_code
from gateway.daemon.typed_codes import decode

STATE = "state.json"
LABEL_CODE = "page.code"  # in the key folder, from provisioning: the code on the label, for the first window
TOKEN_BYTES = 32
MOST_CODES = 4  # the newest: a code that nobody used is not good for ever
MOST_SESSIONS = 8
LONGEST_NAME = 40
TRIES, TRIES_S = 5, 60  # wrong codes of one address, in so many seconds
TRIES_OF_ALL = 60  # of all addresses together, in the same time
MOST_ADDRESSES = 256


class WrongCodeError(Exception):
    """No such code, or it was used."""


class TooManyTriesError(Exception):
    """Codes were tried too often; `wait_s` says for how long nothing is looked at."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class Session:
    """Somebody who is signed in: `name` is what they call themselves, `cookie` what their browser holds."""

    def __init__(self, name: str, cookie: str) -> None:
        self.name = name
        self.cookie = cookie

    @property
    def form_token(self) -> str:
        """What each form of this session bears (cross-site request forgery)."""
        return derived("form", self.cookie)

    @property
    def holder_token(self) -> str:
        """What this session is to the hub, which never sees the cookie."""
        return derived("holder", self.cookie)


class Tries:
    """Wrong codes by address, forgotten after `TRIES_S`. `now` is in seconds and never goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wrong: dict[str, list[float]] = {}

    def wait_s(self, address: str) -> int:
        """For how long this address may not try; 0 where it may."""
        now = self._now()
        for each in list(self._wrong):
            self._wrong[each] = [at for at in self._wrong[each] if now - at < TRIES_S]
            if not self._wrong[each]:
                del self._wrong[each]
        own = self._wrong.get(address, [])
        of_all = sorted(at for found in self._wrong.values() for at in found)
        until = now
        if len(own) >= TRIES:
            until = max(until, own[-TRIES] + TRIES_S)
        if len(of_all) >= TRIES_OF_ALL or (len(self._wrong) >= MOST_ADDRESSES and not own):
            until = max(until, of_all[-min(TRIES_OF_ALL, len(of_all))] + TRIES_S)
        return max(0, -int(-(until - now) // 1))

    def wrong(self, address: str) -> None:
        """This address tried a wrong code."""
        self._wrong.setdefault(address, []).append(self._now())

    def right(self, address: str) -> None:
        """It knew one: what it mistyped before does not count."""
        self._wrong.pop(address, None)


class Gate:
    """Codes and sessions of one window, kept in `folder`, or nowhere where that is None.

    Raises OSError where the folder takes nothing: a code that would be forgotten at a power cut is none.
    """

    def __init__(self, folder: Path | None, now: Callable[[], float]) -> None:
        self._path = None if folder is None else folder / STATE
        self.tries = Tries(now)
        self._codes: list[str] = []
        self._label = ("", Path())
        self._sessions: dict[str, str] = {}  # SHA-256 of a cookie => name
        self._read()

    # --- codes ----------------------------------------------------------------------------------------------------

    def new_code(self) -> str:
        """A code for one sign-in, for people: `7KQ2-M9DX`."""
        made = new_code()
        self.take_code(made)
        return made

    def take_code(self, text: str) -> bool:
        """Let a code that was made elsewhere be one of ours; whether it is a code."""
        raw = decode(text, CODE_BYTES)
        if raw is not None and hashed(raw) not in self._codes:
            self._codes = [*self._codes, hashed(raw)][-MOST_CODES:]
            self._write()
        return raw is not None

    def take_label(self, path: Path) -> str:
        """Let the code in this file be one of ours until somebody uses it, which removes the file; empty where there is none."""
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            return ""
        raw = decode(text, CODE_BYTES)
        if raw is None or not self.take_code(text):
            return ""
        self._label = (hashed(raw), path)
        return text

    @property
    def has_code(self) -> bool:
        """Whether a code is out that nobody has used."""
        return bool(self._codes)

    @property
    def has_session(self) -> bool:
        """Whether anybody is signed in."""
        return bool(self._sessions)

    # --- sessions -------------------------------------------------------------------------------------------------

    def sign_in(self, code: str, name: str, address: str) -> Session:
        """A session for whoever knows a code, which is used up by it.

        Raises:
            TooManyTriesError: not looked at.
            WrongCodeError: looked at, and counted.
        """
        if wait_s := self.tries.wait_s(address):
            raise TooManyTriesError(wait_s)
        raw = decode(code, CODE_BYTES)
        given = hashed(b"" if raw is None else raw)
        # Every code is compared to the end: how long it takes says nothing.
        fits = [hmac.compare_digest(given, each) for each in self._codes]
        if not any(fits):
            self.tries.wrong(address)
            raise WrongCodeError
        self.tries.right(address)
        cookie = secrets.token_urlsafe(TOKEN_BYTES)
        if self._codes.pop(fits.index(True)) == self._label[0]:
            self._label[1].unlink(missing_ok=True)  # who reads the label later has nothing
        sessions = [*self._sessions.items(), (hashed(cookie.encode()), plain_name(name))]
        self._sessions = dict(sessions[-MOST_SESSIONS:])
        self._write()
        return Session(plain_name(name), cookie)

    def session(self, cookie: str) -> Session | None:
        """Whose cookie this is."""
        name = self._sessions.get(hashed(cookie.encode()))
        return None if name is None else Session(name, cookie)

    def sign_out(self, session: Session) -> None:
        """Forget a session."""
        self._sessions.pop(hashed(session.cookie.encode()), None)
        self._write()

    # --- the file -------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """What a former process of this window kept; a file that does not read is none."""
        if self._path is None:
            return
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            codes = [str(each) for each in kept["codes"]][-MOST_CODES:]
            sessions = {str(key): plain_name(str(name)) for key, name in kept["sessions"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        self._codes, self._sessions = codes, sessions

    def _write(self) -> None:
        if self._path is None:
            return
        text = json.dumps({"codes": self._codes, "sessions": self._sessions}, ensure_ascii=False)
        write_private(self._path, text.encode())


def hashed(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def derived(purpose: str, cookie: str) -> str:
    """What is made from a cookie for one purpose, and leads back to it by no way."""
    return hmac.new(cookie.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def plain_name(name: str) -> str:
    """What somebody calls themselves, on one line and not for ever."""
    return "".join(letter for letter in " ".join(name.split()) if letter.isprintable())[:LONGEST_NAME]


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all, and still there after a power cut. Raises OSError."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
