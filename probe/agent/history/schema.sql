-- The tables of the agent's history, version 1 (PRAGMA user_version). Times are
-- milliseconds since 1970 in UTC, 0 where there is none; durations are milliseconds.

-- A check of a target, as it was judged.
CREATE TABLE runs (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  target      TEXT    NOT NULL,
  started     INTEGER NOT NULL,
  duration    INTEGER NOT NULL,
  status      TEXT    NOT NULL, -- ok, warning, critical, unknown
  code        TEXT    NOT NULL, -- of the verdict
  summary     TEXT    NOT NULL,
  credential  INTEGER NOT NULL, -- 1: a whole check; 0: one that sends no credential
  http_status INTEGER NOT NULL, -- of the anonymous answer; 0: none
  certificate INTEGER NOT NULL  -- when the first certificate of the chain ends
);
CREATE INDEX runs_target ON runs (target, started);
CREATE INDEX runs_status ON runs (target, status, started);

-- The report of a run: gzip of what `ewsprobe diagnose` and `ewsprobe diff` read.
CREATE TABLE records (
  run    INTEGER PRIMARY KEY REFERENCES runs (id),
  report BLOB NOT NULL
);

-- A change of a target's status. These stay when their runs are removed.
CREATE TABLE transitions (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  target      TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  from_status TEXT    NOT NULL, -- empty: the first
  to_status   TEXT    NOT NULL,
  from_code   TEXT    NOT NULL,
  to_code     TEXT    NOT NULL,
  run         INTEGER NOT NULL, -- that showed it
  previous    INTEGER NOT NULL, -- that it is compared with; 0: none
  changes     TEXT    NOT NULL  -- JSON: what differs between the two
);
CREATE INDEX transitions_target ON transitions (target, id);

-- What the runs of a span of time came to; width is its length.
CREATE TABLE spans (
  target      TEXT    NOT NULL,
  width       INTEGER NOT NULL,
  at          INTEGER NOT NULL, -- when it begins
  ok          INTEGER NOT NULL, -- runs by status
  warning     INTEGER NOT NULL,
  critical    INTEGER NOT NULL,
  unknown     INTEGER NOT NULL,
  duration    INTEGER NOT NULL, -- of all runs together
  certificate INTEGER NOT NULL, -- when the first certificate of the chain ends, as seen last
  PRIMARY KEY (target, width, at)
) WITHOUT ROWID;

-- What a target has come to: JSON of the agent, which it goes on with after a start.
CREATE TABLE targets (
  name  TEXT PRIMARY KEY,
  state TEXT NOT NULL
) WITHOUT ROWID;

-- The last batches over the mailboxes of a target.
CREATE TABLE batches (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  target   TEXT    NOT NULL,
  started  INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  summary  BLOB    NOT NULL, -- gzip of the summary, JSON
  rows     BLOB    NOT NULL  -- gzip of the mailboxes that are not ok, one JSON object a line
);
CREATE INDEX batches_target ON batches (target, id);

-- What a channel was told of a target: JSON of the notifications.
CREATE TABLE told (
  target  TEXT NOT NULL,
  channel TEXT NOT NULL,
  state   TEXT NOT NULL,
  PRIMARY KEY (target, channel)
) WITHOUT ROWID;

-- Notifications that are still to be delivered.
CREATE TABLE notifications (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT    NOT NULL,
  target  TEXT    NOT NULL,
  created INTEGER NOT NULL,
  next    INTEGER NOT NULL, -- when it is tried
  tries   INTEGER NOT NULL,
  why     TEXT    NOT NULL, -- what went wrong at the last try
  body    TEXT    NOT NULL  -- JSON
);
