"""What the conformance report says, in Norwegian and English."""

LANGUAGES = {"nb": 0, "en": 1}

# check: (nb, en)
TITLES = {
    "hello": ("hello besvares med en beskrivelse", "hello is answered by a description"),
    "other_version": (
        "en ramme av en annen versjon besvares med feil 1 og versjonene",
        "a frame of another version is answered by error 1 and the versions",
    ),
    "growth": ("nøkler fra 24 og ukjente flagg tåles", "keys of 24 and above and unknown flags do no harm"),
    "unreadable": (
        "en uleselig nyttelast besvares med feil 3",
        "a payload that cannot be read is answered by error 3",
    ),
    "noise": ("støy besvares ikke", "noise is not answered"),
    "error_quiet": ("en feilmelding besvares ikke", "an error is not answered"),
    "resync": ("etter støy leses neste ramme", "after garbage the next frame is read"),
    "pieces": ("rammer leses i alle biter", "frames are read in any pieces"),
    "unknown_error": ("ukjente typer besvares med feil 2", "unknown types are answered by error 2"),
    "unknown_inert": (
        "ingen ramme gir ut, åpner eller endrer noe",
        "no frame dispenses, unlocks or changes anything",
    ),
    "identify": ("viser seg når det blir bedt om det", "shows itself when asked"),
    "set_time": ("klokken stilles og det logges", "the clock is set and that is logged"),
    "log_from": (
        "loggen kommer fra nummeret det spørres om",
        "the log comes from the number that was asked for",
    ),
    "order": ("oppføringene kommer i rekkefølge uten hull", "entries come in order without holes"),
    "window": ("høyst 4 oppføringer er underveis", "at most 4 entries are on their way"),
    "resend": (
        "sendes igjen etter 0,5, 1, 2, 4 og 8 s, for alltid",
        "sent again after 0.5, 1, 2, 4 and 8 s, for ever",
    ),
    "again_flag": ("det som sendes igjen, er merket", "what is sent again is marked"),
    "not_ack": ("log_from kvitterer ikke", "log_from does not acknowledge"),
    "foreign_log": (
        "en annen loggs nummer avvises med feil 4",
        "another log's numbers are refused by error 4",
    ),
    "out_of_range": ("nummer som ikke finnes, avvises med feil 5", "numbers beyond are refused by error 5"),
    "acknowledge": ("det som er kvittert, huskes", "what is acknowledged is remembered"),
    "entry_fields": ("hver hendelse har feltene sine", "each event has its fields"),
    "states": ("tilstander logges én gang ved start og slutt", "states are logged once at begin and end"),
    "dose_ids": ("ingen dose-id to ganger", "no dose id twice"),
    "dose_planned": (
        "doser planlegges i loggen før sin tid",
        "doses are logged as planned before their time",
    ),
    "dose_outcome": ("hver dose har ett utfall", "each dose has one outcome"),
    "dose_once": ("en dose legges ut høyst én gang", "a dose is put out at most once"),
    "dose_clock": ("uten klokke legges ingenting ut", "without a set clock nothing is put out"),
    "beat": ("livstegn så ofte som oppgitt", "a beat as often as announced"),
    "power_boot": (
        "ny boot-id og en beskrivelse etter strømbrudd",
        "a new boot id and a description after a power cut",
    ),
    "power_log": ("loggen overlever et strømbrudd", "the log survives a power cut"),
    "frames": ("hver ramme er hel", "every frame is whole"),
    "payloads": ("hver nyttelast er etter tabellen", "every payload is as its table says"),
    "boot_id": ("samme boot-id i hele oppstarten, aldri 0", "one boot id for the whole start, never 0"),
    "log_id": ("samme logg-id hele tiden", "one log id throughout"),
    "numbers": ("loggens nummer går aldri tilbake", "the log's numbers never go back"),
    "uptime": ("oppetiden går aldri tilbake", "uptime never goes back"),
    "unchanged": ("en oppføring endres aldri", "an entry never changes"),
    "new_log": ("en tapt logg begynner på nytt med ny id", "a lost log begins under a new id"),
    "moved": ("ny logg ved flytting", "a new log at each move"),
    "room": ("plass til 1000 oppføringer", "room for 1,000 entries"),
    "power_dose": ("ingen dose to ganger etter strømbrudd", "no dose twice after a power cut"),
}

