"""A set checker in the manner of Jepsen's total-queue: what was stored durably, against what the platform verified.

Stored is what the hub's log says after the journal's append returned; it reaches us through a pipe that survives
the hub. Verified is what the platform printed after its own commit. An event's identity is the same in both.
"""

from typing import Any


class Tally:
    """Counts by identity. `devices` maps a dispenser's placement to how many entries its own log holds."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.verified: dict[str, dict[str, Any]] = {}
        self.repeated_in_output = 0
        self.duplicates_removed = 0
        self.inversions = 0
        self.log_numbers: dict[int, set[int]] = {}
        self.log_repeats = 0
        self._last: dict[tuple[str, str, int], int] = {}

    def hub_said(self, line: dict[str, Any]) -> None:
        """A log line of the hub."""
        if line.get("message") == "stored" and "identity" in line:
            self.stored.setdefault(line["identity"], line)

    def platform_said(self, line: dict[str, Any]) -> bool:
        """A line of the platform; True where it is a verified event that was not seen before."""
        if "summary" in line:
            self.duplicates_removed = int(line["summary"].get("duplicates_removed", self.duplicates_removed))
            return False
        if "identity" not in line or "kind" not in line:
            return False
        if line["identity"] in self.verified:
            self.repeated_in_output += 1
            return False
        self.verified[line["identity"]] = line
        self._look_at_order(line)
        self._look_at_log_number(line)
        return True

    def _look_at_order(self, line: dict[str, Any]) -> None:
        where = (line["gateway"], line["epoch"], line["lane"])
        if line["seq"] <= self._last.get(where, 0):
            self.inversions += 1
        self._last[where] = max(line["seq"], self._last.get(where, 0))

    def _look_at_log_number(self, line: dict[str, Any]) -> None:
        number = line["values"].get("log_number")
        if number is not None:
            seen = self.log_numbers.setdefault(line["placement"], set())
            self.log_repeats += number in seen
            seen.add(number)

    def lost(self) -> list[dict[str, Any]]:
        """Stored durably and never verified."""
        return [line for identity, line in self.stored.items() if identity not in self.verified]

    def missing_of_log(self, newest: int) -> list[int]:
        """Numbers of a dispenser's own log, 1 to `newest`, that never arrived: the whole way, device included."""
        seen = set().union(*self.log_numbers.values()) if self.log_numbers else set()
        return [number for number in range(1, newest + 1) if number not in seen]

    def unexpected(self) -> list[dict[str, Any]]:
        """Verified, and never stored by the hub as far as its log tells (a line may die with a killed hub)."""
        return [line for identity, line in self.verified.items() if identity not in self.stored]

    def sent(self) -> int:
        """How many events the gateway stored, those included whose log line died with it."""
        return len(self.stored.keys() | self.verified.keys())
