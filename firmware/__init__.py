"""The gateway of ESP32 class. VERSION is that of the distribution; tests/firmware compares them."""

VERSION = "0.1.0"
