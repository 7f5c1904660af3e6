-- What the platform keeps. Numbers of 64 bits; times in ms since 1970; bytes as they came.

CREATE TABLE gateway (
    key INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- is_left: another epoch of the same gateway has begun since; it never becomes current again.
CREATE TABLE epoch (
    key INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    epoch BLOB NOT NULL,
    is_left INTEGER NOT NULL DEFAULT 0,
    UNIQUE (gateway, epoch)
) STRICT;

-- The unbroken part of a lane: everything to seq is stored, or stands in `hole`. This is what a receipt says.
CREATE TABLE lane (
    epoch INTEGER NOT NULL REFERENCES epoch,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (epoch, lane)
) STRICT, WITHOUT ROWID;

-- Every message that brought something new, as it was signed, so that any later recipient can verify it.
-- is_read: every event in it was looked at; those of routine lanes wait until there is time.
CREATE TABLE message (
    key INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateway,
    sort TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    is_read INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE INDEX message_unread ON message (key) WHERE is_read = 0;

-- Two contents under one number are two rows, told apart by their chain values (a fork).
-- own_identity: key 9, NULL where the chain value is the identity. Only the few of their own are indexed: an index of
-- random values would write a page an event. is_copy: an event with this identity was stored before.
-- fault: why the event does not decode, else NULL.
CREATE TABLE event (
    epoch INTEGER NOT NULL REFERENCES epoch,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    own_identity BLOB,
    event BLOB NOT NULL,
    is_copy INTEGER NOT NULL,
    fault TEXT,
    message INTEGER NOT NULL REFERENCES message,
    identity BLOB GENERATED ALWAYS AS (coalesce(own_identity, chain)) VIRTUAL
) STRICT;

CREATE UNIQUE INDEX event_number ON event (epoch, lane, seq, chain);
CREATE INDEX event_own_identity ON event (own_identity) WHERE own_identity IS NOT NULL;

-- Numbers that will not come: cause is `given_up` (by the gateway, for space) or `platform` (lost here).
CREATE TABLE hole (
    epoch INTEGER NOT NULL REFERENCES epoch,
    lane INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (epoch, lane, first_seq)
) STRICT, WITHOUT ROWID;

-- uptime_ms: the largest a state of this boot has said, NULL where none came. zero_utc_ms: the date of uptime 0.
CREATE TABLE boot (
    epoch INTEGER NOT NULL REFERENCES epoch,
    boot INTEGER NOT NULL,
    uptime_ms INTEGER,
    zero_utc_ms INTEGER,
    PRIMARY KEY (epoch, boot)
) STRICT, WITHOUT ROWID;

CREATE TABLE manifest (
    gateway INTEGER NOT NULL REFERENCES gateway,
    revision INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES message,
    PRIMARY KEY (gateway, revision, message)
) STRICT, WITHOUT ROWID;
