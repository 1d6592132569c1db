-- WAF: identities of the pool that are lent, or were last. One row an identity: it is lent once.
CREATE TABLE leases (
    impi      TEXT PRIMARY KEY NOT NULL,
    id        TEXT NOT NULL,
    client_id TEXT NOT NULL,
    visitor   TEXT NOT NULL,  -- SHA-256 of the WWSF's name of the visitor
    ended     BOOLEAN NOT NULL,
    free_at   BIGINT NOT NULL
);

-- WWSF: pages of visitors who have an identity of the pool; their name at the WAF.
ALTER TABLE sessions ADD COLUMN visitor TEXT NOT NULL DEFAULT '';
