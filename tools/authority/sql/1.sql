-- Certificates that were issued, and tokens for gateways that ask over the network. Times are utc_ms.
CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,          -- decimal: up to 159 bits
    name TEXT NOT NULL,               -- common name: a gateway's id, or that of a service
    sort TEXT NOT NULL CHECK (sort IN ('gateway', 'service')),
    identity BLOB,                    -- of a gateway: its Ed25519 public key
    request BLOB NOT NULL UNIQUE,     -- SHA-256 of the public key and what it was for: the same again gets the same
    issued_ms INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL,
    revoked_ms INTEGER,
    pem BLOB NOT NULL
) STRICT;
CREATE INDEX certificate_name ON certificate (name);
CREATE TABLE token (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the secret, which is kept nowhere
    gateway TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    replaces INTEGER NOT NULL,        -- 1: may give a registered gateway another identity
    request BLOB                      -- whose it has become; NULL while it is unused
) STRICT;
PRAGMA user_version = 1;
