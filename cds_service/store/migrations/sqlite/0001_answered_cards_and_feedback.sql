-- What was answered: enough to tell what became of a card, nothing that tells of whom it was.
CREATE TABLE answered_card (
    card TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    hook TEXT NOT NULL,
    topic TEXT NOT NULL,
    indicator TEXT NOT NULL,
    suggestions TEXT NOT NULL,  -- JSON list of uuids, in the order shown
    answered_at TEXT NOT NULL   -- RFC 3339, UTC
) STRICT, WITHOUT ROWID;

-- What the clinicians did with it. The same act reported twice is one row; a later change of mind is another.
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    card TEXT NOT NULL,
    service TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'overridden')),
    suggestions TEXT NOT NULL,  -- JSON list of uuids, sorted
    outcome_at TEXT NOT NULL,   -- RFC 3339, UTC, the client's clock
    received_at TEXT NOT NULL,  -- RFC 3339, UTC, ours
    reason_code TEXT,
    reason_system TEXT,
    comment TEXT,               -- free text; may hold anything
    UNIQUE (card, outcome, suggestions, outcome_at)
) STRICT;

-- Each act with its card; the card's columns are NULL where this store never answered it.
CREATE VIEW verdict AS
SELECT feedback.*, answered_card.hook, answered_card.topic, answered_card.indicator, answered_card.answered_at
FROM feedback LEFT JOIN answered_card ON answered_card.card = feedback.card AND answered_card.service = feedback.service;
