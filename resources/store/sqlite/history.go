package sqlite

import (
	"context"
	"iter"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// History yields versions, newest first. See store.Store.
func (s *db) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	return func(yield func(store.HistoryEntry, error) bool) {
		before := int64(keyMax)
		if h.After != "" {
			var err error
			if before, err = s.readStamp(h.After, "history", h.Type, h.ID); err != nil {
				yield(store.HistoryEntry{}, err)
				return
			}
		}
		left := h.Limit
		for {
			n := s.limits.page
			if h.Limit > 0 {
				n = min(n, left)
			}
			page, err := s.historyPage(ctx, h, before, n)
			for _, v := range page {
				before = v.stamp
				if !yield(store.HistoryEntry{Version: v.Version, Position: s.writeStamp(v.stamp, "history", h.Type, h.ID)}, nil) {
					return
				}
			}
			left -= len(page)
			if err != nil {
				yield(store.HistoryEntry{}, err)
				return
			}
			if len(page) < n || h.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

type stamped struct {
	store.Version
	stamp int64
}

// versionsQuery selects from both tables, newest first, versions with stamps between ?1 and ?2, at most ?3, of all resources, those
// of type ?4, or the one of number ?5. With at, an earlier version counts only where the next one came at ?6 or later.
func versionsQuery(scope string, at bool) string {
	earlier := scope
	if at {
		earlier += ` AND coalesce((SELECT n.stamp FROM history n WHERE n.number=h.number AND n.version=h.version+1),
			(SELECT n.stamp FROM resource n WHERE n.number=h.number)) >= ?6`
	}
	return `SELECT r.type, r.id, v.version, v.stamp, v.method, v.body FROM (
		SELECT h.number, h.version, h.stamp, h.method, h.body FROM resource h WHERE ` + scope + `
		UNION ALL SELECT h.number, h.version, h.stamp, h.method, h.body FROM history h WHERE ` + earlier + `
		ORDER BY stamp DESC LIMIT ?3) v CROSS JOIN resource r ON r.number=v.number`
}

const (
	allVersions      = `h.stamp>?1 AND h.stamp<?2`
	typeVersions     = `h.type=?4 AND h.stamp>?1 AND h.stamp<?2`
	resourceVersions = `h.number=?5 AND h.stamp>?1 AND h.stamp<?2`
)

// historyPage are up to size versions before a stamp; fewer only where the history ends.
func (s *db) historyPage(ctx context.Context, h store.History, before int64, size int) (page []stamped, err error) {
	since, at := int64(-1), int64(0)
	if !h.Since.IsZero() {
		since = stampAt(h.Since.UnixMicro()) - 1
	}
	if !h.At.IsZero() {
		at = stampAt(h.At.From.UnixMicro() + 1)
		before = min(before, stampAt(h.At.To.UnixMicro()+1))
	}
	err = s.read(ctx, func(c *conn) error {
		return c.snapshot(func() error {
			scope, number, n := allVersions, int64(0), 3
			switch {
			case h.ID != "":
				head, err := s.head(c, store.Key{Type: h.Type, ID: h.ID})
				if err != nil || head.number == 0 {
					return err
				}
				scope, number, n = resourceVersions, head.number, 5
			case h.Type != "":
				scope, n = typeVersions, 4
			}
			if at != 0 {
				n = 6
			}
			args := []arg{integer(since), integer(before), integer(int64(size)), text(h.Type), integer(number), integer(at)}
			return s.versions(ctx, c, &page, versionsQuery(scope, at != 0), args[:n]...)
		})
	})
	return page, err
}

// versions appends the rows of a query.
func (s *db) versions(ctx context.Context, c *conn, page *[]stamped, sql string, args ...arg) error {
	defer c.interruptible(ctx)()
	return c.each(func(st *sqlite3.Stmt) error {
		*page = append(*page, stamped{s.version(st, store.Key{Type: st.ColumnText(0), ID: st.ColumnText(1)}, 2), st.ColumnInt64(3)})
		return nil
	}, sql, args...)
}
