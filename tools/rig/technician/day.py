"""The day in the home: the first boot, the installation in a browser, the response centre, and the move.

Each act uses what a person would use: `trygg-kit`, `trygg`, the page. What went wrong on purpose (a wrong hash, a used token, a wrong code,
two technicians) is part of it, and has to be refused in words.
"""

import json
import re
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tools.home
from tools.move import scan
from tools.rig.technician import browser, media
from tools.rig.technician.gateway import CONFIG, DATA, TRYGG, Gateway
from tools.rig.technician.machine import PiMachine
from tools.rig.technician.office import TENANT, first, process
from tools.rig.technician.workbench import NAME, Facts, Workbench, must

SCENARIOS = Path(tools.home.__file__).parent / "scenarios"
TECHNICIAN = "Kari"
ROOMS = ("kitchen", "bedroom", "hall")


class Day(Workbench):
    """One day in `folder`. `say` prints a line for people. pictures: gets what the page shows."""

    def __init__(
        self, folder: Path, language: str, say: Callable[[str], None], pictures: Path | None = None
    ) -> None:
        super().__init__(folder, language, say)
        self.language, self.pictures = language, pictures
        self.enrol_url = ""
        self.mark = secrets.token_hex(3)  # of this home's names: nothing else on a disk is called so
        self.labels: dict[str, dict[str, Any]] = {}  # what stands on the devices of the home, by name

    def act(self, name: str, do: Callable[[], None]) -> None:
        """One act, with its time."""
        self.say(f"== {name}")
        began = time.monotonic()
        do()
        self.facts.acts[name] = round(time.monotonic() - began, 1)

    # --- in the home ---------------------------------------------------------------------------------------------

    def first_boot(self, gateway: Gateway) -> None:
        """The card goes into the machine, which makes its keys, enrols, and says so on the card."""
        media.copy_boot(self.folder / "card.img", gateway.machine.boot)
        said = gateway.first_boot()
        must(said.startswith("OK"), f"the first boot says: {said}")
        self.say(f"   {said}")
        identity = gateway.facts("identity")
        self.facts.found["identity"] = identity
        self.other_gateway(gateway)
        registry = json.loads((self.office.authority / "registry.json").read_text())
        must(NAME in json.dumps(registry), "the platform's registry has learnt the gateway's key")

    def other_gateway(self, gateway: Gateway) -> None:
        """A token is for one gateway and for one request: with another identity, under another id, it is refused."""
        layer = gateway.root_of("/srv/other.toml")
        layer.parent.mkdir(exist_ok=True)
        layer.write_text(
            '[hub]\nid = "home-4712"\ndata_directory = "/srv/other"\n[uplink]\ncertificate = "/srv/other/c"\nkey = "/srv/other/k"\n'
        )
        done = gateway.machine.run(
            TRYGG,
            "identity",
            "-c",
            CONFIG,
            "-c",
            "/srv/other.toml",
            "--enrol",
            self.enrol_url,
            "--token",
            self.token,
        )
        must(done.returncode == 1, f"a used token ended with {done.returncode}: {done.stdout}")
        self.refused("a used token, for another gateway", done.stderr)

    def scenario(self) -> Path:
        """The home of the kit's scenario with addresses and names that no other has, so that they can be looked for afterwards."""
        text = (SCENARIOS / "installation.toml").read_text()
        for address in sorted(set(re.findall("C3:00:00:00:00:1[0-9]", text))):
            text = text.replace(address, "C3:" + secrets.token_bytes(5).hex(":").upper())
        for name in set(re.findall('name = "((?:Smoke|Pulse)[^"]*)"', text)):
            text = text.replace(f'"{name}"', f'"{name} {self.mark}"')
        path = self.folder / "installation.toml"
        path.write_text(text)
        return path

    def named(self, kind: str) -> list[str]:
        """Devices of the home with that driver."""
        return [name for name, row in self.labels.items() if row["driver"] == kind]

    def take_labels(self, folder: Path) -> str:
        """What stands on the devices; where the radio is."""
        facts = json.loads((folder / "home.json").read_text())
        self.labels = {row["name"]: row for row in facts["devices"]}
        return str(facts["transport"])

    def installation(self, gateway: Gateway, order: Callable[[str, str], None]) -> None:
        """The whole checklist at the page, with a colleague who comes in between and a code that is wrong."""
        address = f"https://127.0.0.1:{self.page_port}"
        gateway.until(
            lambda: b'"address"' in gateway.log.read_bytes() or self.page_answers(), "the page serves"
        )
        with browser.opened(address, self.language, self.pictures) as kari:
            kari.until(lambda: kari.page.locator('form[action="/sign-in"]').count(), "the page", "/sign-in")
            kari.picture("sign-in")
            try:
                kari.sign_in("0000-0000", TECHNICIAN)
            except browser.NotShownError as error:
                self.refused("a wrong one-time code", str(error))
            kari.sign_in(self.code, TECHNICIAN)
            kari.picture("checklist")
            must(kari.missing(), "it cannot be finished yet")
            rooms = {
                row["address"]: (row["room"], row["name"], row["secret"])
                for row in (self.labels[name] for name in self.named("bthome"))
            }
            kari.add_detectors(rooms)
            oximeter = self.labels[self.named("plx")[0]]
            kari.add(oximeter["address"], oximeter["name"], oximeter["room"], oximeter["driver"])
            kari.pair(oximeter["name"], f"{int(oximeter['passkey']):06}")
            self.colleague(gateway, kari)
            for name in self.named("bthome"):
                kari.test(name, lambda name=name: order(name, "smoke"))  # type: ignore[misc]
                order(name, "clear")
            kari.test(oximeter["name"])
            for room in ROOMS:
                kari.walk(room)
            kari.picture("walk")
            self.pull_plug(gateway, kari)
            self.ring(kari)
            must(kari.missing() == 0, f"nothing is missing: {kari.words()}")
            kari.finish(TECHNICIAN)
            kari.go("/record")
            kari.picture("record")
            self.facts.found["clicks"] = kari.clicks

    def page_answers(self) -> bool:
        """Whether somebody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.page_port)) == 0

    def colleague(self, gateway: Gateway, kari: browser.Technician) -> None:
        """A second technician gets a code of their own, and is told that somebody installs."""
        opened = gateway.facts("install", "--open")
        code = str(opened.get("code") or opened.get("page", {}).get("code", ""))
        must(code, f"a second code: {opened}")
        ola = kari.colleague()
        ola.sign_in(code, "Ola")
        must(TECHNICIAN in ola.words(), f"the second is told who installs: {ola.words()[:300]}")
        self.refused("a second technician", ola.words()[:200])

    def pull_plug(self, gateway: Gateway, kari: browser.Technician) -> None:
        """The plug is pulled and put back, as the page asks."""
        kari.go("/plug")
        kari.press("/plug")
        gateway.lose_power()
        gateway.start()
        done = "p[aria-live] .state.done"
        kari.until(lambda: kari.page.locator(done).count(), "the power test is done", "/plug")
        kari.picture("plug")

    def ring(self, kari: browser.Technician) -> None:
        """The response centre is rung: received is not green, accepted is."""
        kari.centre()
        kari.centre_says(is_accepted=False)
        kari.picture("centre-received")
        must(kari.missing(), "it cannot be finished on a receipt alone")
        office = self.office
        said = office.kit(
            "accept",
            "--all-exercises",
            "--note",
            "sett / seen",
            "--store",
            office.store,
            *office.service("centre", self.url),
            "--client-id",
            "centre",
            "--signing-key",
            office.folder / "disposition.pem",
            "--keyset",
            office.folder / "keyset.cbor",
        )
        self.say(f"   {' '.join(said.split())}")
        kari.centre_says(is_accepted=True)
        kari.picture("centre-accepted")

    def record(self, gateway: Gateway) -> None:
        """The signed record, checked in the office."""
        done = gateway.trygg(
            "install", "--record", "--out", f"{DATA}/record.cose", "--html", f"{DATA}/record.html"
        )
        must(done.returncode == 0, f"the record: {done.stderr}")
        path = gateway.root_of(f"{DATA}/record.cose")
        said = self.office.kit(
            "record", path, "--registry", self.office.authority / "registry.json", "--json"
        )
        self.facts.found["record"] = json.loads(said)

    # --- away from the home --------------------------------------------------------------------------------------

    def traces(self, gateway: Gateway) -> list[scan.Trace]:
        """What the home has left behind so far: addresses, keys, rooms as they were named, the gateway's own keys."""
        found = [
            scan.address(name, str(row["address"])) for name, row in self.labels.items() if row.get("address")
        ]
        found += [
            scan.secret(f"key of {name}", bytes.fromhex(row["secret"]))
            for name, row in self.labels.items()
            if "secret" in row
        ]
        found += [scan.text(name, name) for name in self.labels]
        keys = gateway.root_of(f"{DATA}/keys")
        found += [
            scan.secret(f"file {path.name}", path.read_bytes())
            for path in sorted(keys.iterdir())
            if path.is_file() and path.stat().st_size
        ]
        found.append(scan.secret("key of TLS", gateway.root_of(f"{DATA}/tls/hub.key").read_bytes()))
        return found

    def looked(self, gateway: Gateway, traces: list[scan.Trace]) -> scan.Scanner:
        """A look over the whole disk of the machine, every file of it."""
        scanner = scan.Scanner(traces)
        scanner.folder(gateway.machine.disk)
        return scanner

    def rehome(self, gateway: Gateway) -> None:
        """Delivered, wiped, shown wiped; the broker's retained topics cleared; no trace left on the disk."""
        traces = self.traces(gateway)
        before = self.looked(gateway, traces)
        must(
            {hit.what for hit in before.hits} == {each.what for each in traces},
            "the look finds every trace before the wipe",
        )
        told = self.folder / "left.json"
        done = gateway.machine.run(TRYGG, "rehome", "--yes", "--without-radio", "--json", "--by", TECHNICIAN)
        told.write_text(done.stdout)
        self.facts.found["rehome"] = {
            "status": done.returncode,
            "said": done.stdout[-2000:],
            "errors": done.stderr[-1000:],
        }
        must(
            done.returncode == 0,
            f"rehome ended with {done.returncode}: {done.stderr[-1500:]} {done.stdout[-500:]}",
        )
        identity = gateway.facts("identity")
        must(
            identity != self.facts.found["identity"],
            "the gateway has a new identity, and its own user reads it",
        )
        office = self.office
        clear = ["rehome", "clear", "--tenant", TENANT, "--gateway", NAME, "--client-id", "trygg-platform"]
        self.say(office.kit(*clear, *office.service("trygg-platform", self.url)).strip())
        after = self.looked(gateway, traces)
        self.facts.found["traces"] = {
            "looked_for": len(traces),
            "files": after.files,
            "left": [f"{hit.what}: {hit.path}" for hit in after.hits],
        }
        must(not after.hits, f"left of the home: {self.facts.found['traces']['left'][:10]}")

    # --- all of it -----------------------------------------------------------------------------------------------

    def run(self) -> Facts:
        """Every act in order. Raises FailedCommandError, NotAsItShouldError, NotShownError."""
        self.act("office", self.found)
        self.act("package", self.package)
        self.act("board", self.board)
        office = self.office
        with PiMachine(self.folder / "machine") as machine, office.broker(self.port):
            gateway = Gateway(machine)
            with office.platform(self.url):
                with office.enrolment() as self.enrol_url:
                    self.act("card", lambda: self.card(self.enrol_url))
                    self.act("first boot", lambda: self.first_boot(gateway))
                home = self.folder / "home"
                line = [
                    sys.executable,
                    "-m",
                    "tools.kit",
                    "home",
                    "--scenario",
                    self.scenario(),
                    "--orders",
                    "--json",
                    "--directory",
                    home,
                ]
                with process(line, self.folder / "home.log") as playing:
                    first(playing)
                    gateway.give_radio(self.take_labels(home))

                    def order(name: str, do: str) -> None:
                        assert playing.stdin is not None
                        playing.stdin.write(json.dumps({"peripheral": name, "do": do}) + "\n")
                        playing.stdin.flush()

                    gateway.start()
                    try:
                        self.act("installation", lambda: self.installation(gateway, order))
                        self.act("record", lambda: self.record(gateway))
                        self.act("rehome", lambda: self.rehome(gateway))
                    finally:
                        gateway.stop()
        return self.facts
