"""An example of a third-party driver for Trygg. The device and its protocol are made up."""
