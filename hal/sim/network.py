"""Ways out of a simulated house."""

from hal.types import NetworkPath

ADDRESS = "192.0.2.2"  # of documentation (RFC 5737)


class SimNetwork:
    """One Ethernet path at first, unless told otherwise; `set_up` and `add` are the back door."""

    def __init__(self, paths: "list[NetworkPath] | None" = None) -> None:
        first = NetworkPath("eth0", "ethernet", True, ADDRESS, routed=True)
        self._paths = [first] if paths is None else list(paths)

    def paths(self) -> "list[NetworkPath]":
        return sorted(self._paths, key=lambda path: path.name)

    def add(self, name: str, kind: str, up: bool = True, address: "str | None" = None) -> None:
        """Plug in another path."""
        self._paths.append(NetworkPath(name, kind, up, address))

    def set_up(self, name: str, up: bool) -> None:
        """The path goes up or down; a path that is down has no address."""
        for path in self._paths:
            if path.name == name:
                path.up = up
                path.address = ADDRESS if up else None
