"""What single configuration values may be: each check returns the value to use, or says what was expected.

A check raises `WrongValueError` alone; `config.py` adds the key and the file. What was found is shown to people
and written to logs, so anything that could be a secret is described and never repeated.
"""

from gateway.core.timezone import zones

HEX = "0123456789abcdefABCDEF"
LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
SHOWN = 60  # characters of a value that an error repeats
SECRET_DIGITS = 16  # a run of hex this long may be a key
TEXT_LIMIT = 64
PATH_LIMIT = 1024
PORT_LIMIT = 256
PORT_SCHEMES = ("loop", "rfc2217", "socket")
BROKERS_LIMIT = 4
OPTIONS_LIMIT = 16
PORTS = {"mqtts": 8883, "mqtt": 1883}
IDENTIFIER = "text in quotes: 1 to 32 of a-z, 0-9 and -, not beginning with -"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Check = Callable[[object], object]


class WrongValueError(Exception):
    """A value that cannot be used. `found` is empty where the value itself may be described."""

    def __init__(self, expected: str, found: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = found


class Broker:
    """One broker of `[uplink] brokers`: where it is, and whether the way there is TLS."""

    __slots__ = ("host", "port", "tls")

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self.host = host
        self.port = port
        self.tls = tls

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Broker) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        host = "[" + self.host + "]" if ":" in self.host else self.host
        return ("mqtts" if self.tls else "mqtt") + "://" + host + ":" + str(self.port)


def describe(value: object) -> str:
    """A found value in words that give no secret away."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if len(value) >= SECRET_DIGITS and only(value, HEX):
            return str(len(value)) + " hexadecimal digits"
        if "\n" in value:
            return "text of several lines"
        return "'" + value + "'" if len(value) <= SHOWN else "text of " + str(len(value)) + " characters"
    if isinstance(value, float):
        return "the fraction " + str(value)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, (list, tuple)) else "a date or time"


def only(text: str, allowed: str) -> bool:
    """Whether a text is of allowed characters alone."""
    return all(character in allowed for character in text)


def is_whole(value: object) -> bool:
    """Whether a value is an integer; on CPython a boolean is one too, and is not meant."""
    return isinstance(value, int) and not isinstance(value, bool)


def text(limit: int = TEXT_LIMIT) -> "Check":
    """One line of text for people."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not value.strip() or len(value) > limit:
            raise WrongValueError("text of 1 to " + str(limit) + " characters")
        if any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise WrongValueError("text without line breaks or control characters", "a control character")
        return value

    return check


def whole(low: int, high: int) -> "Check":
    """A whole number from `low` to `high`."""

    def check(value: object) -> object:
        if not is_whole(value) or not low <= value <= high:  # type: ignore[operator]
            raise WrongValueError("a whole number from " + str(low) + " to " + str(high))
        return value

    return check


def flag(value: object) -> object:
    """True or false, without quotes."""
    if value is not True and value is not False:
        raise WrongValueError("true or false, without quotes")
    return value


def names(limit: int) -> "Check":
    """A list of names of devices, each once."""

    def check(value: object) -> object:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= limit:
            raise WrongValueError("a list of 1 to " + str(limit) + " names in [ ]")
        found = [str(text()(item)) for item in value]
        if len(set(found)) < len(found):
            raise WrongValueError("each name once", "a name twice")
        return found

    return check


def choice(*words: str) -> "Check":
    """One of some words."""

    def check(value: object) -> object:
        if value not in words:
            raise WrongValueError("one of " + ", ".join(words) + suggestion(value, words))
        return value

    return check


def identifier(value: object) -> object:
    """An id that topics and certificates carry. Source: DESIGN.md 4, `[a-z0-9][a-z0-9-]{0,31}`."""
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or not only(value, LOWER + DIGITS + "-"):
        raise WrongValueError(IDENTIFIER)
    if value[0] == "-":
        raise WrongValueError(IDENTIFIER)
    return value


def path(value: object) -> object:
    """A file or folder."""
    if not isinstance(value, str) or not value or len(value) > PATH_LIMIT or "\n" in value or "\0" in value:
        raise WrongValueError("the path of a file, not what is in it")
    return value


def zone(value: object) -> object:
    """A time zone whose rules this gateway carries."""
    if not isinstance(value, str) or value not in zones():
        raise WrongValueError("a time zone of Europe such as Europe/Oslo" + suggestion(value, zones()))
    return value


