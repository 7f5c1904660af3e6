"""How a card's system takes its first start from us, told by what is on its boot partition; refused where that is not known.

Raspberry Pi OS since late 2025 (Trixie) has cloud-init: `user-data`, `meta-data`, `network-config`. Bookworm, and the first image of Trixie, run
`firstrun.sh` from the kernel's command line. What somebody has set there already, with Raspberry Pi Imager for instance, stays.
Sources: raspberrypi/rpi-imager doc/os_customisation_formats.md, RPi-Distro/pi-gen stage2/04-cloud-init, cloud-init's documentation of
NoCloud and of multi-part user data.
"""

import hashlib
import re
from dataclasses import dataclass

from tools.flash.boot_media import BootMedium
from tools.flash.errors import FlashError

CLOUD_INIT, FIRST_RUN = "cloud-init", "firstrun"
BOOKWORM = "2023-10-10"  # the first image of it; what came before has no Python that is new enough
ISSUE = re.compile(rb"Raspberry Pi reference (\d{4}-\d\d-\d\d)")
BEFORE = "trygg/before-"  # files that we replaced, as they were
BOUNDARY = "trygg-first-boot-79c1a0"
RUN = "/bin/sh {boot}/trygg/first-boot.sh"
ON_THE_LINE = " systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"
PSK_ROUNDS, PSK_BYTES = 4096, 32  # IEEE 802.11, J.4.1


@dataclass(frozen=True)
class Wifi:
    """A network of a home. The password is kept as what 802.11 makes of it, which is of use in this network only."""

    name: str
    key: str  # 64 digits in hex
    country: str


def wifi(name: str, password: str, country: str) -> Wifi:
    """Raises FlashError: no name or password that such a network can have."""
    if not 1 <= len(name.encode()) <= 32 or not name.isprintable():
        raise FlashError("the name of a Wi-Fi network has 1 to 32 bytes")
    if not (8 <= len(password) <= 63 and password.isascii() and password.isprintable()):
        raise FlashError("the password of a Wi-Fi network has 8 to 63 letters, digits and signs")
    if not re.fullmatch("[A-Z]{2}", country):
        raise FlashError("a country is two capitals, such as SE")
    return Wifi(
        name,
        hashlib.pbkdf2_hmac("sha1", password.encode(), name.encode(), PSK_ROUNDS, PSK_BYTES).hex(),
        country,
    )


def detect(medium: BootMedium) -> str:
    """`CLOUD_INIT` or `FIRST_RUN`. Raises FlashError: not known."""
    names = medium.names()
    if not {"cmdline.txt", "config.txt"} <= names:
        raise FlashError(
            "this is no boot partition of a Raspberry Pi: cmdline.txt and config.txt are expected in it"
        )
    if {"user-data", "meta-data"} <= names:
        return CLOUD_INIT
    found = ISSUE.search(medium.read("issue.txt") or b"")
    if found is None or {"user-data", "meta-data", "rpi-preseed.toml"} & names:
        raise FlashError(
            "this system is not known here: take an image of Raspberry Pi OS, Bookworm or later, as it was published"
        )
    if found[1].decode() < BOOKWORM:
        raise FlashError(
            f"this Raspberry Pi OS is of {found[1].decode()} and too old: take Bookworm or a later one"
        )
    return FIRST_RUN


def files(system: str, medium: BootMedium, wanted: Wifi | None, mark: str) -> dict[str, bytes]:
    """What makes this system run our first boot. mark: differs whenever what the card brings along differs.

    Raises:
        FlashError: what stands there cannot be kept beside ours.
    """
    if system == CLOUD_INIT:
        made = {"user-data": user_data(medium), "meta-data": meta_data(before(medium, "meta-data"), mark)}
        if wanted is not None:
            made["network-config"] = network_config(before(medium, "network-config"), wanted)
        return made
    return {
        "firstrun.sh": first_run(before(medium, "firstrun.sh"), wanted),
        "cmdline.txt": command_line(medium.read("cmdline.txt") or b""),
    }


def before(medium: BootMedium, name: str) -> bytes:
    """A file as it was before this tool was here for the first time."""
    kept = medium.read(BEFORE + name)
    return kept if kept is not None else medium.read(name) or b""


def kept(medium: BootMedium, made: dict[str, bytes]) -> dict[str, bytes]:
    """Copies of what is replaced, where there is something to keep and no copy yet."""
    copies = {}
    for name in made:
        there = medium.read(name)
        if there is not None and name != "cmdline.txt" and medium.read(BEFORE + name) is None:
            copies[BEFORE + name] = there
    return copies


