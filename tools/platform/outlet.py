"""Where the platform's lines go: events to standard output, faults to standard error or among the events."""

from typing import TextIO

from gateway.daemon.arguments import ENGLISH
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from tools.platform.books import Fault, Verified
from tools.platform.lines import event_json, fault_json, text_lines
from tools.platform.parties import Names
from tools.platform.receiver import Receiver

SAME_FAULT_MS = 10_000  # the same fault of the same gateway is said at most this often
MOST_REMEMBERED = 10_000


class Outlet:
    """Prints what a receiver hands on. `fault_stream` None: faults stand among the events."""

    def __init__(
        self,
        *,
        as_json: bool,
        stream: TextIO,
        fault_stream: TextIO | None,
        names: Names,
        language: str = ENGLISH,
    ) -> None:
        self.line = event_json if as_json else text_lines(language)
        self.texts = Texts(language)
        self.as_json = as_json
        self.stream = stream
        self.fault_stream = fault_stream
        self.names = names
        self.now_ms = 0
        self.said: dict[tuple[str, str, str, str], tuple[int, int]] = {}  # fault: (when, how many since)

    def events(self, verified: list[Verified]) -> None:
        """One line each, and out with them."""
        self.stream.write(
            "".join(self.line(one, self.names.get(one.book.name, {})) + "\n" for one in verified)
        )
        self.stream.flush()

    def fault(self, fault: Fault) -> None:
        """One JSON line; repeats within ten seconds are counted and said with the next."""
        words = str(fault.details.get("reason", ""))
        numbers = "" if words else str(sorted(fault.details.items()))
        same = (fault.cause, fault.tenant, fault.gateway, words + numbers)
        when, count = self.said.get(same, (self.now_ms - SAME_FAULT_MS, 0))
        if self.now_ms - when < SAME_FAULT_MS:
            self.said[same] = (when, count + 1)
            return
        if len(self.said) >= MOST_REMEMBERED:
            self.said.clear()
        self.said[same] = (self.now_ms, 0)
        if count:
            fault.details["repeated"] = count
        stream = self.fault_stream if self.fault_stream is not None else self.stream
        stream.write(fault_json(fault) + "\n")
        stream.flush()

    def summary(self, receiver: Receiver) -> None:
        """What happened since the start, as the last line."""
        counts = receiver.counts
        fields: dict[str, object] = {
            "verified": counts.verified,
            "duplicates_removed": counts.duplicates_removed,
            "refused": counts.refused,
            "dropped": counts.dropped,
            "receipts": counts.receipts,
            "lost": receiver.store.lost(),
        }
        if self.as_json:
            self.stream.write(dumps({"summary": fields}) + "\n")
        else:
            said = self.texts.reword(
                f"verified {counts.verified}, duplicates removed {counts.duplicates_removed}, refused {counts.refused}, "
                f"dropped {counts.dropped}, receipts {counts.receipts}, lost {receiver.store.lost()}"
            )
            self.stream.write(said + "\n")
        self.stream.flush()
