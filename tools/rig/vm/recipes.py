"""What each sort of virtual machine has beside what every one has: Bluetooth on a line, or Wi-Fi of two simulated radios."""

from dataclasses import dataclass, field

USERS = "root:x:0:0:root:/:/bin/sh\nmessagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n"
GROUPS = "root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n"
MAIN_CONF = "[General]\nControllerMode = le\n[Policy]\nAutoEnable = true\n"
# polkit is asked, as on a gateway; nothing is written to a disk that is none, and no cable's default profile is made up.
NETWORK_CONF = (
    "[main]\nplugins=keyfile\nno-auto-default=*\ndns=none\n[keyfile]\nunmanaged-devices=interface-name:eth0\n"
)


@dataclass(frozen=True)
class Recipe:
    """`target` makes it; `told` are packages whose versions stand beside results; files lie below /etc."""

    name: str
    target: str
    packages: str
    modules: str
    told: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    users: str = USERS
    groups: str = GROUPS


# Bluetooth over a line, and its ciphers: pairing needs drbg to cmac, bluetoothd the algif ones.
BLUEZ = Recipe(
    "vm",
    "radio",
    "bluez",
    "bluetooth hci_uart drbg jitterentropy_rng hmac sha512_generic sha256_generic ecdh_generic cmac ccm ecb ctr aes_generic "
    "algif_hash algif_skcipher",
    ("bluez",),
    {"bluetooth/main.conf": MAIN_CONF},
)
# Two radios that hear each other and nobody else (mac80211_hwsim); the hub's user, whom polkit's rule is about.
WIFI = Recipe(
    "wifi",
    "wifi",
    "network-manager polkitd wpasupplicant dnsmasq-base iw udev nftables wireless-regdb busybox",
    "cfg80211 mac80211 mac80211_hwsim ccm gcm cmac ctr aes_generic veth crc32c_generic libcrc32c nf_tables nft_chain_nat nft_masq nft_ct "
    "nft_reject_ipv4",
    ("network-manager", "wpasupplicant", "dnsmasq-base", "polkitd"),
    {"NetworkManager/NetworkManager.conf": NETWORK_CONF},
    USERS
    + "polkitd:x:102:102::/nonexistent:/usr/sbin/nologin\ntrygg:x:103:103::/nonexistent:/usr/sbin/nologin\n"
    "dnsmasq:x:104:104::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    GROUPS + "polkitd:x:102:\ntrygg:x:103:\nnetdev:x:105:\nnogroup:x:65534:\n",
)
RECIPES = {each.name: each for each in (BLUEZ, WIFI)}