def public_key(value: object) -> object:
    """An Ed25519 public key in hex, or a file that holds it."""
    if isinstance(value, str) and value.endswith(".pub"):
        return path(value)
    if not isinstance(value, str) or len(value) != 64 or not only(value, HEX):
        raise WrongValueError("64 hexadecimal digits, or the path of a .pub file that holds them")
    return value.lower()


def address(value: object) -> object:
    """A Bluetooth address, made upper-case."""
    expected = "a Bluetooth address such as AA:BB:CC:DD:EE:FF"
    parts = value.split(":") if isinstance(value, str) else []
    if len(parts) != 6 or not all(len(part) == 2 and only(part, HEX) for part in parts):
        raise WrongValueError(expected)
    assert isinstance(value, str)
    return value.upper()


def port(value: object) -> object:
    """A serial port: a path, a URL, or `usb:VID:PID` with the serial number behind it where there is more than one."""
    value = text(PORT_LIMIT)(value)
    assert isinstance(value, str)
    if value.startswith("usb:"):
        ids, slash, serial_number = value[4:].partition("/")
        vendor, _, product = ids.partition(":")
        if not all([len(part) == 4 and only(part, HEX) for part in (vendor, product)]) or (
            slash and not serial_number
        ):
            raise WrongValueError("usb:VID:PID or usb:VID:PID/SERIAL, such as usb:0403:6001/FT1ABCDE")
        return "usb:" + ids.lower() + slash + serial_number
    scheme, colon, _ = value.partition("://")
    if colon and scheme not in PORT_SCHEMES:
        expected = (
            "a path, usb:VID:PID, or a URL of " + ", ".join(PORT_SCHEMES) + suggestion(scheme, PORT_SCHEMES)
        )
        raise WrongValueError(expected)
    return value


def sender(value: object) -> object:
    """The number of an EnOcean sender, as its label or a pairing shows it, made upper-case with colons."""
    digits = "".join(value.split(":")) if isinstance(value, str) else ""
    if len(digits) != 8 or not only(digits, HEX):
        raise WrongValueError("the number of an EnOcean sender such as 01:82:5D:AB")
    digits = digits.upper()
    return ":".join([digits[at : at + 2] for at in range(0, 8, 2)])


def reference(value: object) -> object:
    """The name of a secret in the key store, never the secret itself."""
    expected = (
        "the name of a key: put the secret into a file of the [keys] directory and give the file's name"
    )
    if not isinstance(value, str) or not value or len(value) > TEXT_LIMIT:
        raise WrongValueError(expected)
    if len(value) >= SECRET_DIGITS and only(value, HEX + ":- "):
        raise WrongValueError(expected, "what looks like the key itself")
    if len(value) >= 4 and only(value, DIGITS):
        raise WrongValueError(expected, "what looks like the passkey itself")
    if not only(value, LOWER + DIGITS + "-_") or value == "identity":
        raise WrongValueError(expected + ", of small letters, digits, - and _, and not 'identity'")
    return value


def adapter(value: object) -> object:
    """A Bluetooth adapter as the kernel names it."""
    if (
        not isinstance(value, str)
        or value[:3] != "hci"
        or not 4 <= len(value) <= 6
        or not only(value[3:], DIGITS)
    ):
        raise WrongValueError("an adapter such as hci0")
    return value


def listen(value: object) -> object:
    """Where the page is served: an address of this machine, or an interface of it as the kernel names it."""
    if isinstance(value, str) and 2 <= len(value) <= 39:
        is_address = ":" in value or value.count(".") == 3
        if only(value, HEX + ".:") if is_address else len(value) <= 15 and only(value, LOWER + DIGITS + "-_"):
            return value
    raise WrongValueError("an address such as 192.168.1.20, or an interface such as eth0")


def record(value: object) -> object:
    """How a stream is recorded. Source: DESIGN.md 3."""
    if value in ("all", "stable"):
        return value
    if isinstance(value, str) and value.startswith("every_s:"):
        digits = value[len("every_s:") :]
        if digits and len(digits) <= 5 and only(digits, DIGITS) and 1 <= int(digits) <= 86_400:
            return "every_s:" + str(int(digits))
    raise WrongValueError("all, stable, or every_s:N with N from 1 to 86400")


def time_of_day(value: object) -> object:
    """`HH:MM` as minutes of the day."""
    if isinstance(value, str) and len(value) == 5 and value[2] == ":" and only(value[:2] + value[3:], DIGITS):
        hour, minute = int(value[:2]), int(value[3:])
        if hour < 24 and minute < 60:
            return 60 * hour + minute
    raise WrongValueError("a local time such as '22:00', from '00:00' to '23:59'")


