"""The demonstration: home, hub, broker and platform as processes on one machine, and a view of what arrives."""
