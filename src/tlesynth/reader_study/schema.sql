-- What readers did, and nothing that tells a real scan from a synthetic one: the truth is in no table.
CREATE TABLE study (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  identity TEXT NOT NULL,
  closed_at TEXT
) STRICT;

CREATE TABLE reader (
  reader TEXT PRIMARY KEY CHECK (length(reader) BETWEEN 1 AND 64),
  finished_at TEXT
) STRICT;

CREATE TABLE trial (
  reader TEXT NOT NULL REFERENCES reader (reader),
  trial TEXT NOT NULL CHECK (length(trial) BETWEEN 1 AND 64),
  place INTEGER NOT NULL CHECK (place >= 0),
  kind TEXT NOT NULL CHECK (kind IN ('warm-up', 'case', 'repeat')),
  opened_at TEXT, -- when its first item was fetched: an answer without a look is refused
  PRIMARY KEY (reader, trial),
  UNIQUE (reader, place)
) STRICT;

CREATE TABLE answer (
  sequence INTEGER PRIMARY KEY, -- the server's order, whatever the clocks say
  reader TEXT NOT NULL,
  trial TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1), -- a revision is a new row; the old one stays
  choice TEXT NOT NULL CHECK (length(choice) <= 64), -- empty where the confidence says it all
  confidence INTEGER NOT NULL CHECK (confidence BETWEEN 1 AND 6),
  seconds REAL NOT NULL CHECK (seconds BETWEEN 0 AND 86400), -- the page was visible
  display TEXT NOT NULL CHECK (display IN ('webgl', 'slices')),
  regions TEXT NOT NULL CHECK (json_valid(regions)),
  comment TEXT NOT NULL CHECK (length(comment) <= 2000),
  recognised INTEGER NOT NULL CHECK (recognised IN (0, 1)),
  anatomy INTEGER NOT NULL CHECK (anatomy BETWEEN 0 AND 5), -- 0 where it is not asked for
  answered_at TEXT NOT NULL CHECK (length(answered_at) <= 40), -- by the reader's clock
  submitted_at TEXT NOT NULL, -- by ours
  chain TEXT NOT NULL UNIQUE CHECK (length(chain) = 64), -- SHA-256 of the row and of the chain before it
  FOREIGN KEY (reader, trial) REFERENCES trial (reader, trial),
  UNIQUE (reader, trial, version)
) STRICT;

CREATE TRIGGER answers_are_not_changed BEFORE UPDATE ON answer
BEGIN SELECT RAISE(ABORT, 'answers are only added'); END;

CREATE TRIGGER answers_are_not_deleted BEFORE DELETE ON answer
BEGIN SELECT RAISE(ABORT, 'answers are only added'); END;

CREATE TABLE link (
  hash TEXT PRIMARY KEY CHECK (length(hash) = 64), -- SHA-256 of what the link carries
  who TEXT NOT NULL, -- '' is the administrator
  given TEXT NOT NULL CHECK (given IN ('start', 'person')), -- printed by a start of the server, or given to a person
  expires_at REAL NOT NULL,
  used_at REAL
) STRICT;

CREATE TABLE session (
  hash TEXT PRIMARY KEY CHECK (length(hash) = 64),
  who TEXT NOT NULL,
  begun_at REAL NOT NULL,
  seen_at REAL NOT NULL,
  ended_at REAL
) STRICT;

CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are only added'); END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