# why a check did not pass: (nb, en)
REASONS = {
    "no_description": ("ingen beskrivelse kom innen 2 s", "no description came within 2 s"),
    "description_unreadable": (
        "beskrivelsen kan ikke leses, se «hver nyttelast»",
        "the description cannot be read, see “every payload”",
    ),
    "versions_without_1": (
        "beskrivelsen sier versjon {lowest} til {highest}; versjon 1 er ikke med",
        "the description says versions {lowest} to {highest}; 1 is not among them",
    ),
    "no_version_error": (
        "ingen feil 1 på en ramme av versjon {version}",
        "no error 1 for a frame of version {version}",
    ),
    "version_error_bare": (
        "feil 1 mangler versjonene, eller er merket som svar",
        "error 1 lacks the versions, or is marked as an answer",
    ),
    "no_unknown_error": (
        "type {kind} ble ikke besvart med feil 2",
        "type {kind} was not answered by error 2",
    ),
    "unknown_done": ("en ukjent type ble besvart med «done»", "an unknown type was answered by done"),
    "unknown_moved": (
        "loggen fikk hendelse {event} av en ukjent type",
        "the log got event {event} from an unknown type",
    ),
    "no_payload_error": ("ikke besvart med feil 3: {what}", "not answered by error 3: {what}"),
    "no_growth": (
        "hello med nøkkel 24 og 1000 ble ikke besvart",
        "hello with keys 24 and 1000 was not answered",
    ),
    "noise_answered": ("noe svarte på det som ikke er en ramme", "something answered what is no frame"),
    "error_answered": ("en feilmelding ble besvart", "an error was answered"),
    "no_resync": (
        "hello etter {size} byte støy ble ikke besvart",
        "hello after {size} bytes of garbage was not answered",
    ),
    "no_pieces": ("hello en byte om gangen ble ikke besvart", "hello a byte at a time was not answered"),
    "no_together": (
        "to rammer på en gang ble ikke begge besvart",
        "two frames at once were not both answered",
    ),
    "not_identified": ("identify ble ikke besvart med done", "identify was not answered by done"),
    "not_refused": (
        "identify uten evnen ble ikke avvist med feil 6",
        "identify without the capability was not refused by error 6",
    ),
    "set_time_unanswered": (
        "set_time ble verken utført eller avvist",
        "set_time was neither done nor refused",
    ),
    "set_time_unannounced": (
        "stiller klokken uten å si at den kan",
        "sets its clock without saying that it can",
    ),
    "set_time_without_effect": (
        "done, men klokken er ikke det som ble tilbudt",
        "done, and the clock is not what was offered",
    ),
    "set_time_not_logged": (
        "done, men ingen hendelse 29 med årsak 34 i loggen",
        "done, and no event 29 with cause 34 in the log",
    ),
    "no_beat": ("ingen livstegn på {seconds} s", "no beat in {seconds} s"),
    "late_beat": (
        "{longest_ms} ms mellom livstegn, oppgitt {beat_s} s",
        "{longest_ms} ms between beats, announced {beat_s} s",
    ),
    "no_start": (
        "ingen beskrivelse innen 120 s etter strømbruddet",
        "no description within 120 s of the cut",
    ),
    "same_boot": ("boot-id er fremdeles {boot}", "the boot id is still {boot}"),
    "log_replaced": ("strømbruddet ga en annen logg", "the power cut made another log"),
    "log_lost": (
        "nyeste nummer er {newest}, før strømbruddet var {before} skrevet",
        "the newest number is {newest}, and {before} was written before the cut",
    ),
    "no_log_state": ("log_from ble ikke besvart med log_state", "log_from was not answered by log_state"),
    "no_entries": ("ingen oppføring kom fra nummer {number}", "no entry came from number {number} on"),
    "wrong_start": ("spurte fra {number}, fikk {found} først", "asked from {number}, {found} came first"),
    "not_in_order": ("kom som {found}", "came as {found}"),
    "too_many": ("{count} oppføringer uten kvittering", "{count} entries without acknowledgement"),
    "gave_up": (
        "sendt igjen {count} ganger, ventet {expected}",
        "sent again {count} times, expected {expected}",
    ),
    "wrong_pace": (
        "sendt igjen etter {gap_ms} ms, ventet {asked_ms} ms",
        "sent again after {gap_ms} ms, expected {asked_ms} ms",
    ),
    "wrong_flag": (
        "flaggbit 2 følger ikke det som sendes igjen",
        "flag bit 2 does not follow what is sent again",
    ),
    "log_from_acknowledged": (
        "etter log_from står {number} som kvittert",
        "after log_from {number} counts as acknowledged",
    ),
    "not_acknowledged": (
        "kvitterte {number}, enheten sier {found}",
        "acknowledged {number}, the device says {found}",
    ),
    "does_not_go_on": ("nummer {number} kom ikke etter kvittering", "number {number} did not follow the ack"),
    "sent_after_ack": (
        "nummer {number} ble sendt etter kvittering",
        "number {number} was sent after its ack",
    ),
    "foreign_taken": ("{kind} med en annen logg-id ble godtatt", "{kind} with another log id was taken"),
    "foreign_counted": ("en annen loggs kvittering ble talt", "another log's ack counted"),
    "beyond_taken": ("{kind} {number} ble godtatt", "{kind} {number} was taken"),
    "beyond_counted": (
        "en kvittering av det som ikke finnes, ble talt",
        "an ack of what does not exist counted",
    ),
    "event_reserved": (
        "nummer {number}: hendelse {event} er reservert",
        "number {number}: event {event} is reserved",
    ),
    "field_missing": ("nummer {number} mangler {name}", "number {number} lacks {name}"),
    "begun_twice": (
        "nummer {number}: {event} begynte to ganger",
        "number {number}: {event} began twice",
    ),
    "dose_id_twice": ("dose {dose_id} ble planlagt to ganger", "dose {dose_id} was planned twice"),
    "not_planned": ("dose {dose_id} var ikke planlagt i loggen", "dose {dose_id} was not logged as planned"),
    "planned_late": (
        "dose {dose_id} ble planlagt etter sin tid",
        "dose {dose_id} was planned after its time",
    ),
    "two_outcomes": ("dose {dose_id} har mer enn ett utfall", "dose {dose_id} has more than one outcome"),
    "no_outcome": ("dose {dose_id} fikk aldri noe utfall", "dose {dose_id} never got an outcome"),
    "put_out_twice": ("dose {dose_id} ble lagt ut to ganger", "dose {dose_id} was put out twice"),
    "put_out_without_clock": (
        "dose {dose_id} ble lagt ut uten stilt klokke",
        "dose {dose_id} was put out without a set clock",
    ),
    "zeros_lacking": (
        "{zeros} nuller for {frames} rammer, ventet en før og en etter hver",
        "{zeros} zeros for {frames} frames, expected one before and one after each",
    ),
    "seen": ("{what}", "{what}"),
    "few_entries": (
        "under 6 ukvitterte oppføringer: åpne og lukk lokket noen ganger, og kjør igjen",
        "fewer than 6 entries that nobody acknowledged: open and close the lid a few times, and run again",
    ),
    "no_power": ("uten --power tas strømmen ikke", "without --power the power stays on"),
    "no_doses": ("loggen har ingen doser: kjør en dag først", "the log has no doses: run for a day first"),
    "no_plan": ("enheten sier at den ikke har en plan", "the device says that it keeps no plan"),
    "no_states": ("loggen har ingen tilstander", "the log has no states"),
    "no_repetition": ("ingenting ble sendt igjen", "nothing was sent again"),
    "no_hello": ("enheten svarte ikke på hello", "the device did not answer hello"),
    "by_hand": ("prøves for hånd, se dokumentet", "is tried by hand, see the document"),
}

