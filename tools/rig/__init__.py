"""Whole systems on one machine: identities, processes, the count of what arrived, and harm done on purpose."""
