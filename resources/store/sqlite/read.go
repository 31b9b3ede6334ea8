package sqlite

import (
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// head is the current version of a resource without its content; number 0 where there never was one.
type head struct {
	number, version int64
}

func (s *db) head(c *conn, k store.Key) (h head, err error) {
	err = c.each(func(st *sqlite3.Stmt) error {
		h = head{st.ColumnInt64(0), st.ColumnInt64(1)}
		return nil
	}, `SELECT r.number, r.version FROM identity i CROSS JOIN resource r ON r.number=i.number
		WHERE i.hash=? AND r.id=? AND r.type=?`, integer(s.index.identity(k)), text(k.ID), text(k.Type))
	return h, err
}

func (h hasher) identity(k store.Key) int64 { return h.sum(kindIdentity, k.Type, k.ID) }

// current is the current version of a resource.
func (s *db) current(c *conn, k store.Key) (v store.Version, err error) {
	err = store.ErrNotFound
	st, berr := c.bind(`SELECT r.version, r.stamp, r.method, r.body FROM identity i CROSS JOIN resource r ON r.number=i.number
		WHERE i.hash=? AND r.id=? AND r.type=?`, integer(s.index.identity(k)), text(k.ID), text(k.Type))
	if berr != nil {
		return v, berr
	}
	if st.Step() {
		v, err = s.version(st, k, 0), nil
	} else if st.Err() != nil {
		err = st.Err()
	}
	st.Reset()
	return v, err
}

// version reads the columns version, stamp, method and body, from a column on.
func (s *db) version(st *sqlite3.Stmt, k store.Key, col int) store.Version {
	v := versionKey(st, k, col)
	if v.Deleted() {
		return v
	}
	return s.codec.version(v, st.ColumnRawBlob(col+3))
}

// versionKey reads the columns version, stamp and method, from a column on.
func versionKey(st *sqlite3.Stmt, k store.Key, col int) store.Version {
	return store.Version{
		Key:     k,
		Version: st.ColumnInt64(col),
		Updated: stampTime(st.ColumnInt64(col + 1)),
		Method:  store.Method(st.ColumnInt64(col + 2)),
	}
}

// Read is the current version. See store.Store.
func (s *db) Read(ctx context.Context, resourceType, id string) (v store.Version, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		v, err = s.current(c, store.Key{Type: resourceType, ID: id})
		return err
	})
	return v, err
}

// ReadMany are those of the keys that exist. See store.Store.
func (s *db) ReadMany(ctx context.Context, keys []store.Key) (list []store.Version, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.snapshot(func() error {
			seen := make(map[store.Key]bool, len(keys))
			for _, k := range keys {
				if seen[k] {
					continue
				}
				seen[k] = true
				v, err := s.current(c, k)
				if errors.Is(err, store.ErrNotFound) || err == nil && v.Deleted() {
					continue
				}
				if err != nil {
					return err
				}
				list = append(list, v)
			}
			return ctx.Err()
		})
	})
	return list, err
}

// ReadVersion is one version, current or not. See store.Store.
func (s *db) ReadVersion(ctx context.Context, resourceType, id string, version int64) (v store.Version, err error) {
	k := store.Key{Type: resourceType, ID: id}
	err = s.read(ctx, func(c *conn) error {
		found := false
		err := c.each(func(st *sqlite3.Stmt) error {
			found, v = true, s.version(st, k, 0)
			return nil
		}, `WITH named(number) AS MATERIALIZED (SELECT r.number FROM identity i CROSS JOIN resource r ON r.number=i.number
				WHERE i.hash=?1 AND r.id=?2 AND r.type=?3)
			SELECT r.version, r.stamp, r.method, r.body FROM named n CROSS JOIN resource r ON r.number=n.number WHERE r.version=?4
			UNION ALL
			SELECT h.version, h.stamp, h.method, h.body FROM named n CROSS JOIN history h ON h.number=n.number WHERE h.version=?4`,
			integer(s.index.identity(k)), text(k.ID), text(k.Type), integer(version))
		if err == nil && !found {
			err = store.ErrNotFound
		}
		return err
	})
	return v, err
}
