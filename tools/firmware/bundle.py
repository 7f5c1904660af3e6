"""A bundle: one zip with the compiled modules, the partition table, and `manifest.json` with the SHA-256 of each file.

The same sources and compiler give the same bytes. Who takes a bundle reads it with `open_bundle`, which believes nothing.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST = "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can say: a build says none
LARGEST = 16 << 20  # of all files together


class BundleError(Exception):
    """A bundle that must not go onto a board."""


def write_bundle(path: Path, files: dict[str, bytes], facts: dict[str, Any]) -> dict[str, Any]:
    """Write `files` with a manifest that says `facts` besides; returns the manifest."""
    manifest = {
        "format": FORMAT,
        **facts,
        "files": {
            name: {"sha256": hashlib.sha256(files[name]).hexdigest(), "size": len(files[name])}
            for name in sorted(files)
        },
    }
    text = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in [(MANIFEST, text), *sorted(files.items())]:
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            bundle.writestr(info, data)
    return manifest


def open_bundle(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and files of a bundle.

    Raises:
        BundleError: no bundle, of another format, too large, or a file that is missing, strange or not as its SHA-256 says.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            if sum(info.file_size for info in bundle.infolist()) > LARGEST:
                raise BundleError(f"{path}: more than {LARGEST} bytes")
            files = {info.filename: bundle.read(info) for info in bundle.infolist()}
            if len(files) != len(bundle.infolist()):
                raise BundleError(f"{path}: a name twice")
        manifest: dict[str, Any] = json.loads(files.pop(MANIFEST))
        told = manifest["files"]
        wanted = {name: row["sha256"] for name, row in told.items()}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is no bundle of firmware: build it again ({error})") from error
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{path}: format {manifest.get('format')}, this tool knows {FORMAT}")
    if wanted.keys() != files.keys():
        raise BundleError(f"{path}: files and manifest differ: {min(wanted.keys() ^ files.keys())}")
    for name, data in files.items():
        if name.startswith("/") or ".." in name.split("/"):
            raise BundleError(f"{path}: {name} leads out of the bundle")
        if hashlib.sha256(data).hexdigest() != wanted[name]:
            raise BundleError(f"{path}: {name} is not what the manifest says")
    return manifest, files
