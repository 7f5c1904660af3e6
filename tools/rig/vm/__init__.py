"""A small Debian virtual machine with the real BlueZ, whose Bluetooth controller is a virtual one of this process."""
