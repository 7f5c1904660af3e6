"""A technician's day from end to end: the municipality's keys, a card, a board, a home, the installation, the move."""
