"""What `trygg install` does: each act asks the hub, follows it to its end, and tells each step once."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from gateway.daemon.commands.ask import Hub, NoAnswerError
from gateway.daemon.commands.install_adding import Wanted, ask_keys, devices_of, see_taken
from gateway.daemon.commands.install_words import (
    is_coupled,
    is_other,
    one_step,
    page_lines,
    record_lines,
    step_lines,
)
from gateway.daemon.commands.pair import Teller, asked_yes
from gateway.daemon.commands.ring import check_kind
from gateway.daemon.configuration import replace_private
from gateway.daemon.install_print import document
from gateway.daemon.json_text import dumps

LOOK_S = 0.5  # between two looks at the hub
PAGE_S = 30.0  # in which a small machine has its page ready
BACK_S = 60.0  # in which a hub that uses a changed configuration answers again
LEFT = {
    "--key": "key",
    "--interval": "interval_s",
    "--option": "options",
}  # of no effect on what is there already
DONE, FAILED = 0, 1
OVER = ("bonded", "taught")
TOGETHER_S = 120.0  # in which those that are coupled sound (gateway/hub/installing_trying.py)
RINGS, TAKEN = ("stored", "received", "forwarded"), "accepted"  # gateway/hub/installing_centre.py


class Acts:
    """The acts of one call; `holder` is who installs."""

    def __init__(self, options: argparse.Namespace, hub: Hub, holder: str) -> None:
        self.options = options
        self.hub = hub
        self.texts = hub.texts
        self.holder = holder
        self.token = f"command line: {holder}"

    # --- asking ---------------------------------------------------------------------------------------------------

    def held(self, command: str, **arguments: str | bool) -> Any:
        """A command that only whoever installs may give. Raises NoAnswerError."""
        self.hub.ask("install_take", holder=self.holder, token=self.token, force=self.options.force)
        return self.hub.ask(command, token=self.token, **arguments)

    def tell(self, facts: Any, *lines: str) -> None:
        """The facts as JSON, or lines for people."""
        print(dumps(facts) if self.options.json else "\n".join(lines), flush=True)

    def change(self, command: str, **arguments: str | bool) -> int:
        """A change, and the checklist after it. Raises NoAnswerError."""
        self.held(command, **arguments)
        facts = self.back(lambda facts: True)
        self.tell(facts, *step_lines(facts, self.texts, self.hub.keys))
        return DONE

    def back(self, is_it: Any) -> dict[str, Any]:
        """The facts, once the hub answers after a change and they are as wanted. Raises NoAnswerError."""
        end_s = time.monotonic() + BACK_S
        time.sleep(LOOK_S)
        while True:
            try:
                facts: dict[str, Any] = self.hub.ask("install")
                if is_it(facts):
                    return facts
            except NoAnswerError:
                if time.monotonic() > end_s:
                    raise
            if time.monotonic() > end_s:
                raise NoAnswerError(self.texts.say("install.not_back"))
            time.sleep(LOOK_S)

    # --- acts -----------------------------------------------------------------------------------------------------

    def open(self, minutes: str, *, access_point: bool = False, is_sure: bool = False) -> int:
        """Open the time; the code of the page and the passphrase of the access point are shown here and nowhere else.

        Where there can be no access point the time is open all the same. Raises NoAnswerError.
        """
        opened = self.hub.ask("install_open", minutes=minutes, by=self.holder)
        refusal: NoAnswerError | None = None
        if access_point:
            try:
                self.hub.ask("install_access_point", sure=is_sure)
            except NoAnswerError as error:
                refusal = error
        left = self.texts.duration(1000 * opened["window"]["left_s"])
        lines = [self.texts.say("install.opened", left=left)]
        if opened["code"]:
            opened |= self.page()
            lines += page_lines(opened, self.texts, is_refusal_told=refusal is not None)
        elif refusal is None:  # which says it, too
            lines.append(self.texts.say("install.page_not_configured"))
        self.tell(opened, *lines)
        if refusal is not None:
            said = self.texts.say("install.no_access_point", cause=refusal.text)
            print(f"trygg {self.options.command}: {said}", file=sys.stderr)
        return DONE if refusal is None else FAILED

    def page(self) -> dict[str, Any]:
        """Where the page is served, once it is, with an access point that is opening; an empty address where it does not come."""
        end_s = time.monotonic() + PAGE_S
        while True:
            facts: dict[str, Any] = self.hub.ask("page")
            is_opening = facts.get("access_point", {}).get("state") == "opening"
            if (facts["address"] and not is_opening) or time.monotonic() > end_s:
                return facts
            time.sleep(LOOK_S)

    def nearby(self) -> int:
        """Who is near: strangers are heard from the first question on, so it is asked twice."""
        self.held("install_nearby")
        time.sleep(0 if self.options.json else 10 * LOOK_S)
        rows = self.held("install_nearby")
        lines = []
        for row in rows:
            where = row.get("address") or row.get("sender") or row.get("port")
            signal = "" if row["rssi_dbm"] is None else f" {row['rssi_dbm']} dBm"
            known = self.texts.say("install.known") if row["is_known"] else row["driver"]
            lines.append(f"{where}{signal} {row['label']} {known}".rstrip())
        self.tell(rows, *(lines or [self.texts.say("install.nobody")]))
        return DONE

    def add(self) -> int:
        """One device, or one for each room; each is looked at, and its key typed, before the first is added. Raises NoAnswerError."""
        wanted = devices_of(self.options, self.texts)
        rows = self.hub.ask("install")["devices"]
        new = [each for each in wanted if each.there(rows) is None]
        see_taken(new, rows, self.texts)
        ask_keys(new, self.texts)
        for each in wanted:
            self.add_one(each)
        return DONE

    def add_one(self, wanted: Wanted) -> None:
        """Add it, and wait until the hub uses it; the same once more is no fault: whoever was interrupted goes on. Raises NoAnswerError."""
        name, room, given = wanted.name, wanted.room, wanted.given
        row = wanted.there(self.hub.ask("install")["devices"])
        if row is not None:
            left = [option for option, key in LEFT.items() if given[key]]
            lines = [self.texts.say("install.there", name=name, room=room)]
            if left:
                lines.append(self.texts.say("install.there_left", name=name, options=", ".join(left)))
            self.tell(row | {"not_done": left}, *lines)
            return
        self.held("install_add", name=name, room=room, **given)
        facts = self.back(lambda facts: name in [row["name"] for row in facts["devices"]])
        self.tell(facts, self.texts.say("install.added", name=name, room=room))

    def pair(self, name: str, code: str) -> int:
        """Open the time for pairing, and follow it to its end."""
        facts = self.held("install_pair", name=name, code=code)
        teller = Teller(self.options, self.hub)
        while not teller.tell(facts):
            if facts["question"]:
                teller.put(facts)
            else:
                time.sleep(LOOK_S)
            facts = self.hub.ask("pair_state")
        return DONE if facts["state"] in OVER else FAILED

    def test(self, names: list[str], kind: str) -> int:
        """One device after the other; `all` are those that are not tested yet. Raises NoAnswerError."""
        if kind:
            check_kind(kind, self.texts)
        if names == ["all"]:
            missing = [step.split(":") for step in self.hub.ask("install")["missing"]]
            names = [
                ":".join(parts[1:-1]) for parts in missing if parts[0] == "device" and parts[-1] == "tested"
            ]
        return max([self.test_one(name, kind) for name in names], default=DONE)

    def test_one(self, name: str, kind: str) -> int:
        """Begin, and follow it. Raises NoAnswerError."""
        facts = self.hub.ask("install")
        if is_coupled(facts, name, kind):
            more = "" if self.options.together else " " + self.texts.say("install.in_one_go")
            self.beside(self.texts.say("install.coupled", name=name) + more)
        if not self.options.together:
            self.held("install_test", name=name, kind=kind)
            return self.follow(f"device:{name}:tested")
        self.held("install_test", name=name, kind=kind, together=True)
        end_s = time.monotonic() + TOGETHER_S
        status = self.follow(f"device:{name}:tested")
        return self.follow_others(name, end_s) if status == DONE else status

    def follow_others(self, name: str, end_s: float) -> int:
        """Tell each detector that sounded with the one that was tried, until all have or the time is over."""
        told: set[str] = set()
        while True:
            facts = self.hub.ask("install")
            others = [step for step in facts["steps"] if is_other(step, name)]
            for step in others:
                if step["state"] == "done" and step["id"] not in told:
                    told.add(step["id"])
                    self.tell(step, *one_step(step, self.texts))
            if len(told) == len(others):
                return DONE
            if time.monotonic() > end_s:
                for step in others:
                    if step["id"] not in told:
                        self.tell(step, *one_step(step, self.texts))
                return FAILED
            time.sleep(LOOK_S)

    def follow(self, wanted: str) -> int:
        """Tell a step each time that it changes, until it runs no more."""
        told = ""
        while True:
            facts = self.hub.ask("install")
            step = next(each for each in facts["steps"] if each["id"] == wanted)
            if step["state"] + step["why"] != told:
                told = step["state"] + step["why"]
                self.tell(step, *one_step(step, self.texts))
            if step["state"] in ("done", "failed", "open"):
                return DONE if step["state"] == "done" else FAILED
            time.sleep(LOOK_S)

    def walk(self, room: str, device: str) -> int:
        """Measure, and say how well it is heard."""
        if not self.options.json:
            print(self.texts.say("install.walking", room=room), file=sys.stderr, flush=True)
        row = self.held("install_walk", room=room, device=device)
        verdict = self.texts.say(f"install.verdict.{row['verdict']}")
        self.tell(
            row,
            self.texts.say(
                "install.walked",
                room=room,
                verdict=verdict,
                rssi="–" if row["rssi_dbm"] is None else row["rssi_dbm"],
            ),
        )
        return DONE if row["verdict"] != "lost" else FAILED

    def plug(self) -> int:
        """Begin; the power takes this command with it, and the checklist tells what came of it."""
        facts = self.held("install_plug")
        self.tell(facts, self.texts.say("install.pull"))
        return DONE

    def centre(self) -> int:
        """Ring, and follow it until a person there has taken it. What was rung before is gone on with, and not rung twice."""
        state = self.hub.ask("install")["centre"]["state"]
        if state in RINGS:
            self.beside(self.texts.say("install.centre_goes_on"))
        elif state == TAKEN:
            self.beside(self.texts.say("install.centre_taken"))
        else:
            self.held("install_centre")
        try:
            return self.follow("centre")
        except (KeyboardInterrupt, NoAnswerError):
            self.beside(self.texts.say("install.centre_stands"))
            raise

    def beside(self, line: str) -> None:
        """Something to know, for people, beside what is told."""
        if not self.options.json:
            print(line, file=sys.stderr, flush=True)

    def undo(self, *, is_sure: bool) -> int:
        """Take everything back, after a question."""
        if not is_sure and not asked_yes(self.texts.say("install.undo_question")):
            print(self.texts.say("install.kept"), file=sys.stderr)
            return FAILED
        return self.change("install_undo")

    def finish(self, technician: str) -> int:
        """Sign; what is missing is said step by step."""
        facts = self.hub.ask("install")
        if facts["departed"]:  # whoever was interrupted behind it learns that it was done
            self.tell(facts, self.texts.say("install.departed", sha256=facts["record"]["sha256"]))
            return DONE
        if facts["missing"] and not self.options.json:
            lines = [self.texts.say("install.not_finished")]
            for step in facts["steps"]:
                lines += one_step(step, self.texts) if step["id"] in facts["missing"] else []
            print("\n".join(lines))
            return FAILED
        facts = self.held("install_finish", technician=technician)
        self.tell(facts, self.texts.say("install.departed", sha256=facts["record"]["sha256"]))
        return DONE

    def record(self, html: Path | None, out: Path | None) -> int:
        """The record as text, as a page, or as the message itself."""
        facts = self.hub.ask("install_record")
        try:
            if html is not None:
                replace_private(html, document(facts["record"], facts["cose"], self.texts.language))
            if out is not None:
                out.write_bytes(bytes.fromhex(facts["cose"]))
        except OSError as error:
            raise NoAnswerError(self.texts.reword(error)) from error
        self.tell(facts, *record_lines(facts["record"], facts["sha256"], self.texts))
        return DONE
