"""How well a device is heard: a link that is weak for long is a fault, before the device falls silent.

Signal strength (RSSI) swings by ten decibels with every person and door in its way, so one reception says nothing. The level is
a running mean over receptions, of which one in `SAMPLE_MS` counts: radios say everything several times. Below `WEAK_DBM` for
`LONG_MS`, over at least `ENOUGH` receptions, the link is weak; it is good again when the level has been at `GOOD_DBM` or above
for as long. What lies between changes nothing, so a level on the edge does not talk all night.

Receivers of this class take 1 Mbit/s down to some -90 to -97 dBm (data sheets; the specification asks for -70: Bluetooth Core
6.0, Vol 6, Part A, 4.1): at -90 the first receptions are lost.
"""

WEAK_DBM, GOOD_DBM = -90, -84
LONG_MS = 3_600_000
ENOUGH = 6  # receptions
SAMPLE_MS = 20_000
LEAST_DBM, MOST_DBM = (
    -127,
    20,
)  # beyond that it is no strength: 127 is "not available" (Core 6.0, Vol 4, Part E, 7.7.65.2)
UNIT = 16  # parts of a decibel in which the level is kept
SHARE = 4  # a reception moves the level by a quarter of its distance


class LinkQuality:
    """One device's link. weak: as reported; what a restart knows of it is that, and the level is learned anew."""

    __slots__ = ("count", "level", "mark_ms", "since_ms", "weak")

    def __init__(self, weak: bool = False) -> None:
        self.weak = weak
        self.level: "int | None" = None
        self.mark_ms: "int | None" = None  # uptime of the last reception that counted
        self.since_ms: "int | None" = None  # since when the level contradicts `weak`,
        self.count = 0  # and over how many receptions

    @property
    def rssi_dbm(self) -> "int | None":
        """The level, or None before the first reception."""
        return None if self.level is None else self.level // UNIT

    def heard(self, rssi_dbm: int, now_ms: int) -> bool:
        """One reception at uptime `now_ms`; True where `weak` has changed."""
        if not LEAST_DBM <= rssi_dbm <= MOST_DBM:
            return False
        if self.mark_ms is not None and now_ms - self.mark_ms < SAMPLE_MS:
            return False
        self.mark_ms = now_ms
        if self.level is None:
            self.level = UNIT * rssi_dbm
        away = UNIT * rssi_dbm - self.level
        self.level += away // SHARE if away < 0 else -(-away // SHARE)  # rounded outwards: it arrives
        if self.level >= UNIT * WEAK_DBM if not self.weak else self.level < UNIT * GOOD_DBM:
            self.since_ms, self.count = None, 0
            return False
        if self.since_ms is None:
            self.since_ms = now_ms
        self.count = min(ENOUGH, self.count + 1)
        if self.count < ENOUGH or now_ms - self.since_ms < LONG_MS:
            return False
        self.weak, self.since_ms, self.count = not self.weak, None, 0
        return True
