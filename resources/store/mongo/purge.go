package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
)

// Purge leaves nothing but a deletion of a resource, in the transaction of the commit. See store.Tx. The server's log of
// operations holds what is erased until it is overwritten, as do backups.
func (t *tx) Purge(resourceType, id string) (store.Version, error) {
	deletion, err := t.Delete(resourceType, id)
	if err != nil {
		return store.Version{}, err
	}
	if err := t.send(); err != nil {
		return store.Version{}, err
	}
	v, err := t.view()
	if err != nil {
		return store.Version{}, err
	}
	erased := versionsBefore(deletion)
	if t.s.upgrade.old.Load() {
		erased = anyOf([]bson.D{erased, earlierVersionsOf(deletion.Key)})
	}
	_, err = v.collection(historyName).DeleteMany(v.ctx, erased)
	return deletion, t.fail(err)
}

// versionsBefore selects the history of a resource before a version.
func versionsBefore(v store.Version) bson.D {
	return d("_id", d("$gte", versionID(v.Key, 0), "$lt", versionID(v.Key, v.Version)))
}
