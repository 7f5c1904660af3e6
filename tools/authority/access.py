"""The access list of Mosquitto that fits: a gateway publishes its own `up` topics and reads its own `down` topics, nothing else.

It goes by the name of the certificate (`use_identity_as_username`). Without `listed` one pattern serves all gateways of a tenant,
and the list is made once; with it each gateway of the registry is named, which keeps tenants on one broker apart and leaves out at once
who was taken out of the registry.
"""

from gateway.core import wire

PLATFORM = "trygg-platform"
DOWN = ("receipt", "disposition", "keyset", "config", "command")
# What the listener must say beside it; without the second line one gateway could end another's connection.
LISTENER = (
    "allow_anonymous false",
    "require_certificate true",
    "use_identity_as_username true",
    "use_username_as_clientid true",
)


def rules(tenant: str, gateway: str, verb: str) -> list[str]:
    """What one gateway, or with %u each, may do."""
    ends = [wire.topic(tenant, gateway, "bundle", lane) for lane in range(5)]
    ends += [wire.topic(tenant, gateway, sort) for sort in ("manifest", "state")]
    return [f"{verb} write {end}" for end in ends] + [
        f"{verb} read {wire.topic(tenant, gateway, sort)}" for sort in DOWN
    ]


def access_list(tenant: str, gateways: list[str], services: list[str], *, listed: bool) -> str:
    """The file for `acl_file`."""
    lines = ["# Made by trygg-kit ca acl. Beside the listener:", *[f"#   {line}" for line in LISTENER], ""]
    for name in services:
        lines += [f"user {name}", f"topic read {wire.PREFIX}{tenant}/+/up/#"]
        lines += [f"topic write {wire.PREFIX}{tenant}/+/down/#", ""]
    if listed:
        for name in gateways:
            lines += [f"user {name}", *rules(tenant, name, "topic"), ""]
    else:
        lines += [*rules(tenant, "%u", "pattern"), ""]
    return "\n".join(lines)
