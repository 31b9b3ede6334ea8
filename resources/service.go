package resources

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"fhirside/fhir/terminology"
	"fhirside/resources/store"
	"fhirside/search"
)

// Validation says how strictly what is written is checked.
type Validation uint8

const (
	// ValidateStructure checks members, JSON types, cardinality, primitives and required codes against R4's definitions.
	ValidateStructure Validation = iota
	// ValidateNothing accepts any JSON object of the right resourceType.
	ValidateNothing
)

// Integrity says whether references between resources of this server must lead somewhere.
type Integrity uint8

const (
	// CheckReferences refuses writes that refer to a local resource that does not exist, and deletions of what is referred to.
	CheckReferences Integrity = iota
	// IgnoreReferences lets references dangle.
	IgnoreReferences
)

// Options of a Service. Store is required; everything else has a default.
type Options struct {
	Store    store.Store
	Registry *search.Registry // default: search.R4()
	// Base is the server's own FHIR base URL without a slash at its end ("https://clinic.example/fhir"). References that begin
	// with it are local. Empty: unknown, only relative references are local.
	Base       string
	Validation Validation
	Integrity  Integrity
	NewID      func() string    // ids of created resources; default: random UUIDs in the order of time
	Now        func() time.Time // for searches relative to now; default: time.Now
	PageSize   int              // resources on a page where a search does not say; default 50
	MaxPage    int              // the most that _count may ask for; more is capped; default 1000
	MaxInclude int              // included resources on a page; what is over it is left out and announced; default 5000
	MaxDelete  int              // resources that one conditional delete may delete; default 1
	MaxEntries int              // entries of a batch or transaction; default 20000
	MaxAnswer  int              // bytes that the GET entries of a batch or transaction may answer with, together; default 64 MiB
	// Log is told of faults that no caller sees as an error: those of a batch's entries. Default: slog.Default().
	Log *slog.Logger
}

// Service carries out interactions. It is safe for concurrent use.
type Service struct {
	Options
	cursors    cursorBoxes
	counted    kinds
	parameters parameters
	// codeSystems are those of the store that searches asked for; nil for a supplement.
	codeSystems *lru.Cache[heldVersion, *terminology.CodeSystem]
}

// New makes a Service.
func New(o Options) *Service {
	if o.Registry == nil {
		o.Registry = search.R4()
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.PageSize = cmp.Or(o.PageSize, 50)
	o.MaxPage = cmp.Or(o.MaxPage, 1000)
	o.MaxInclude = cmp.Or(o.MaxInclude, 5000)
	o.MaxDelete = cmp.Or(o.MaxDelete, 1)
	o.MaxEntries = cmp.Or(o.MaxEntries, 20000)
	o.MaxAnswer = cmp.Or(o.MaxAnswer, 64<<20)
	codeSystems, err := lru.New[heldVersion, *terminology.CodeSystem](maxCodeSystems)
	if err != nil {
		panic("resources: " + err.Error()) // only for a size below 1
	}
	s := &Service{
		Options:     o,
		counted:     newKinds(),
		codeSystems: codeSystems,
	}
	s.parameters.begin(o)
	return s
}

// newID is a UUID of version 7: random, and close to its neighbours in time, which keeps a store's inserts close together too.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
