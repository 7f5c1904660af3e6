"""A disk that forgets: the journal's own tables and writer over SQLite on a simulated disk, cut at every operation."""
