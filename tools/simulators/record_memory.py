"""The memory of a virtual health device, and what its record access control point answers; pure, on both interpreters.

    memory = RecordMemory(once=True)
    memory.store(value)
    found, answer = memory.asked(bytes([1, 1]))
    for record in found:
        ...indicate record.value; when it is confirmed: memory.delivered(record)
    ...indicate answer

Sources: Pulse Oximeter Service 1.0.1, 3.4 (a spot-check is handed out once, its confirmation counts as delivery; the oldest
of 30 goes first); Glucose Service 1.0.1, 3.4 (records stay, and are asked for by sequence number).
"""

REPORT, DELETE, ABORT, COUNT, COUNT_ANSWER, ANSWER = 1, 2, 3, 4, 5, 6
NULL, ALL, AT_LEAST = 0, 1, 3
BY_SEQUENCE = 1
SUCCESS, OPCODE_NOT_SUPPORTED, INVALID_OPERATOR, INVALID_OPERAND, NO_RECORDS = 1, 2, 3, 5, 6
KEPT = 30


class Record:
    """A value as it is handed out, under its number."""

    __slots__ = ("number", "value")

    def __init__(self, number: int, value: bytes) -> None:
        self.number = number
        self.value = value


class RecordMemory:
    """`once`: what was delivered is gone. `by_number`: it knows how to begin at a sequence number.

    lost: how many made room before anybody had fetched them.
    """

    def __init__(self, *, once: bool = True, by_number: bool = False, kept: int = KEPT) -> None:
        self.once = once
        self.by_number = by_number
        self.kept = kept
        self.records: list[Record] = []
        self.lost = 0

    def store(self, value: bytes, number: int = 0) -> None:
        """Keep a record; the oldest makes room."""
        self.records.append(Record(number, value))
        if len(self.records) > self.kept:
            self.records.pop(0)
            self.lost += 1

    def clear(self) -> None:
        """Everything is gone."""
        self.records = []

    def delivered(self, record: Record) -> None:
        """Its indication was confirmed."""
        if self.once and record in self.records:
            self.records.remove(record)

    def asked(self, request: bytes) -> "tuple[list[Record], bytes]":
        """What to hand out, oldest first, and the answer behind it."""
        opcode = request[0] if request else 0
        if opcode == ABORT:
            return [], self.answer(ABORT, SUCCESS)
        if opcode not in (REPORT, DELETE, COUNT):
            return [], self.answer(opcode, OPCODE_NOT_SUPPORTED)
        found, fault = self.matching(request[1:])
        if fault:
            return [], self.answer(opcode, fault)
        if opcode == COUNT:
            return [], bytes([COUNT_ANSWER, NULL]) + len(found).to_bytes(2, "little")
        if opcode == DELETE:
            self.records = [record for record in self.records if record not in found]
        return found if opcode == REPORT else [], self.answer(opcode, SUCCESS if found else NO_RECORDS)

    def matching(self, operator: bytes) -> "tuple[list[Record], int]":
        """Records that operator and operand name, or the response code of what is wrong with them."""
        if operator == bytes([ALL]):
            return list(self.records), 0
        if not self.by_number or operator[:1] != bytes([AT_LEAST]):
            return [], INVALID_OPERATOR
        if len(operator) != 4 or operator[1] != BY_SEQUENCE:
            return [], INVALID_OPERAND
        least = operator[2] | operator[3] << 8
        return [record for record in self.records if record.number >= least], 0

    @staticmethod
    def answer(opcode: int, code: int) -> bytes:
        """Response code to a request."""
        return bytes([ANSWER, NULL, opcode, code])
