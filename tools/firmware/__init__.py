"""What of the board's firmware can be made without ESP-IDF: compiled modules, their sizes, and a bundle with checksums."""
