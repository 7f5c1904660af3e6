"""Figures that count: each has a harness, a control that must lose, and the code that it speaks of."""
