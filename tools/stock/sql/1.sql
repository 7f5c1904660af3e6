-- Where gateways and devices are, and where they were. Times are utc_ms. No column is about a person.
CREATE TABLE item (
    code TEXT PRIMARY KEY,            -- a gateway's id, a device's serial number
    sort TEXT NOT NULL CHECK (sort IN ('gateway', 'device')),
    model TEXT NOT NULL,
    label TEXT NOT NULL,              -- short code of a gateway's identity, "" where none is known
    state TEXT NOT NULL,
    battery_pct INTEGER CHECK (battery_pct BETWEEN 0 AND 100)
) STRICT;
CREATE UNIQUE INDEX item_label ON item (label) WHERE label <> '';
CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL REFERENCES item (code),
    at_ms INTEGER NOT NULL,
    before TEXT,                      -- NULL: it came into the stock's books
    after TEXT NOT NULL,
    who TEXT NOT NULL,                -- a role or a person of the municipality
    note TEXT NOT NULL
) STRICT;
CREATE INDEX change_code ON change (code, id);
PRAGMA user_version = 1;
