package mongo

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/address"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
)

// TestDiagnosis: where a deployment cannot be used the text says why and what to do, and tells no password.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(mongotest.URI(t))
	if err != nil {
		t.Skip("several hosts are no URL")
	}
	encrypted, err := url.Parse(mongotest.Encrypted(t).URI())
	if err != nil {
		t.Fatal(err)
	}
	const fast = "serverSelectionTimeoutMS=300"
	for _, test := range []struct {
		name, uri string
		final     bool // Open fails
		want      []string
	}{
		{"a wrong set", "mongodb://" + server.Host + "/?replicaSet=wrong&" + fast, true, []string{server.Host, `replica set "`, "replicaSet=wrong"}},
		{"a wrong set, directly", "mongodb://" + server.Host + "/?replicaSet=wrong&directConnection=true&" + fast, true, []string{`replica set "`, "replicaSet=wrong"}},
		{"a wrong password", "mongodb://somebody:s3cr3t@" + server.Host + "/?" + fast, true, []string{"refuses the user", "authSource"}},
		{"an unknown name", "mongodb://u:s3cr3t@nowhere.invalid/?" + fast, false, []string{"nowhere.invalid is a name that is not known"}},
		{"a wrong port", "mongodb://u:s3cr3t@" + closed(t) + "/?" + fast, false, []string{"nothing listens there"}},
		{"silence", "mongodb://" + silent(t) + "/?" + fast, false, []string{"does not answer"}},
		{"hosts of which each has something", "mongodb://" + closed(t) + ",nowhere.invalid/?replicaSet=x&" + fast, false, []string{"nothing listens there", "nowhere.invalid is a name"}},
		{"TLS without", "mongodb://" + server.Host + "/?tls=true&" + fast, false, []string{"TLS", "leave tls=true out"}},
		{"without TLS", "mongodb://" + encrypted.Host + "/?" + fast, false, []string{"closes the connection", "add tls=true"}},
		{"an unknown authority", "mongodb://" + encrypted.Host + "/?tls=true&" + fast, false, []string{"authority that is not known", "tlsCAFile="}},
		{"a sign in the password", "mongodb://u:s3@cr3t@h/", true, []string{"%40"}},
		{"an escape in the password", "mongodb://u:s3%cr3t@h/", true, []string{"%25"}},
		{"a password and no host", "mongodb://u:s3cr3t/db", true, []string{"a port is no number"}},
		{"a slash in the password", "mongodb://u:s3/cr3t@h/", true, []string{"slash"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			o := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
			if strings.Contains(test.name, "TLS") || strings.Contains(test.name, "authority") {
				o.diagnosis = 5 * diagnosisTime // a busy machine takes long for a handshake
			}
			s, err := Open(t.Context(), test.uri, o)
			text := ""
			if err != nil {
				text = err.Error()
			} else if err := s.Close(); err != nil {
				t.Error(err)
			}
			text += log.String() // to which nothing writes any more
			if (err != nil) != test.final {
				t.Errorf("open: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), want) {
					t.Errorf("it does not say %q: %s", want, text)
				}
			}
			if strings.Contains(text, "s3") || strings.Contains(text, "cr3t") {
				t.Errorf("the password is told: %s", text)
			}
		})
	}
	t.Run("TLS as it should be", func(t *testing.T) {
		s := openAt(t, encrypted.String(), Options{})
		if _, err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCredentials: a user with the role readWrite on the database, and no other one, is what a store needs.
func TestCredentials(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	db := mongotest.Shell(t, uri)
	run := func(command bson.D) {
		t.Helper()
		if err := db.RunCommand(context.WithoutCancel(t.Context()), command).Err(); err != nil {
			t.Fatal(err)
		}
	}
	run(d("createUser", "fhirside", "pwd", "a@b/c", "roles", bson.A{"readWrite"}))
	t.Cleanup(func() { run(d("dropUser", "fhirside")) })
	with := func(password string) string {
		return strings.Replace(uri, "://", "://fhirside:"+url.QueryEscape(password)+"@", 1)
	}
	if s, err := Open(t.Context(), with("another"), Options{}); err == nil || !strings.Contains(err.Error(), "refuses the user") {
		t.Errorf("a wrong password: %v, %v", s, err)
	}
	put(t, openAt(t, with("a@b/c"), Options{}), "a", "a")
}

// closed is an address at which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent is the address of somebody who takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the system takes them
}

// Members of whose names the connection string says nothing are told too: what a replica set calls them may mean nothing here.
func TestDiagnosisOfMembers(t *testing.T) {
	failed := topology.ServerSelectionError{Desc: description.Topology{Servers: []description.Server{
		{Addr: address.Address("127.0.0.1:1"), LastError: &net.DNSError{}},
		{Addr: address.Address("db1:27017"), LastError: &net.DNSError{Name: "db1"}},
		{Addr: address.Address("db2:27017")},
		{Addr: address.Address("named:27017"), LastError: &net.DNSError{Name: "named"}},
	}}}
	findings := otherMembers(options.Client().SetHosts([]string{"127.0.0.1:1", "named"}), failed)
	if len(findings) != 1 || !strings.Contains(findings[0].text, "db1:27017") || !strings.Contains(findings[0].text, "rs.conf()") {
		t.Errorf("%+v", findings)
	}
}

func TestSetOf(t *testing.T) {
	for _, test := range []struct {
		hello  map[string]any
		wanted string
		final  bool
		want   string
	}{
		{map[string]any{"setName": "a", "isWritablePrimary": true}, "a", false, "is the primary"},
		{map[string]any{"setName": "a", "isWritablePrimary": false}, "", false, "most of its members"},
		{map[string]any{"setName": "a"}, "b", true, "replicaSet=b"},
		{map[string]any{"isWritablePrimary": true}, "a", true, "rs.initiate()"},
		{map[string]any{"isreplicaset": true, "isWritablePrimary": false}, "a", false, "no replica set yet"},
		{map[string]any{"msg": "isdbgrid"}, "a", true, "leave replicaSet out"},
	} {
		hello, err := bson.Marshal(test.hello)
		if err != nil {
			t.Fatal(err)
		}
		o := options.Client()
		if test.wanted != "" {
			o.SetReplicaSet(test.wanted)
		}
		if f := setOf(hello, o); f.final != test.final || !strings.Contains(f.text, test.want) {
			t.Errorf("%v, %q: %+v", test.hello, test.wanted, f)
		}
	}
}

func TestReasons(t *testing.T) {
	for _, test := range []struct {
		err       error
		encrypted bool
		want      string
	}{
		{io.EOF, true, "leave tls=true out"},
		{syscall.ECONNRESET, false, "add tls=true"},
		{context.DeadlineExceeded, false, "does not answer"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, true, "tlsCertificateKeyFile="},
		{errors.New("odd"), false, "odd"},
	} {
		if got := reason(test.err, test.encrypted); !strings.Contains(got, test.want) {
			t.Errorf("%v: %s", test.err, got)
		}
	}
	if got := certificateReason(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}); !strings.Contains(got, "not good") {
		t.Error(got)
	}
}

// While nobody answers, callers wait for one look at it together, not one after the other.
func TestUnreachableTogether(t *testing.T) {
	t.Parallel()
	s := openAt(t, "mongodb://"+closed(t)+"/?serverSelectionTimeoutMS=400", Options{})
	failed := make(chan error)
	for range 40 {
		go func() {
			_, err := s.Read(t.Context(), "Patient", "a")
			failed <- err
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := s.Read(ctx, "Patient", "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("who has no time: %v", err)
	}
	for range 40 {
		if err := <-failed; !errors.Is(err, store.ErrUnavailable) {
			t.Error(err)
		}
	}
}
