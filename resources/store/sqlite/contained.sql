-- Contained resources of current versions: each is searched as a resource of its own, which lives and dies with its container.
-- Version, stamp and method are those of the container.
CREATE TABLE contained(
  number INTEGER PRIMARY KEY,
  type TEXT NOT NULL, -- contained.Medication
  id TEXT NOT NULL,   -- MedicationRequest/23#m1
  version INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  method INTEGER NOT NULL,
  key INTEGER NOT NULL,
  patient INTEGER,
  container INTEGER NOT NULL, -- number of the resource
  body BLOB NOT NULL
) STRICT;
CREATE INDEX contained_container ON contained(container);
