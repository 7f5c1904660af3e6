"""Dispensers that are wrong in one thing each: what a conformance kit must find, and nothing besides.

`WRONG` names each with the check of `tools/conform` that must fail on it. They are the reference with one method
replaced, so that what they do wrong is what stands here.
"""

from tools.simulators import wrong_lines, wrong_logs
from tools.simulators.dispenser import DispenserDevice

# name: (device, check that must fail)
WRONG: dict[str, tuple[type[DispenserDevice], str]] = {
    "own_number": (wrong_lines.OwnNumber, "hello"),
    "deaf_to_versions": (wrong_lines.DeafToVersions, "other_version"),
    "fragile": (wrong_lines.Fragile, "growth"),
    "lenient": (wrong_lines.Lenient, "unreadable"),
    "chatty": (wrong_lines.Chatty, "noise"),
    "quarrelsome": (wrong_lines.Quarrelsome, "error_quiet"),
    "stuck": (wrong_lines.Stuck, "resync"),
    "hasty": (wrong_lines.Hasty, "pieces"),
    "silent": (wrong_lines.Silent, "unknown_error"),
    "obliging": (wrong_lines.Obliging, "unknown_inert"),
    "no_lamp": (wrong_lines.NoLamp, "identify"),
    "secret_clock": (wrong_lines.SecretClock, "set_time"),
    "one_later": (wrong_logs.OneLater, "log_from"),
    "shuffled": (wrong_logs.Shuffled, "order"),
    "greedy": (wrong_logs.Greedy, "window"),
    "gives_up": (wrong_logs.GivesUp, "resend"),
    "slow": (wrong_logs.Slow, "resend"),
    "unmarked": (wrong_logs.Unmarked, "again_flag"),
    "presuming": (wrong_logs.Presuming, "not_ack"),
    "any_log": (wrong_logs.AnyLog, "foreign_log"),
    "any_number": (wrong_logs.AnyNumber, "out_of_range"),
    "forgetful": (wrong_logs.Forgetful, "acknowledge"),
    "nameless": (wrong_logs.Nameless, "entry_fields"),
    "nagging": (wrong_logs.Nagging, "states"),
    "plans_anew": (wrong_logs.PlansAnew, "dose_ids"),
    "unplanned": (wrong_logs.Unplanned, "dose_planned"),
    "two_ends": (wrong_logs.TwoEnds, "dose_outcome"),
    "twice_out": (wrong_logs.TwiceOut, "dose_once"),
    "timeless": (wrong_logs.Timeless, "dose_clock"),
    "slow_beat": (wrong_lines.SlowBeat, "beat"),
    "same_boot": (wrong_lines.SameBoot, "power_boot"),
    "volatile_log": (wrong_lines.VolatileLog, "power_log"),
    "zero_between": (wrong_lines.ZeroBetween, "frames"),
    "key_of_its_own": (wrong_lines.KeyOfItsOwn, "payloads"),
    "no_boot": (wrong_lines.NoBoot, "boot_id"),
    "other_log": (wrong_lines.OtherLog, "log_id"),
    "forgotten": (wrong_lines.Forgotten, "numbers"),
    "backward_uptime": (wrong_lines.BackwardUptime, "uptime"),
    "restamped": (wrong_logs.Restamped, "unchanged"),
}
