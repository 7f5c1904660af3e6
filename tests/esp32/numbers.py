"""Numbers that follow from a seed, the same on both interpreters."""


class Numbers:
    """A linear congruential generator: glibc's constants, the upper bits."""

    def __init__(self, seed):
        self.value = seed * 2654435761 & 0x7FFFFFFF

    def below(self, limit):
        self.value = (self.value * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.value >> 8) % limit
