-- Version 1. Applied files are never changed; a later version is a later file.

CREATE TABLE journal (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch BLOB NOT NULL CHECK (length(epoch) = 8)
);

-- What is gone from each lane. The last number is that of the newest entry, or `forgotten` where none is held;
-- an append therefore writes nothing but its entries.
CREATE TABLE lane (
    lane      INTEGER PRIMARY KEY,
    forgotten INTEGER NOT NULL,
    chain     BLOB NOT NULL CHECK (length(chain) = 16)
);

-- A table a lane: numbers only grow, so entries are added at the right edge and pages fill; the oldest go in ranges,
-- so whole pages come free.
CREATE TABLE entry_0 (seq INTEGER PRIMARY KEY, event BLOB NOT NULL, chain BLOB NOT NULL);
CREATE TABLE entry_1 (seq INTEGER PRIMARY KEY, event BLOB NOT NULL, chain BLOB NOT NULL);
CREATE TABLE entry_2 (seq INTEGER PRIMARY KEY, event BLOB NOT NULL, chain BLOB NOT NULL);
CREATE TABLE entry_3 (seq INTEGER PRIMARY KEY, event BLOB NOT NULL, chain BLOB NOT NULL);
CREATE TABLE entry_4 (seq INTEGER PRIMARY KEY, event BLOB NOT NULL, chain BLOB NOT NULL);

CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE given_up (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);

CREATE TABLE set_aside (name TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;

-- Always empty: what is put in and taken out again becomes free pages (see journal_space).
CREATE TABLE ballast (pages BLOB NOT NULL);
