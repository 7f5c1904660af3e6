"""F13: messages that were forged, altered, replayed or moved, against both ends."""

from tools.rig.forgery.figures import FIGURES

__all__ = ["FIGURES"]
