-- What was said to gateways beside receipts: dispositions, configurations and commands, as they were signed.
-- kid: who signed it. subject: the alarm of a disposition, the id of a command, empty of a configuration.
-- number: what became of the alarm, the revision, the counter.
CREATE TABLE said (
    key INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    gateway TEXT NOT NULL,
    sort TEXT NOT NULL,
    kid BLOB NOT NULL,
    subject BLOB NOT NULL,
    number INTEGER NOT NULL,
    said_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE INDEX said_of ON said (tenant, gateway, sort, subject);

-- What the newest sign of life said: revision of the configuration in use, version of the keyset, keys that the home has otherwise.
CREATE TABLE standing (
    tenant TEXT NOT NULL,
    gateway TEXT NOT NULL,
    config INTEGER NOT NULL,
    keyset INTEGER NOT NULL,
    local INTEGER NOT NULL,
    software TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, gateway)
) STRICT, WITHOUT ROWID;
