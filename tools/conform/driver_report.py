"""`trygg-kit conform driver PACKAGE`: does a driver of a package keep the contract of drivers? For whoever writes one."""

import json
from collections import Counter
from typing import Any

from gateway.core.config_drivers import DriverConfig
from gateway.core.errors import ContractError
from gateway.daemon.arguments import reworded
from gateway.daemon.plugins import plain
from tools.conform import driver_words, words
from tools.conform.drivers import Case, conform
from tools.conform.run import FAILED, PASSED, UNTESTED, Result


def examine(package: str, names: list[str], language: str, *, as_json: bool) -> int:
    """Every driver of a package; 1 where one does not keep the contract."""
    documents = [of_driver(package, name, language, as_json=as_json) for name in names]
    if as_json:
        print(json.dumps({"package": package, "drivers": documents}, ensure_ascii=False))
    return 1 if any(each["summary"][FAILED] for each in documents) else 0


def of_driver(package: str, name: str, language: str, *, as_json: bool) -> dict[str, Any]:
    """One of them, printed line by line unless a document is wanted."""
    row = DriverConfig({"name": name, "package": package, "version": None})
    try:
        kind = plain(row)
    except ContractError as error:
        if not as_json:
            print(f"{words.verdict(language, FAILED):<11} {name}: {reworded(error.reason)}")
            print("\n" + driver_words.say(language, "differs", driver=name))
        return {"driver": name, "checks": [], "text": error.reason, "summary": {FAILED: 1}}
    results = conform(Case(kind, name), (lambda result: None) if as_json else teller(language))
    counts = Counter(result.verdict for result in results)
    summary = {verdict: counts[verdict] for verdict in (PASSED, FAILED, UNTESTED)}
    if not as_json:
        numbers = {"passed": counts[PASSED], "failed": counts[FAILED], "untested": counts[UNTESTED]}
        print("\n" + words.say(language, "summary", **numbers))
        end = "differs" if counts[FAILED] else "conforms"
        print(driver_words.say(language, end, driver=name, contract=kind.contract))
    return {"driver": name, "contract": kind.contract, "checks": rows(results, language), "summary": summary}


def teller(language: str) -> Any:
    """Prints a line a check, as it is done."""

    def tell(result: Result) -> None:
        said = driver_words.reason(language, result.reason, result.values)
        title = driver_words.title(language, result.check.name)
        text = f"{words.verdict(language, result.verdict):<11} {title}"
        print(text + (f": {said}" if said else ""), flush=True)

    return tell


def rows(results: list[Result], language: str) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "check": result.check.name,
            "title": driver_words.title(language, result.check.name),
            "verdict": result.verdict,
            "why": result.reason,
            "text": driver_words.reason(language, result.reason, result.values),
        }
        for result in results
    ]
