"""Generate gateway/core/registry.py and registry_text.py from registry.toml; `--check` only compares.

Exit status 1 where a rule of the registry is broken, or with `--check` where the tables are not what the
list gives.
"""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

CORE = Path(__file__).resolve().parents[2] / "gateway" / "core"
LANES = {"safety": 0, "alarm": 1, "technical": 2, "measurement": 3, "info": 4}
DISCLOSURES = {"safety", "presence", "medication", "health", "technical"}
UNITS = {
    "%": "_pct", "/min": "_bpm", "V": "_v", "Cel": "_c", "lx": "_lx", "dB[mW]": "_dbm", "ms": "_ms",
    "mm[Hg]": "_mmhg", "kPa": "_kpa", "[degF]": "_f", "kg": "_kg", "[lb_av]": "_lb", "kg/m2": "_kg_per_m2",
    "m": "_m", "[in_i]": "_in", "kJ": "_kj",
    "min": "_min", "kg/L": "_kg_per_l", "mol/L": "_mol_per_l",
}  # fmt: skip

Registry = dict[str, dict[str, dict[str, Any]]]


def faults(registry: Registry) -> list[str]:
    """What the list breaks of its own rules, one line each."""
    found: list[str] = []
    for table in ("kind", "value"):
        codes: dict[int, str] = {}
        for name, row in registry[table].items():
            if row["code"] in codes:
                found.append(f"{name}: code {row['code']} is taken by {codes[row['code']]}")
            codes[row["code"]] = name
            if not row.get("nb") or not row.get("en"):
                found.append(f"{name}: needs nb and en text")
    for name, row in registry["kind"].items():
        found += [f"{name}: {text}" for text in kind_faults(row, registry["kind"])]
    for name, row in registry["value"].items():
        ending = UNITS.get(row["unit"], "")
        if row["unit"] and not name.endswith(ending or " "):
            found.append(
                f"{name}: unit {row['unit']} asks for a name that ends in {ending or '(unknown unit)'}"
            )
    return found


def kind_faults(row: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> list[str]:
    """Rules of one kind: lane, severity, disclosure, and a clearing kind in the lane of what it clears."""
    found = []
    if row["lane"] not in LANES:
        found.append(f"lane {row['lane']} is none of {', '.join(LANES)}")
    if row["severity"] not in (0, 10, 20, 30, 40):
        found.append(f"severity {row['severity']} is none of 0, 10, 20, 30, 40")
    if row["disclosure"] not in DISCLOSURES:
        found.append(f"disclosure {row['disclosure']} is none of {', '.join(sorted(DISCLOSURES))}")
    if row.get("clears", "*") != "*" and kinds.get(row["clears"], {}).get("lane") != row["lane"]:
        found.append(f"clears {row['clears']}, which is not a kind of lane {row['lane']}")
    return found


def tables(registry: Registry) -> str:
    """The portable module: numbers only, small enough for a microcontroller."""
    lines = [
        '"""Generated from registry.toml by `python -m tools.registry`: kinds and value names by number."""',
        "",
        '# name: (code, lane, the kind it clears; "*" whichever state of its lane has its incident)',
        'KINDS: "dict[str, tuple[int, int, str]]" = {',
    ]
    for name, row in registry["kind"].items():
        lines.append(f'    "{name}": ({row["code"]}, {LANES[row["lane"]]}, "{row.get("clears", "")}"),')
    lines += ["}", "", "# name: code", 'VALUES: "dict[str, int]" = {']
    lines += [f'    "{name}": {row["code"]},' for name, row in registry["value"].items()]
    lines += ["}", "", "KIND_NAMES = {row[0]: name for name, row in KINDS.items()}"]
    lines += ["VALUE_NAMES = {code: name for name, code in VALUES.items()}", ""]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A string literal in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def texts(registry: Registry) -> str:
    """The words and foreign codes: for gateways with room, and for tools."""
    lines = [
        '"""Generated from registry.toml by `python -m tools.registry`: words, severity and foreign codes."""',
        "",
        "# name: (nb, en, severity, disclosure, MDC or 0, (SCAIP device type, status code) or None, VKP code)",
        'KIND_TEXTS: "dict[str, tuple[str, str, int, str, int, tuple[int, int] | None, str]]" = {',
    ]
    for name, row in registry["kind"].items():
        scaip = tuple(row["scaip"]) if "scaip" in row else None
        cells = [quoted(row["nb"]), quoted(row["en"]), row["severity"], quoted(row["disclosure"])]
        cells += [row.get("mdc", 0), scaip, quoted(row.get("vkp", ""))]
        lines += [f'    "{name}": (', *(f"        {cell}," for cell in cells), "    ),"]
    lines += ["}", "", "# name: (nb, en, unit, MDC or 0, MDC unit or 0)"]
    lines += ['VALUE_TEXTS: "dict[str, tuple[str, str, str, int, int]]" = {']
    for name, row in registry["value"].items():
        cells = [
            quoted(row["nb"]),
            quoted(row["en"]),
            quoted(row["unit"]),
            row.get("mdc", 0),
            row.get("mdc_unit", 0),
        ]
        lines.append(f'    "{name}": ({", ".join(str(cell) for cell in cells)}),')
    return "\n".join([*lines, "}", ""])


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.registry", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is there; write nothing")
    options = parser.parse_args(argv)
    registry: Registry = tomllib.loads((CORE / "registry.toml").read_text(encoding="utf-8"))
    found = faults(registry)
    for path, text in (
        (CORE / "registry.py", tables(registry)),
        (CORE / "registry_text.py", texts(registry)),
    ):
        if not options.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path.name} is not what registry.toml gives: run `python -m tools.registry`")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
