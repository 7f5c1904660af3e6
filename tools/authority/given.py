"""Files and folders that were named on a command line and cannot be used, as a sentence: what the system says stands in brackets."""

import json
import sqlite3
from pathlib import Path

from cryptography import x509

from gateway.core.errors import ConfigError
from tools.platform.parties import Keys, read_registry


def unreadable(key: str, error: OSError | UnicodeError, source: Path | str) -> ConfigError:
    """A file that cannot be read, or is no text where one was expected."""
    cause = error.strerror if isinstance(error, OSError) else "text is not UTF-8"
    return ConfigError(key, f"nothing that can be read ({cause})", "a file that can be read", str(source))


def unwritable(key: str, error: OSError, source: Path | str) -> ConfigError:
    """A folder in which nothing can be made."""
    return ConfigError(
        key, f"one that cannot be written to ({error.strerror})", "a folder to write to", str(source)
    )


def check_readable(key: str, path: Path) -> None:
    """That a file can be opened. Raises ConfigError."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise unreadable(key, error, path) from error


def no_store(key: str, error: OSError | sqlite3.Error, expected: str, path: Path | str) -> ConfigError:
    """A file that is not what a command keeps its rows in."""
    if isinstance(error, OSError):
        found = f"nothing that can be read ({error.strerror})"
    elif isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        found = "one that another command has open for long"
    else:
        found = "one of another sort, or a damaged one"
    return ConfigError(key, found, expected, str(path))


def certificates(key: str, path: Path) -> tuple[bytes, list[x509.Certificate]]:
    """A file of certificates, as it is and read. Raises ConfigError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise unreadable(key, error, path) from error
    return text, certificates_in(text, key, str(path))


def certificates_in(text: bytes, key: str, source: str) -> list[x509.Certificate]:
    """Those of a text, one at least. Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise ConfigError(key, "no certificate", "a certificate in PEM", source) from error


def registry(path: Path) -> Keys:
    """Public keys by (tenant, gateway). Raises ConfigError."""
    try:
        json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        raise unreadable("registry", error, path) from error
    except (ValueError, RecursionError) as error:
        expected = "registry.json, as trygg-kit ca keeps it"
        raise ConfigError("registry", "something else", expected, str(path)) from error
    return read_registry(path)
