"""Runs the whole system for a while, with the scenario's failures, and counts what arrived.

Nothing here is part of the way of an event: the hub, its drivers, journal and uplink are those of `trygg run`,
started by its own command line; the platform is `trygg-kit platform`; the home is `trygg-kit home`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.daemon.control import ask
from gateway.daemon.json_text import dumps
from tools.demo import words
from tools.demo.judge import Verdict, judge
from tools.demo.process import Child
from tools.demo.stage import Stage
from tools.demo.tally import Tally
from tools.home.scenario import Fault, Scenario
from tools.home.technician import PairingFailedError, pair_devices
from tools.platform.lines import HUB

READY_S = 30.0
DRAIN_S = 20.0
LOOK_S = 1.0
LAST_WORD_S = 3.0

Event = dict[str, Any]


class ShowError(Exception):
    """A process did not do what it should: which one, and its last words."""


class Show:
    """One run. `on_event` gets each verified event, `on_note` what else is worth a line."""

    def __init__(
        self,
        stage: Stage,
        scenario: Scenario,
        scenario_name: str,
        seconds: float,
        on_event: Callable[[Event], None],
        on_note: Callable[[str], None],
        language: str = "en",
    ) -> None:
        self.stage = stage
        self.scenario = scenario
        self.seconds = seconds
        self.on_event = on_event
        self.on_note = on_note
        self.language = language
        self.tally = Tally()
        self.names: dict[int, str] = {0: HUB}
        self.unnamed: list[Event] = []
        self.logged: dict[str, int] = {}
        self.unreachable = asyncio.Event()
        self.cause = ""  # of the last failure that hub or platform told of
        self.offset_s = 0
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.ready: dict[str, asyncio.Event] = {name: asyncio.Event() for name in ("broker", "home")}
        folder = stage.folder
        home = [
            "-m",
            "tools.kit",
            "home",
            "--scenario",
            scenario_name,
            "--directory",
            str(stage.home),
            "--json",
        ]
        self.home = Child("home", [*home, "--seconds", str(seconds)], self.home_said, folder / "home.log")
        self.platform = Child(
            "platform", stage.platform_arguments(), self.platform_said, folder / "platform.log"
        )
        self.hub = Child("hub", [], self.tally.hub_said, folder / "hub.log")
        self.broker = Child("broker", [], self.broker_said, folder / "broker.log")

    # --- what the processes say ------------------------------------------------------------------------------

    def broker_said(self, line: Event) -> None:
        """It is ready."""
        self.ready["broker"].set()

    def home_said(self, line: Event) -> None:
        """It is ready, it begins, it acts, it ends."""
        if line.get("home") == "ready":
            self.ready["home"].set()
        elif line.get("home") == "begins":
            self.began.set()
        elif line.get("home") == "ends":
            self.logged = line["logged"]
            self.ended.set()
        elif "act" in line:
            self.on_note(f"{line['peripheral']}: {words.act(self.language, line['act'])}")
        elif "error" in line:
            raise ShowError(line["error"])

    def platform_said(self, line: Event) -> None:
        """A verified event, its summary, or a fault."""
        if "fault" in line:
            self.cause = line.get("reason") or self.cause
            if line["fault"] == "broker.lost" and not (self.stage.brokerage.own or self.tally.verified):
                self.unreachable.set()
        elif self.tally.platform_said(line):
            self.unnamed.append(line)
            self.name_events()

    def name_events(self) -> None:
        """Give events the names people know, once the gateway has told which placement is which."""
        waiting, self.unnamed = self.unnamed, []
        for event in waiting:
            name = self.names.get(event["placement"])
            if name is None:
                self.unnamed.append(event)
            else:
                event["device"] = name
                self.on_event(event)

    # --- the run ---------------------------------------------------------------------------------------------

    async def run(self) -> dict[str, int]:
        """The whole show; returns the summary. Raises ShowError."""
        faults: list[asyncio.Task[None]] = []
        try:
            await self.start()
            faults = [
                asyncio.ensure_future(self.befall(fault))
                for fault in self.scenario.faults
                if fault.at_s < self.seconds
            ]
            await self.watch()
            await asyncio.gather(*faults)
            await self.until_home_ends()
            await self.drain()
        finally:
            for fault in faults:
                fault.cancel()
            await self.end()
        return self.summary()

    async def watch(self) -> None:
        """Let it run. Raises ShowError where a broker of somebody's own takes nobody, or a process ended by itself."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.seconds
        while loop.time() < end:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.unreachable.wait(), min(LOOK_S, end - loop.time()))
                url = self.stage.brokerage.url
                raise ShowError(words.say(self.language, "no_broker", url=url, reason=self.cause))
            for child in (self.platform, self.home):
                if child.failure is not None:
                    raise child.failure
                if not child.running:
                    raise ShowError(self.complaint("ended", child))

    async def start(self) -> None:
        """Broker, platform and home, then the hub, and wait until it is at the home's radio."""
        if self.stage.brokerage.own:
            self.broker.arguments = self.stage.broker_arguments()
            await self.started(self.broker, self.ready["broker"])
        await self.platform.start()
        await self.started(self.home, self.ready["home"])
        facts = self.stage.take_devices()
        self.offset_s = int(facts["clock_offset_s"])
        self.hub.arguments = self.stage.hub_arguments(self.offset_s)
        await self.started(self.hub, self.began)
        await self.learn_names()
        await self.pair()

    async def pair(self) -> None:
        """What the technician does once: pair what is not paired. Raises ShowError."""
        try:
            for name in await asyncio.to_thread(pair_devices, self.stage.hub / "control.sock"):
                self.on_note(words.say(self.language, "paired", name=name))
        except (PairingFailedError, OSError, ValueError) as error:
            raise ShowError(str(error)) from error

    async def started(self, child: Child, sign: asyncio.Event) -> None:
        """Start a process and wait for its sign. Raises ShowError."""
        await child.start()
        waiting = asyncio.ensure_future(sign.wait())
        for _ in range(int(READY_S * 10)):
            done, _pending = await asyncio.wait({waiting}, timeout=0.1)
            if done:
                return
            if not child.running:
                break
        waiting.cancel()
        raise ShowError(self.complaint("not_ready", child))

    def complaint(self, name: str, child: Child) -> str:
        """What a process did not do, and its last words."""
        return words.say(self.language, name, process=child.name, words=child.last_words())

    async def learn_names(self) -> None:
        """Ask the gateway over its control socket, as `trygg devices` does."""
        for row in await asyncio.to_thread(ask, self.stage.hub / "control.sock", "devices"):
            self.names[row["placement"]] = row["name"]
        self.name_events()

    async def befall(self, fault: Fault) -> None:
        """One failure of the scenario."""
        await asyncio.sleep(fault.at_s)
        if fault.do == "hub.kill":
            self.on_note(words.say(self.language, "hub.kill"))
            await self.hub.kill()
            await asyncio.sleep(fault.for_s)
            await self.hub.start()
        elif not self.stage.brokerage.own:
            self.on_note(words.say(self.language, "broker.foreign"))
        else:
            self.on_note(words.say(self.language, "broker.stop", seconds=f"{fault.for_s:g}"))
            await self.broker.kill()
            await asyncio.sleep(fault.for_s)
            await self.broker.start()
            self.on_note(words.say(self.language, "broker.back"))

    async def until_home_ends(self) -> None:
        """The script has its last consequences: a dose that was put out is collected or missed."""
        try:
            await asyncio.wait_for(self.ended.wait(), DRAIN_S)
        except TimeoutError as error:
            raise ShowError(self.complaint("home_goes_on", self.home)) from error

    async def drain(self) -> None:
        """Let what is under way arrive, then stop the hub as systemd would, and hear its last event."""
        await self.until_held_is(0)
        await self.hub.stop()
        loop = asyncio.get_running_loop()
        end = loop.time() + LAST_WORD_S
        while self.tally.lost() and loop.time() < end:  # noqa: ASYNC110 - the other process has no event of ours
            await asyncio.sleep(0.1)

    async def until_held_is(self, count: int) -> None:
        """Wait until the journal holds no more than `count` undelivered events, for a limited time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_S
        while loop.time() < end:
            with contextlib.suppress(OSError, ValueError):
                facts = await asyncio.to_thread(ask, self.stage.hub / "control.sock", "status")
                self.cause = "" if facts["connected"] else facts["last_error"] or self.cause
                if sum(lane["held"] for lane in facts["lanes"]) <= count:
                    return
            await asyncio.sleep(0.2)

    async def end(self) -> None:
        """Stop everything that runs, in the order of the way of an event."""
        for child in (self.hub, self.home, self.platform, self.broker):
            await child.stop()
        self.name_events()

    def missing(self) -> int:
        """Entries of the dispenser's own log that never arrived."""
        return sum(len(self.tally.missing_of_log(newest)) for newest in self.logged.values())

    def summary(self) -> dict[str, int]:
        """What the last line says."""
        return {
            "sent": self.tally.sent() + self.missing(),
            "verified": len(self.tally.verified),
            "duplicates_removed": self.tally.duplicates_removed,
            "lost": len(self.tally.lost()) + self.missing(),
        }

    def verdict(self) -> Verdict:
        """Which of what arrived are personal alarms, and which are technical faults."""
        return judge(self.tally.verified.values())


def write_report(path: Path, show: Show) -> None:
    """What was lost, if anything, for whoever looks into it."""
    report = {
        "lost": show.tally.lost(),
        "unexpected": show.tally.unexpected(),
        "inversions": show.tally.inversions,
    }
    path.write_text(dumps(report), encoding="utf-8")
