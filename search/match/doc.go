// Package match evaluates a search.Filter on one resource in memory. It is the reference semantics of search: SQLite and MongoDB
// must give the same answers, and access policies are checked with it on single reads. It is written to be read and believed, not
// to be fast.
//
// It follows search.html of R4, whose room for decisions search/filter.go has filled; what that file says of a leaf is what is
// done here. In addition:
//
//   - A leaf is judged entry by entry: it holds where one entry satisfies all of it. Two conditions on one parameter may be
//     satisfied by two entries (date=ge2020&date=le2021 on two dates).
//   - _lastUpdated is the millisecond that the time of the last change names, as an interval [updated, updated + 1 ms).
//   - Present holds for _id and _lastUpdated always.
//   - A Token with AnyCode looks at the system alone, not at Fold.
//   - A Chain or a Has goes to the current version of a resource, whichever version the reference names; to a deleted or unknown
//     resource leads nothing. A Chain goes into contained resources too, and a Has on one of these to what is contained beside it.
//     Both follow canonicals (search.Named), but not to contained resources.
//   - Filters are finite trees, so that references in circles do no harm.
//
// # Order
//
// Compare orders by the keys of _sort, one after the other. Of a resource's values the least counts where a key ascends and the
// greatest where it descends. A resource without a value comes last where the key ascends and first where it descends. What is
// compared depends on the type of the parameter; texts are compared byte by byte:
//
//	string       the folded text, then the text as it is; parts of a text do not count
//	token        the code (folded where its system ignores case), then the system
//	reference    Type/ID, or the URL of what is not on this server
//	date         the beginning of the interval, both ways; one that is open there is before every time
//	number       the lower bound, both ways
//	quantity     as number, whatever the unit
//	uri          the text
//	_id          the id
//	_lastUpdated the time of the last change
//
// Composite and special parameters have no order; the parser refuses them.
package match