VERDICTS = {
    "pass": ("bestått", "pass"),
    "fail": ("FEIL", "FAIL"),
    "not_tested": ("ikke prøvd", "not tested"),
}

TEXTS = {
    "device": (
        "{maker} {model}, serienummer {serial_number}, fastvare {firmware}",
        "{maker} {model}, serial number {serial_number}, firmware {firmware}",
    ),
    "summary": (
        "Bestått {passed}, feil {failed}, ikke prøvd {untested}.",
        "Passed {passed}, failed {failed}, not tested {untested}.",
    ),
    "conforms": (
        "Enheten følger den åpne dispenserprotokollen versjon 1, så langt det ble prøvd.",
        "The device follows the open dispenser protocol, version 1, as far as it was tested.",
    ),
    "differs": (
        "Enheten følger ikke den åpne dispenserprotokollen versjon 1.",
        "The device does not follow the open dispenser protocol, version 1.",
    ),
    "wipe": (
        "Testoppføringene er kvittert hit: begynn en ny logg før enheten tas i bruk (D7).",
        "Entries were acknowledged to this kit: begin a new log before the device is used (D7).",
    ),
    "section": ("§ {number}", "§ {number}"),
}


def say(language: str, name: str, **values: object) -> str:
    """A text of the report, filled in."""
    return TEXTS[name][LANGUAGES[language]].format(**values)


def title(language: str, check: str) -> str:
    """What a check looks at."""
    return TITLES[check][LANGUAGES[language]]


def reason(language: str, name: str, values: dict[str, object]) -> str:
    """Why it did not pass; empty where it did."""
    return REASONS[name][LANGUAGES[language]].format(**values) if name else ""


def verdict(language: str, name: str) -> str:
    """A verdict in one word or two."""
    return VERDICTS[name][LANGUAGES[language]]
