-- What was answered: enough to tell what became of a card, nothing that tells of whom it was.
CREATE TABLE answered_card (
    card TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    hook TEXT NOT NULL,
    topic TEXT NOT NULL,
    indicator TEXT NOT NULL,
    suggestions TEXT NOT NULL,          -- JSON list of uuids, in the order shown
    answered_at TIMESTAMPTZ NOT NULL,
    issuer TEXT NOT NULL DEFAULT '',    -- whose card it was: the issuer of the token it was asked with
    tenant TEXT NOT NULL DEFAULT ''     -- and the tenant named in it; '' where none was named
);

-- What the clinicians did with it. The same act reported twice is one row; a later change of mind is another.
CREATE TABLE feedback (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer TEXT NOT NULL,
    tenant TEXT NOT NULL,
    card TEXT NOT NULL,
    service TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'overridden')),
    suggestions TEXT NOT NULL,          -- JSON list of uuids, sorted
    outcome_at TIMESTAMPTZ NOT NULL,    -- the client's clock
    received_at TIMESTAMPTZ NOT NULL,   -- ours
    reason_code TEXT,
    reason_system TEXT,
    comment TEXT                        -- free text; may hold anything
);

-- An index holds short values only, and a client may name many suggestions.
CREATE UNIQUE INDEX feedback_act ON feedback (card, outcome, md5(suggestions), outcome_at, service, issuer, tenant);

-- Each act with its card; the card's columns are NULL where this store never answered it to this client.
CREATE VIEW verdict AS
SELECT feedback.*, answered_card.hook, answered_card.topic, answered_card.indicator, answered_card.answered_at
FROM feedback LEFT JOIN answered_card
ON answered_card.card = feedback.card AND answered_card.service = feedback.service
AND answered_card.issuer = feedback.issuer AND answered_card.tenant = feedback.tenant;

-- Tokens that were used, until they could not be used again anyway. A digest is kept, nothing that a client wrote.
CREATE TABLE used_token (
    token BYTEA PRIMARY KEY,
    until BIGINT NOT NULL               -- seconds since 1970, UTC
);
CREATE INDEX used_token_until ON used_token (until);
