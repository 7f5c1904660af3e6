"""The flash journal on a NOR flash that stops, on both interpreters: its life, what must be there after a cut, and the cuts."""
