"""A gateway with real NetworkManager on a simulated radio, a telephone on another, and a home's network behind a cable.

All in one virtual machine (`tools.rig.vm`, mac80211_hwsim): our side runs there as the hub's own user, whom polkit is asked about; the
telephone, or the home's router, and the home's network are network namespaces of it.
"""

import shlex
from pathlib import Path

from tools.rig.vm.machine import Machine

PACKAGE = Path(__file__).resolve().parents[2] / "gateway" / "daemon"
PHONE, LAN = "phone", "lan"
LAN_ADDRESS = "192.168.50.2"
ADDRESS, PORT = "10.61.17.1", 8443
TOLD = "/run/phone.log"
LIMIT_S = 120.0  # of one thing: QEMU translates every instruction

DAEMONS = """
mkdir -p /var/lib/misc /var/lib/NetworkManager /run/NetworkManager /var/lib/polkit-1
setsid /lib/systemd/systemd-udevd --daemon >/run/udev.log 2>&1
udevadm trigger
udevadm settle
setsid /usr/lib/polkit-1/polkitd --no-debug >/run/polkit.log 2>&1 &
setsid wpa_supplicant -u -s -O /run/wpa_supplicant >/run/wpa.log 2>&1 &
setsid NetworkManager --no-daemon >/run/nm.log 2>&1 &
until nmcli -g DEVICE,STATE device 2>/dev/null | grep -q '^wlan0:disconnected'; do sleep 0.2; done
"""
AROUND = """
ip netns add phone
iw phy phy1 set netns name phone
ip netns exec phone ip link set lo up
ip netns add lan
ip link add veth0 type veth peer name lan0
ip link set lan0 netns lan
ip address add 192.168.50.1/24 dev veth0
ip link set veth0 up
ip netns exec lan ip address add 192.168.50.2/24 dev lan0
ip netns exec lan ip link set lan0 up
ip netns exec lan ip route add default via 192.168.50.1
"""
# What a DHCP client is told, and what a telephone does with it.
LEASE = """#!/bin/sh
[ "$1" = bound ] || exit 0
echo "$ip|$router|$dns"
ip address flush dev $interface
ip address add $ip/24 dev $interface
ip route add default via 10.61.17.1
"""
REACH = """
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if sys.argv[3] == 'udp' else socket.SOCK_STREAM)
line.settimeout(5)
try:
    line.connect((sys.argv[1], int(sys.argv[2])))
    if sys.argv[3] == 'udp':
        line.send(bytes(20))
    print(line.recv(20).decode())
except OSError as error:
    print(type(error).__name__, error.errno)
"""


