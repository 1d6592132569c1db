-- Times are seconds since 1970. Codes, cookies and the WAF's refresh tokens are kept as SHA-256 hashes.

-- WAF: who can sign in, and who they are in the IMS.
CREATE TABLE accounts (
    name          TEXT PRIMARY KEY NOT NULL,
    password_hash TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    impi          TEXT NOT NULL,
    impus         TEXT NOT NULL  -- a JSON array, the default first
);

-- WAF: the newest signs, the others still verify.
CREATE TABLE signing_keys (
    kid       TEXT PRIMARY KEY NOT NULL,
    algorithm TEXT NOT NULL,
    pkcs8     BLOB NOT NULL,
    created   BIGINT NOT NULL
);

-- WAF: authorization codes under way, and those used a moment ago.
CREATE TABLE codes (
    hash         TEXT PRIMARY KEY NOT NULL,
    client_id    TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT NOT NULL,
    account      TEXT NOT NULL,
    scope        TEXT NOT NULL,
    expires      BIGINT NOT NULL,
    used         TEXT            -- the grant made of it, empty if the trade failed
);

-- WAF: what accounts have granted to clients, with the refresh token that is good now.
CREATE TABLE grants (
    id          TEXT PRIMARY KEY NOT NULL,
    client_id   TEXT NOT NULL,
    account     TEXT NOT NULL,
    scope       TEXT NOT NULL,
    current     TEXT NOT NULL,
    previous    TEXT,
    previous_at BIGINT,
    replaced    BOOLEAN NOT NULL,
    idle_until  BIGINT NOT NULL,
    expires     BIGINT NOT NULL
);

-- WWSF: the pages that are signed in.
CREATE TABLE sessions (
    sid           TEXT PRIMARY KEY NOT NULL,
    secret_hash   TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    account       TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    impi          TEXT NOT NULL,
    impus         TEXT NOT NULL,  -- a JSON array, the default first
    used          BIGINT NOT NULL,
    expires       BIGINT NOT NULL
);
