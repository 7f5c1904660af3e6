"""Runs on MicroPython: a flash journal that is asked over lines of JSON. `micropython journal_agent.py FILE`.

A request is `{"id": 1, "do": "append", "of": 1, ...}`, its answer `{"id": 1, "is": ...}` or `{"id": 1, "error": [...]}`.
Bytes are written in hex. `of` names one of the journals that are open. The flash is in FILE at every moment.
"""

import sys

sys.path.pop(0)  # this folder holds modules of the tests

import asyncio
import binascii
import json

from hal.esp32.flash_journal import FlashJournal
from hal.sim.nor_flash import SECTOR, NorFlash
from hal.types import GivenUp


class KeptFlash(NorFlash):
    """What is programmed and erased is in the file at once."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "r+b")  # noqa: PTH123, SIM115
        data = bytearray(self.file.read())
        super().__init__(len(data) // SECTOR, data)

    def program(self, start, data):
        super().program(start, data)
        self._keep(start, len(data))

    def blank(self, place):
        super().blank(place)
        self._keep(place * SECTOR, SECTOR)

    def _keep(self, start, size):
        self.file.seek(start)
        self.file.write(memoryview(self.data)[start : start + size])
        self.file.flush()


def text(data):
    return binascii.hexlify(data).decode()


def entry(each):
    return [each.lane, each.seq, text(each.event), text(each.chain)]


def gap(each):
    return [each.lane, each.first, each.last]


def aside(each):
    return {
        "name": each.name,
        "reason": each.reason,
        "entries": [entry(one) for one in each.entries],
        "starts": [[lane, seq, text(chain)] for lane, (seq, chain) in each.starts.items()],
        "state": [[key, text(value)] for key, value in each.state.items()],
        "is_state_whole": each.is_state_whole,
        "given_up": [[text(epoch), gap(one)] for epoch, one in each.given_up],
    }


class Agent:
    def __init__(self, flash):
        self.flash = flash
        self.journals = {}

    async def serve(self, asked):
        try:
            answer = {"id": asked["id"], "is": await getattr(self, asked["do"])(asked)}
        except Exception as error:  # noqa: BLE001  the other side raises it
            detail = getattr(error, "detail", "")
            answer = {"id": asked["id"], "error": [type(error).__name__, str(error), detail]}
        print(json.dumps(answer))

    def _of(self, asked):
        return self.journals[asked["of"]]

    async def open(self, asked):
        self.journals[asked["of"]] = await FlashJournal.open(self.flash)

    async def append(self, asked):
        return [entry(each) for each in await self._of(asked).append(events(asked), state(asked))]

    async def ack(self, asked):
        await self._of(asked).ack(asked["lane"], asked["seq"])

    async def confirm_given_up(self, asked):
        found = await self._of(asked).confirm_given_up(GivenUp(*asked["gone"]), events(asked))
        return [entry(each) for each in found]

    async def begin_epoch(self, asked):
        def again(each):
            print(json.dumps({"again": entry(each)}))
            return binascii.unhexlify(json.loads(sys.stdin.readline()))

        epoch = binascii.unhexlify(asked["epoch"])
        found = await self._of(asked).begin_epoch(epoch, again, events(asked), state(asked))
        return [entry(each) for each in found]

    async def close(self, asked):
        await self._of(asked).close()

    async def epoch(self, asked):
        return text(self._of(asked).epoch)

    async def state(self, asked):
        value = self._of(asked).state(asked["key"])
        return None if value is None else text(value)

    async def state_keys(self, asked):
        return self._of(asked).state_keys(asked["prefix"])

    async def peek(self, asked):
        return [entry(each) for each in self._of(asked).peek(asked["lane"], *asked["limits"])]

    async def mark(self, asked):
        mark = self._of(asked).mark(asked["lane"])
        return [mark.first, text(mark.before), mark.last, text(mark.chain)]

    async def given_up(self, asked):
        return [gap(each) for each in self._of(asked).given_up()]

    async def cramped(self, asked):
        return self._of(asked).cramped

    async def set_aside(self, asked):
        return [aside(each) for each in self._of(asked).set_aside()]


def events(asked):
    return [(lane, binascii.unhexlify(event)) for lane, event in asked["events"]]


def state(asked):
    return {key: None if value is None else binascii.unhexlify(value) for key, value in asked["state"]}


async def main():
    agent = Agent(KeptFlash(sys.argv[1]))
    reader = asyncio.StreamReader(sys.stdin)
    while True:
        line = await reader.readline()
        if not line:
            return
        asyncio.create_task(agent.serve(json.loads(line)))  # noqa: RUF006  it ends with the process at the latest


asyncio.run(main())