class Air:
    """The machine, once its daemons run."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.run(DAEMONS)
        self.run(AROUND)
        self.write("/run/lease.sh", LEASE)
        self.run("chmod 755 /run/lease.sh")

    def run(self, command: str) -> str:
        """Output of a command of root's."""
        return self.machine.run(command, limit_s=LIMIT_S)

    def write(self, path: str, text: str) -> None:
        """A file in the machine."""
        self.run(f"mkdir -p {Path(path).parent}; printf %s {shlex.quote(text)} >{path}")

    def install_rule(self) -> None:
        """What the Debian package brings."""
        self.write(
            "/etc/polkit-1/rules.d/60-trygg.rules", (PACKAGE / "access-point.rules").read_text("utf-8")
        )
        self.write(
            "/etc/NetworkManager/dnsmasq-shared.d/trygg.conf",
            (PACKAGE / "access-point.conf").read_text("utf-8"),
        )
        self.run("sleep 2")  # polkitd reads its rules anew a moment after they changed, and does not say so

    def remove_rule(self) -> None:
        """A gateway without the package's rule."""
        self.run("rm -f /etc/polkit-1/rules.d/60-trygg.rules; sleep 2")

    def start(self, *arguments: str) -> str:
        """Start our side as the hub's user (tests/wifi/guest.py), in place of one that runs; the first line that it says."""
        self.end("KILL")
        words = shlex.join(["python3", "-m", "tests.wifi.guest", *arguments])
        user = "setsid setpriv --reuid=trygg --regid=trygg --clear-groups"
        self.run(f"{user} {words} >/run/guest.log 2>/run/guest.err & echo $! >/run/guest.pid")
        self.until("[ -s /run/guest.log ] || [ -s /run/guest.err ]")
        return self.run("head -n 1 /run/guest.log; tail -n 1 /run/guest.err")

    def end(self, signal: str) -> None:
        """End it by a signal, and wait until it has."""
        self.run(f"[ ! -e /run/guest.pid ] || kill -{signal} $(cat /run/guest.pid) 2>/dev/null || true")
        self.until("! grep -q '^State:.[^Z]' /proc/$(cat /run/guest.pid)/status 2>/dev/null")

    def until(self, condition: str) -> None:
        """Wait for a shell condition. Raises MachineError where it does not come."""
        self.run(f"for _ in $(seq 150); do if {condition}; then exit 0; fi; sleep 0.2; done; exit 1")

    # --- the telephone ----------------------------------------------------------------------------------------------

    def phone(self, program: str, *arguments: object, where: str = PHONE) -> list[str]:
        """Lines that a Python program prints, run on the telephone or in the home's network."""
        words = shlex.join(["ip", "netns", "exec", where, "python3", "-c", program, *map(str, arguments)])
        return self.run(words).splitlines()

    def ask_in(self, name: str, passphrase: str) -> None:
        """Begin to join a network; what comes of it stands in the log of wpa_supplicant."""
        network = f'network={{\n ssid="{name}"\n psk="{passphrase}"\n proto=RSN\n key_mgmt=WPA-PSK\n}}\n'
        self.write("/run/phone.conf", network)
        at = f"ip netns exec {PHONE}"
        self.run(
            f"rm -f {TOLD}; {at} wpa_supplicant -B -P /run/phone.pid -i wlan1 -c /run/phone.conf -f {TOLD}"
        )

    def join(self, name: str, passphrase: str) -> tuple[str, str, str]:
        """Join a network; address, router and name server that were given. Raises MachineError."""
        self.ask_in(name, passphrase)
        self.until(f"grep -q CTRL-EVENT-CONNECTED {TOLD}")
        lease = "udhcpc -i wlan1 -n -q -t 10 -s /run/lease.sh"
        told = self.run(f"ip netns exec {PHONE} busybox {lease} 2>/dev/null").splitlines()
        address, router, names = next(line for line in told if "|" in line).split("|")
        return address, router, names

    def leave(self) -> None:
        """Forget the network, or make none any more."""
        self.run("kill $(cat /run/phone.pid) 2>/dev/null; while [ -e /run/phone.pid ]; do sleep 0.1; done")

    def be_a_router(self, name: str, passphrase: str) -> None:
        """The other radio is the home's own router, with addresses to give."""
        network = f'network={{\n ssid="{name}"\n psk="{passphrase}"\n mode=2\n frequency=2412\n proto=RSN\n key_mgmt=WPA-PSK\n}}\n'
        self.write("/run/phone.conf", network)
        at = f"ip netns exec {PHONE}"
        self.run(f"{at} wpa_supplicant -B -P /run/phone.pid -i wlan1 -c /run/phone.conf -f {TOLD}")
        self.run(f"{at} ip address flush dev wlan1; {at} ip address add 192.168.60.1/24 dev wlan1")
        served = "--dhcp-range=192.168.60.10,192.168.60.20 --dhcp-leasefile=/run/router.leases --pid-file=/run/router.pid"
        self.run(f"{at} dnsmasq --conf-file=/dev/null --port=0 --interface=wlan1 --bind-interfaces {served}")

    def be_no_router(self) -> None:
        """It is switched off."""
        self.run("kill $(cat /run/router.pid)")
        self.leave()

    def hears(self, name: str) -> bool:
        """Whether the telephone hears a network of that name."""
        at = f"ip netns exec {PHONE}"
        self.run(f"{at} ip link set wlan1 up")
        return f"SSID: {name}" in self.run(f"{at} iw dev wlan1 scan flush 2>&1 || true")
