"""The virtual home: peripherals on a virtual radio and on pseudo-terminals, scripted by a scenario."""
