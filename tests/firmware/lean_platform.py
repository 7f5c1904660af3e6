"""Runs on MicroPython: a platform that keeps of each event only that it came, so that a month of them takes no memory."""

import os

from gateway.core import event_codec
from hal.esp32.ed25519 import Ed25519
from hal.esp32.sha512 import choose
from hal.esp32.signing import viper_code
from tools.rig.sim.platform import RECEIPT_SEED, ROOT_SEED, SimPlatform


class Quick:
    """Ed25519 of the board, all slices at once. `each`: of so many signatures one is checked, and the others are believed."""

    def __init__(self):
        self.each = 1
        self._asked = 0
        self._native = Ed25519(choose(viper_code()), os.urandom)
        whole(self._native.start())
        self._pairs = {}

    def _pair(self, seed):
        if seed not in self._pairs:
            self._pairs[seed] = whole(self._native.key_pair(seed))
        return self._pairs[seed]

    def public_key(self, seed):
        return self._pair(seed).public

    def sign(self, seed, message):
        return whole(self._native.sign(self._pair(seed), message))

    def verify(self, public, message, signature):
        self._asked += 1
        return self._asked % self.each > 0 or whole(self._native.verify(public, message, signature))


def whole(work):
    """The end of what is done in slices."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


class LeanPlatform(SimPlatform):
    """`came`: verified events by kind, each number once; `given_up`: numbers that the gateway says it gave up, by lane."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ed25519 = Quick()
        self.root_key = self.ed25519.public_key(ROOT_SEED)
        self.receipt_key = self.ed25519.public_key(RECEIPT_SEED)
        self.came = {}
        self.newest = {}
        self.given_up = {}

    def keep(self, epoch, lane, seq, event, chain):
        if self.newest.get(lane, (epoch, 0))[0] != epoch:
            self.newest[lane] = (epoch, 0)
        if seq <= self.newest.get(lane, (epoch, 0))[1]:
            return
        self.newest[lane] = (epoch, seq)
        kind = event_codec.decode_event(event).kind
        self.came[kind] = self.came.get(kind, 0) + 1

    async def store(self, bundle):
        gone = bundle.get("given_up")
        if gone is not None:
            self.given_up[bundle["lane"]] = gone[1]
        await super().store(bundle)
        del self.bundles[:]
        self.answering = [task for task in self.answering if not task.done()]

    async def take(self, message):
        await super().take(message)
        del self.states[:]
        del self.manifests[:]
