"""JSON that keeps the digits of a device: `97.0` stays `97.0`, which no binary float and no encoder of one promises."""

import json

from gateway.core.model import Decimal, value_to_json


def dumps(value: object) -> str:
    """JSON text of dicts, lists, texts, numbers, and every value of an observation.

    A `Decimal` is written in its own digits, an `Absent` as the reason's word ("NaN"), bytes as hex text. The order
    of a dict is kept.
    """
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{json.dumps(str(key), ensure_ascii=False)}: {dumps(item)}" for key, item in value.items()
            )
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(dumps(item) for item in value) + "]"
    value = value_to_json(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
