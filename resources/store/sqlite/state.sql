-- What the server itself keeps beside the resources (store.State). Times in milliseconds.
CREATE TABLE state(
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  owner TEXT NOT NULL,
  revision INTEGER NOT NULL,
  expires INTEGER, -- null: never
  value BLOB NOT NULL,
  PRIMARY KEY(kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX state_owner ON state(kind, owner, key);
CREATE INDEX state_expires ON state(expires) WHERE expires IS NOT NULL;
