-- MMTel Enabler Server: applications of providers. Times are seconds since 1970.
CREATE TABLE applications (
    app_id         TEXT PRIMARY KEY NOT NULL,
    provider       TEXT NOT NULL,
    profile        TEXT NOT NULL,  -- JSON, as the API writes it, without the package
    package_sha256 BLOB,
    package_size   BIGINT,
    made_by        BLOB,           -- SHA-256 of the configuration that made it, until it is updated
    created        BIGINT NOT NULL,
    changed        BIGINT NOT NULL
);

-- What applications were before, the latest with the highest number.
CREATE TABLE application_versions (
    app_id         TEXT NOT NULL,
    number         BIGINT NOT NULL,
    app_ver        TEXT,
    package_sha256 BLOB,
    package_size   BIGINT,
    until          BIGINT NOT NULL,
    PRIMARY KEY (app_id, number)
);

-- Packages, once each, as long as an application has them.
CREATE TABLE packages (
    sha256 BLOB PRIMARY KEY NOT NULL,
    bytes  BLOB NOT NULL
);

-- Calls that the enabler has to know again after a restart.
CREATE TABLE enabler_sessions (
    id    TEXT PRIMARY KEY NOT NULL,
    state BLOB NOT NULL
);

-- Notifications that nobody took yet. Those of a session are told in the order of their numbers; its
-- first one, and no other, is the head.
CREATE TABLE outbox (
    id      BIGINT PRIMARY KEY NOT NULL,
    session TEXT NOT NULL,
    origin  TEXT NOT NULL,   -- scheme, host and port of the target
    target  TEXT NOT NULL,
    body    BLOB NOT NULL,
    until   BIGINT NOT NULL, -- when it is too old
    head    BOOLEAN NOT NULL
);
CREATE INDEX outbox_of_session ON outbox (session, id);
CREATE INDEX outbox_heads ON outbox (origin, id) WHERE head;
