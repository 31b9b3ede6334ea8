-- What belongs to the file: the key of the hashes, the vocabulary, the layout.
CREATE TABLE setting(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- The resource types that occur, and how many resources of each there are that are not deleted.
CREATE TABLE type(name TEXT PRIMARY KEY, live INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The current version of each resource, which may be a deletion: then key and body are null. Body last: the other columns are
-- read without it.
CREATE TABLE resource(
  number INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  method INTEGER NOT NULL,
  key INTEGER,
  patient INTEGER, -- the identity of the one patient it refers to; 0: of several
  body BLOB
) STRICT;
CREATE INDEX resource_changed ON resource(stamp);
CREATE INDEX resource_type ON resource(type, stamp, key);

-- Earlier versions.
CREATE TABLE history(
  stamp INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  type TEXT NOT NULL,
  version INTEGER NOT NULL,
  method INTEGER NOT NULL,
  body BLOB
) STRICT;
CREATE UNIQUE INDEX history_version ON history(number, version);
CREATE INDEX history_type ON history(type, stamp);

-- Which number a resource has: by the hash of type and id, checked against the resource.
CREATE TABLE identity(hash INTEGER, number INTEGER, PRIMARY KEY(hash, number)) STRICT, WITHOUT ROWID;

-- The index tables hold current versions that are not deletions.
CREATE TABLE term(term INTEGER, key INTEGER, PRIMARY KEY(term, key)) STRICT, WITHOUT ROWID;
CREATE TABLE patient(term INTEGER, key INTEGER, tokens INTEGER NOT NULL, PRIMARY KEY(term, key)) STRICT, WITHOUT ROWID;
CREATE TABLE date(param INTEGER, lo INTEGER, key INTEGER, hi INTEGER, PRIMARY KEY(param, lo, key, hi)) STRICT, WITHOUT ROWID;
CREATE INDEX date_key ON date(param, key);
CREATE TABLE number(param INTEGER, key INTEGER, unit INTEGER, lo REAL, hi REAL, PRIMARY KEY(param, key, unit, lo, hi)) STRICT, WITHOUT ROWID;
CREATE TABLE string(param INTEGER, value TEXT, key INTEGER, PRIMARY KEY(param, value, key)) STRICT, WITHOUT ROWID;
CREATE INDEX string_key ON string(param, key);

-- Words that occurred, never removed: the systems of a token parameter, the units of a quantity, the values of a uri.
CREATE TABLE word(param INTEGER, word TEXT, PRIMARY KEY(param, word)) STRICT, WITHOUT ROWID;

-- What ranges of a date parameter can rely on: no interval is longer than width (microseconds), and whether any resource has
-- several. Never lowered.
CREATE TABLE span(param INTEGER PRIMARY KEY, width INTEGER NOT NULL, several INTEGER NOT NULL) STRICT;
