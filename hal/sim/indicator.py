"""A lamp in the simulation: `shown` is what a person would see, newest last; hours of quiet and answers included."""


class SimIndicator:
    """Remembers every change of state."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    @property
    def state(self) -> str:
        """What it shows now; empty before the first."""
        return self.shown[-1] if self.shown else ""

    def show(self, state: str) -> None:
        if state != self.state:
            self.shown.append(state)
