package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
	"golang.org/x/sync/semaphore"

	"fhirside/resources/store"
)

const defaultDatabase = "fhirside"

// Open connects to the deployment that the connection string names; its path is the database, "fhirside" if it has none.
//
// Where the deployment cannot be reached, Open succeeds nevertheless: Ready says so until it can, and everything else fails with
// store.ErrUnavailable. Open fails where the deployment answers and cannot serve: it is no replica set, or another one than the
// connection string says, it refuses the user, is too old, or has a database of a newer fhirside. Neither an error nor the log has the
// password.
func Open(ctx context.Context, uri string, opt Options) (*Store, error) {
	parsed, err := parse(uri)
	if err != nil {
		return nil, fmt.Errorf("the MongoDB connection string: %w", err)
	}
	opt = opt.within(parsed.Timeout).withDefaults()
	name := parsed.Database
	if name == "" {
		name = defaultDatabase
	}
	meters := newMeters()
	o := clientOptions(uri, opt, meters)
	client, err := driver.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("connect to MongoDB: %w", err)
	}
	s := &Store{opt: opt, meters: meters, client: client, db: client.Database(name), big: semaphore.NewWeighted(int64(opt.MaxEntriesAtOnce))}
	s.together.s, s.bell.s = s, s
	s.bell.rung = make(chan struct{})
	s.clock = newClock(s.db, opt.schema, opt.longestCommit())
	s.catalog.db, s.catalog.awake = s.db, make(chan struct{}, 1)
	s.closing, s.close = context.WithCancel(context.WithoutCancel(ctx))
	err = s.check(ctx)
	if isUnreachable(err) {
		err = diagnose(ctx, o, opt.diagnosis, err)
	}
	switch {
	case err != nil && (errors.As(err, &unfit{}) || !errors.Is(err, store.ErrUnavailable)):
		s.close()
		_ = client.Disconnect(context.WithoutCancel(ctx))
		return nil, err
	case err != nil:
		opt.Log.LogAttrs(ctx, slog.LevelWarn, "MongoDB cannot be used yet", slog.Any("error", err))
	}
	return s, nil
}

// parse reads a connection string. What is wrong with the password is told without a part of it.
func parse(uri string) (*connstring.ConnString, error) {
	_, behind, _ := strings.Cut(uri, "@")
	hosts, _, _ := strings.Cut(behind, "?")
	parsed, err := connstring.ParseAndValidate(uri)
	var escape url.EscapeError
	if errors.As(err, &escape) || strings.Contains(hosts, "@") {
		return nil, errors.New(`a user name or password has a sign that means something in it: write "%" as %25, "@" as %40, ":" as %3A, "/" as %2F and "?" as %3F`)
	}
	if err != nil && strings.Contains(err.Error(), "port must be an integer") {
		return nil, errors.New(`a port is no number; if it was meant as a password, "@" and the host are missing behind it`)
	}
	return parsed, err
}

// clientOptions are the driver's.
func clientOptions(uri string, opt Options, meters meters) *options.ClientOptions {
	// The connection string may say otherwise. The driver's own values (30 s, 30 s, 10 s) are longer than a client waits.
	o := options.Client().SetAppName("fhirside").SetServerSelectionTimeout(3 * time.Second).SetConnectTimeout(3 * time.Second).
		SetHeartbeatInterval(2 * time.Second)
	o.ApplyURI(uri)
	o.Timeout = nil // by Options: the driver's own would be a limit of the server's time as well
	// A client reads its own writes, and what was acknowledged survives the loss of a node: whatever the connection string says.
	o.SetReadPreference(readpref.Primary()).SetReadConcern(readconcern.Majority()).SetWriteConcern(writeconcern.Majority())
	monitor := meters.commandMonitor()
	if opt.Tracer != nil {
		(&spans{tracer: opt.Tracer}).watch(monitor)
	}
	if opt.started != nil {
		monitor.Started = func(_ context.Context, e *event.CommandStartedEvent) { opt.started(slices.Clone(e.Command)) }
	}
	return o.SetMonitor(monitor).SetPoolMonitor(meters.poolMonitor())
}

// unfit says that the deployment answers and cannot serve until somebody changes something.
type unfit struct{ text string }

func (u unfit) Error() string { return u.text }

func (u unfit) Unwrap() error { return store.ErrUnavailable }

// minWireVersion is that of MongoDB 7.0.
const minWireVersion = 21

const standaloneText = `this MongoDB server runs on its own, not in a replica set. fhirside writes a resource and its history in one
transaction, which needs a replica set; one node is enough. Start mongod with --replSet rs0, run

    mongosh --eval 'rs.initiate()'

once, and connect to mongodb://HOST:PORT/?replicaSet=rs0`

// check makes sure, once, that the deployment can do what the store needs, and that what every database has is there. Of callers that
// come at the same time one looks, and all are told what it finds.
func (s *Store) check(ctx context.Context) error {
	if s.clock.overtaken.Load() {
		return errOvertaken
	}
	if s.checked.Load() {
		return nil
	}
	found := s.checks.DoChan("", func() (any, error) {
		if s.checked.Load() {
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(s.closing, s.opt.Timeout*9/10) // before callers give up, who are to know why
		defer cancel()
		return nil, s.look(ctx)
	})
	select {
	case result := <-found:
		return result.Err
	case <-ctx.Done():
		return explain(ctx, context.Cause(ctx))
	}
}

// look is what check does.
func (s *Store) look(ctx context.Context) error {
	if err := s.fits(ctx); err != nil {
		return explain(ctx, err)
	}
	err := s.admit(ctx)
	if err == nil {
		err = s.catalog.prepare(ctx)
	}
	if err == nil {
		err = s.catchUp(ctx)
	}
	if err == nil {
		err = s.rules.learn(ctx, s)
	}
	if hasCode(err, codeUnauthorized) {
		return unfit{fmt.Sprintf("MongoDB does not let this user read and write the database %q: give it the role readWrite there", s.db.Name())}
	}
	if err != nil {
		return explain(ctx, err)
	}
	s.checked.Store(true)
	if s.upgrade.old.Load() {
		s.background.begin(s.convert)
	}
	s.background.begin(s.watch)
	s.builder.follow(s)
	s.rules.follow(s)
	return nil
}

// fits says whether the deployment can do what the store needs.
func (s *Store) fits(ctx context.Context) error {
	hello, err := s.client.Database("admin").RunCommand(ctx, d("hello", 1)).Raw()
	if err != nil {
		if isRefusedUser(err) {
			return unfit{refusedText}
		}
		return err
	}
	primary, _ := hello.Lookup("isWritablePrimary").BooleanOK()
	wire, _ := whole(hello.Lookup("maxWireVersion"))
	switch {
	case isAlone(hello):
		return unfit{standaloneText}
	case isGhost(hello):
		return fmt.Errorf("%w: this MongoDB server %s", store.ErrUnavailable, ghostText)
	case wire < minWireVersion:
		return unfit{"this MongoDB server is too old: fhirside needs 7.0 or newer"}
	case !primary:
		return fmt.Errorf("%w: this member of the replica set is not its primary. If the connection string says directConnection=true, "+
			"leave it out and name the members, with replicaSet=NAME", store.ErrUnavailable)
	}
	return nil
}
