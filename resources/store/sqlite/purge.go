package sqlite

import "fhirside/resources/store"

// Purge leaves nothing but a deletion of a resource. See store.Tx. What is erased is overwritten in the file; the write-ahead log
// holds it until the next checkpoint. Systems, units, URIs and texts of codes that some resource has used stay in the table word,
// which tells of none which: they are shared.
func (t *tx) Purge(resourceType, id string) (v store.Version, err error) {
	if v, err = t.Delete(resourceType, id); err != nil {
		return v, err
	}
	c := t.w.conn
	defer c.guard(&err)
	if err := t.flush(); err != nil {
		return v, err
	}
	head, err := t.w.s.head(c, v.Key)
	if err != nil {
		return v, explain(t.ctx, err)
	}
	return v, t.try(c.exec(`DELETE FROM history WHERE number=?`, integer(head.number)))
}
