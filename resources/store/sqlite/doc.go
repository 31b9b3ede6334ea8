// Package sqlite is the embedded store: one SQLite file in WAL mode, one writer that makes concurrent commits durable together,
// and a pool of readers that no writer blocks.
//
// A resource's index values become rows of 64-bit hashes in tables clustered by (hash, key), where the key begins with the
// resource's date: so the newest matches come first and a page ends after as many rows as it shows. The layout and what was
// measured for it: docs/decisions/0002-sqlite-layout.md. It knows no FHIR beyond the names of a few search parameters, which
// Layout holds as data.
package sqlite
