"""Harm done on purpose: kills, cuts, lies, forgeries, months; each with its judge, and with a control that must be found out."""
