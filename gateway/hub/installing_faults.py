"""Why a step of an installation is not done, and what to do: the words for a technician (`wording.toml` has them in Norwegian).

A fault has a name of its own, the kind of event whose card says more where there is one, a cause and a next action.
"""

FAULTS: "dict[str, tuple[str, str, str]]" = {
    "network_down": (
        "path.lost",
        "no network is up",
        "put in the network cable, or look at the mobile modem",
    ),
    "clock_untrusted": (
        "clock.untrusted",
        "the time of day is not known yet",
        "wait until the network has set it",
    ),
    "not_connected": (
        "path.lost",
        "there is no connection to the broker",
        "look at the network, then at trygg check",
    ),
    "no_keyset": (
        "path.unreceipted",
        "the municipality's keys have not come yet, so no answer counts",
        "ask the platform's operators whether this gateway is registered",
    ),
    "no_receipt": (
        "path.unreceipted",
        "the platform has not answered with its signature yet",
        "wait a minute, then ask the platform's operators whether this gateway is registered",
    ),
    "no_device": ("", "the home has no device yet", "add the first one"),
    "not_heard": (
        "",
        "the device has not been heard yet",
        "bring it closer, look at its battery, and let it send",
    ),
    "silent": (
        "device.silent",
        "the device was heard before and is silent",
        "look at its battery and where it stands",
    ),
    "wrong_key": (
        "device.unauthenticated",
        "the device is heard, and its key is wrong",
        "take it out, and add it again with the key on its label",
    ),
    "line": ("line.lost", "the device cannot be reached", "look at its cable, or bring it closer"),
    "no_room": (
        "",
        "nobody has said in which room the device is",
        "take it out, and add it again with its room",
    ),
    "not_paired": (
        "device.unpaired",
        "the device is not paired, and is not read",
        "put it in pairing mode and pair it",
    ),
    "weak_bond": (
        "device.unpaired",
        "the device is paired more weakly than it must be",
        "pair it again, with the code on its label",
    ),
    "not_tested": (
        "",
        "nobody has tried the device by hand",
        "begin its test, then use the device as in need",
    ),
    "test_waits": (
        "",
        "the test runs, and nothing has come from the device",
        "use the device now: press, open or breathe on it",
    ),
    "test_over": (
        "",
        "the time was over and nothing had come",
        "begin the test again, and use the device within two minutes",
    ),
    "test_unreceipted": (
        "path.unreceipted",
        "its alarm is stored, and the platform has not receipted it",
        "wait a minute",
    ),
    "not_walked": (
        "",
        "not every room with a device was measured",
        "stand in the room with a device, and measure",
    ),
    "room_lost": (
        "link.weak",
        "nothing was heard from a room",
        "let a device send there; if it stays so, place the gateway otherwise",
    ),
    "plug_not_begun": (
        "",
        "the plug was not pulled yet",
        "begin the test, then pull the plug and put it in again",
    ),
    "plug_waits": (
        "",
        "the gateway waits for its plug to be pulled",
        "pull the plug, count to ten, and put it in again",
    ),
    "plug_too_late": ("", "the gateway was not back within ten minutes", "begin the test again"),
    "plug_stopped": (
        "",
        "the gateway was stopped in good order, and not by its plug",
        "begin the test again, and pull the plug",
    ),
    "plug_lost": (
        "journal.set_aside",
        "something that was stored did not outlive the power cut",
        "replace the memory card, or the gateway, and begin the test again",
    ),
    "centre_none": ("", "the response centre was not rung", "agree it with them, then ring"),
    "centre_stored": (
        "path.unreceipted",
        "the alarm is stored, and the platform has not receipted it",
        "wait a minute, then look at the connection",
    ),
    "centre_received": (
        "",
        "the platform has it, and nobody has taken it yet: that is not enough",
        "call the response centre, and ask them to take the exercise alarm",
    ),
    "centre_forwarded": (
        "",
        "it was sent on, and nobody has taken it yet: that is not enough",
        "call the response centre, and ask them to take the exercise alarm",
    ),
    "centre_handled": ("", "it was closed without anybody taking it", "ring again, and ask them to take it"),
    "centre_failed": (
        "",
        "the platform could bring it to nobody",
        "ask the platform's operators, then ring again",
    ),
    "centre_over": (
        "",
        "nobody had taken it when the time was over",
        "call the response centre, then ring again",
    ),
}
