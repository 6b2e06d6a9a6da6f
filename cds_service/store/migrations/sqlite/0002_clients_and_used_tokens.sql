-- Whose card it was: the issuer of the token it was asked with and the tenant named in it; '' where none was named, or where
-- clients are not authenticated.
ALTER TABLE answered_card ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE answered_card ADD COLUMN tenant TEXT NOT NULL DEFAULT '';

-- What one client tells of a card must neither join nor hide what its own client tells of it, so both are part of what an act is.
DROP VIEW verdict;
ALTER TABLE feedback RENAME TO feedback_of_anyone;
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    issuer TEXT NOT NULL,
    tenant TEXT NOT NULL,
    card TEXT NOT NULL,
    service TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'overridden')),
    suggestions TEXT NOT NULL,  -- JSON list of uuids, sorted
    outcome_at TEXT NOT NULL,   -- RFC 3339, UTC, the client's clock
    received_at TEXT NOT NULL,  -- RFC 3339, UTC, ours
    reason_code TEXT,
    reason_system TEXT,
    comment TEXT,               -- free text; may hold anything
    UNIQUE (card, outcome, suggestions, outcome_at, service, issuer, tenant)
) STRICT;
INSERT INTO feedback
SELECT id, '', '', card, service, outcome, suggestions, outcome_at, received_at, reason_code, reason_system, comment
FROM feedback_of_anyone;
DROP TABLE feedback_of_anyone;

-- Each act with its card; the card's columns are NULL where this store never answered it to this client.
CREATE VIEW verdict AS
SELECT feedback.*, answered_card.hook, answered_card.topic, answered_card.indicator, answered_card.answered_at
FROM feedback LEFT JOIN answered_card
ON answered_card.card = feedback.card AND answered_card.service = feedback.service
AND answered_card.issuer = feedback.issuer AND answered_card.tenant = feedback.tenant;

-- Tokens that were used, until they could not be used again anyway. A digest is kept, nothing that a client wrote.
CREATE TABLE used_token (
    token BLOB PRIMARY KEY,
    until INTEGER NOT NULL      -- seconds since 1970, UTC
) STRICT, WITHOUT ROWID;
CREATE INDEX used_token_until ON used_token (until);