def options(value: object) -> object:
    """A driver's own keys: single values by name."""
    if not isinstance(value, dict) or len(value) > OPTIONS_LIMIT:
        raise WrongValueError("a table of at most " + str(OPTIONS_LIMIT) + " keys")
    if not all([isinstance(key, str) for key in value]):  # CBOR has others, and they cannot be sorted
        raise WrongValueError("a table whose keys are text", "a key that is no text")
    for key in sorted(value):
        single = isinstance(value[key], (str, bool)) or is_whole(value[key])
        if not single or len(str(value[key])) > TEXT_LIMIT:
            raise WrongValueError(
                "text, a whole number or true/false for " + str(key),
                describe(value[key]) + " for " + str(key),
            )
        if isinstance(value[key], str) and len(value[key]) >= SECRET_DIGITS and only(value[key], HEX):
            raise WrongValueError("no secret: use `key`", "what looks like a key under " + str(key))
    return value


def brokers(value: object) -> object:
    """URLs of brokers, in the order in which they are tried, as `Broker` objects."""
    if isinstance(value, str):
        raise WrongValueError("a list of URLs: put [ ] around it", "a single text")
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= BROKERS_LIMIT:
        raise WrongValueError(
            "a list of 1 to " + str(BROKERS_LIMIT) + " URLs such as 'mqtts://broker.example'"
        )
    return [one_broker(item) for item in value]


def one_broker(value: object) -> Broker:
    """One of the list; an error describes this one and not the list, and no password in it."""
    try:
        return broker(value)
    except WrongValueError as error:
        has_user = isinstance(value, str) and "@" in value
        found = error.found or ("a URL with a user name" if has_user else describe(value))
        raise WrongValueError(error.expected, found) from error


def broker(value: object) -> Broker:
    """`mqtts://host[:port]`; `mqtt://` only for this machine itself."""
    expected = "mqtts://host or mqtts://host:port"
    scheme, found, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not found or scheme not in PORTS:
        raise WrongValueError(expected)
    if "@" in rest:
        raise WrongValueError(expected + "; a gateway is known by its certificate", "a user name in the URL")
    if "/" in rest or "?" in rest or "#" in rest:
        raise WrongValueError(expected + " with nothing behind")
    host, port = split_port(rest, PORTS[scheme], expected)
    if scheme == "mqtt" and not is_loopback(host):
        raise WrongValueError(
            "mqtts:// and certificates; mqtt:// is not encrypted and is taken only for localhost",
            "mqtt:// to another machine",
        )
    return Broker(host, port, scheme == "mqtts")


def split_port(rest: str, default: int, expected: str) -> "tuple[str, int]":
    """`host`, `host:port`, `[address]` or `[address]:port`."""
    if rest.startswith("["):
        host, closed, port = rest[1:].partition("]")
        well_formed = bool(closed) and only(host, HEX + ":.") and (not port or port[0] == ":")
        port = port[1:] if port else ""
    else:
        host, colon, port = rest.partition(":")
        well_formed = only(host.lower(), LOWER + DIGITS + "-.") and bool(port or not colon)
    if not well_formed or not host or len(host) > 253:
        raise WrongValueError(expected)
    if port and (not only(port, DIGITS) or len(port) > 5 or not 1 <= int(port) <= 65_535):
        raise WrongValueError(expected + " with a port from 1 to 65535")
    return host, int(port) if port else default


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone, whatever a name service may say."""
    if host in ("localhost", "::1"):
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part and only(part, DIGITS) for part in parts)


def suggestion(found: object, known: "Iterable[str]") -> str:
    """` (did you mean X?)` for the nearest known word, or nothing where none is near."""
    if not isinstance(found, str) or not found or len(found) > TEXT_LIMIT:
        return ""
    best, best_distance = "", 1 + max(1, len(found) // 3)
    for word in sorted(known):
        apart = distance(found.lower(), word.lower())
        if apart < best_distance:
            best, best_distance = word, apart
    return " (did you mean " + best + "?)" if best else ""


def distance(left: str, right: str) -> int:
    """How many single changes, or swaps of neighbours, lead from one word to the other (Levenshtein, OSA)."""
    before: "list[int]" = []
    row = list(range(len(right) + 1))
    for i in range(1, len(left) + 1):
        above, row = row, [i] + [0] * len(right)
        for j in range(1, len(right) + 1):
            same = left[i - 1] == right[j - 1]
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (not same))
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                row[j] = min(row[j], before[j - 2] + 1)
        before = above
    return row[-1]