def user_data(medium: BootMedium) -> bytes:
    """What was there, and a script of ours behind it, as one message of several parts. Raises FlashError."""
    theirs = before(medium, "user-data").decode("utf-8", "replace")
    if theirs.strip() and not theirs.startswith("#cloud-config"):
        raise FlashError("user-data is there in a form that cannot be kept: write the card anew without it")
    ours = "#!/bin/sh\nexec " + RUN.format(boot="/boot/firmware") + " install\n"
    parts = [
        ("cloud-config", "user-data", theirs or "#cloud-config\n"),
        ("x-shellscript", "trygg-first-boot.sh", ours),
    ]
    lines = ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"', ""]
    for sort, name, text in parts:
        if BOUNDARY in text:
            raise FlashError(
                "user-data is there in a form that cannot be kept: write the card anew without it"
            )
        lines += [
            f"--{BOUNDARY}",
            f'Content-Type: text/{sort}; charset="utf-8"',
            "MIME-Version: 1.0",
            "Content-Transfer-Encoding: 8bit",
            f'Content-Disposition: attachment; filename="{name}"',
            "",
            text.rstrip("\n"),
        ]
    return "\n".join([*lines, f"--{BOUNDARY}--", ""]).encode()


def meta_data(theirs: bytes, mark: str) -> bytes:
    """The same with an instance of its own: only for a new one is user-data acted on."""
    lines = [
        line
        for line in theirs.decode("utf-8", "replace").splitlines()
        if not re.match(r"instance[-_]id\s*:", line)
    ]
    return "\n".join([*lines, f"instance-id: trygg-{mark}", ""]).encode()


def network_config(theirs: bytes, wanted: Wifi) -> bytes:
    """netplan, version 2. Raises FlashError: a Wi-Fi network stands there already."""
    set_already = [
        line for line in theirs.decode("utf-8", "replace").splitlines() if re.match(r"\s*wifis\s*:", line)
    ]
    if set_already:
        raise FlashError(
            "network-config names a Wi-Fi network already: leave out --wifi, or write the card anew"
        )
    return f"""network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      optional: true
      regulatory-domain: "{wanted.country}"
      access-points:
        {quoted(wanted.name)}:
          password: "{wanted.key}"
""".encode()


def quoted(text: str) -> str:
    """A text in double quotes, as YAML and keyfiles of NetworkManager read it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def first_run(theirs: bytes, wanted: Wifi | None) -> bytes:
    """A script that ends with our first boot being due; what was there runs before it and keeps its effects."""
    lines = [
        "#!/bin/sh",
        "# Trygg's first boot is made due. Always ends well: the start goes on, and first-boot.sh says what failed.",
        "for boot in /boot/firmware /boot; do test -f $boot/trygg/first-boot.sh && break; done",
    ]
    if theirs.strip():
        lines.append(f'test ! -f "$boot/{BEFORE}firstrun.sh" || bash "$boot/{BEFORE}firstrun.sh"')
    if wanted is not None:
        lines += [
            f"raspi-config nonint do_wifi_country {wanted.country}",
            "umask 077",
            "cat >/etc/NetworkManager/system-connections/trygg.nmconnection <<'END'",
            *keyfile(wanted),
            "END",
            "umask 022",
        ]
    return "\n".join(
        [
            *lines,
            RUN.format(boot='"$boot"') + " enable",
            'sed -i "s| systemd\\.run=[^ ]*||; s| systemd\\.run_success_action=[^ ]*||; s| systemd\\.unit=[^ ]*||" "$boot/cmdline.txt"',
            'rm -f "$boot/firstrun.sh"',
            "sync",
            "exit 0",
            "",
        ]
    ).encode()


def keyfile(wanted: Wifi) -> list[str]:
    """NetworkManager's own form. The name goes as bytes, which needs no quoting."""
    name = "".join(f"{byte};" for byte in wanted.name.encode())
    return [
        "[connection]",
        "id=trygg",
        "type=wifi",
        "autoconnect=true",
        "[wifi]",
        "mode=infrastructure",
        f"ssid={name}",
        "[wifi-security]",
        "key-mgmt=wpa-psk",
        f"psk={wanted.key}",
        "[ipv4]",
        "method=auto",
        "[ipv6]",
        "method=auto",
    ]


def command_line(theirs: bytes) -> bytes:
    """The kernel's, which is one line, with our script at its end, once."""
    text = theirs.decode("utf-8", "replace").strip()
    if not text or "\n" in text:
        raise FlashError("cmdline.txt is not one line: write the card anew")
    return (text if " systemd.run=" in text else text + ON_THE_LINE).encode() + b"\n"
