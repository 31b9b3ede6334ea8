package mongo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"fhirside/resources/store"
)

// diagnosisTime bounds what is asked of a host.
const diagnosisTime = 2 * time.Second

// finding is what is wrong with a host; final where waiting does not mend it.
type finding struct {
	text  string
	final bool
}

// diagnose tells why a deployment was not reached, and what to do. The driver only says that it has found no primary, so each host of the
// connection string is asked by itself.
func diagnose(ctx context.Context, o *options.ClientOptions, patience time.Duration, failed error) error {
	findings := make([]finding, len(o.Hosts))
	var asking sync.WaitGroup
	for i, host := range o.Hosts {
		asking.Go(func() { findings[i] = ask(ctx, o, host, patience) })
	}
	asking.Wait()
	findings = append(findings, otherMembers(o, failed)...)
	var texts []string
	for _, f := range findings {
		if f.final {
			return unfit{f.text}
		}
		texts = append(texts, f.text)
	}
	return fmt.Errorf("%w: %s", store.ErrUnavailable, strings.Join(texts, "; "))
}

// ask asks one host, as a client of only that one.
func ask(ctx context.Context, o *options.ClientOptions, host string, patience time.Duration) finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	alone := options.Client().SetHosts([]string{host}).SetDirect(true).SetServerSelectionTimeout(patience).SetConnectTimeout(patience)
	alone.Auth, alone.TLSConfig, alone.Dialer = o.Auth, o.TLSConfig, o.Dialer
	client, err := driver.Connect(alone)
	if err != nil {
		return finding{text: host + ": " + err.Error()}
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	hello, err := client.Database("admin").RunCommand(ctx, d("hello", 1)).Raw()
	switch {
	case err == nil:
		f := setOf(hello, o)
		f.text = host + " " + f.text
		return f
	case isRefusedUser(err):
		return finding{host + ": " + refusedText, true}
	}
	var selection topology.ServerSelectionError
	if errors.As(err, &selection) && len(selection.Desc.Servers) == 1 && selection.Desc.Servers[0].LastError != nil {
		err = selection.Desc.Servers[0].LastError
	}
	return finding{text: host + " " + reason(err, o.TLSConfig != nil)}
}

// setOf compares what a host says of itself with the connection string.
func setOf(hello bson.Raw, o *options.ClientOptions) finding {
	wanted := ""
	if o.ReplicaSet != nil {
		wanted = *o.ReplicaSet
	}
	name, _ := hello.Lookup("setName").StringValueOK()
	primary, _ := hello.Lookup("isWritablePrimary").BooleanOK()
	switch {
	case isRouter(hello) && wanted != "":
		return finding{"is the router (mongos) of a sharded cluster: leave replicaSet out of the connection string", true}
	case isAlone(hello):
		return finding{"answers, but " + standaloneText, true}
	case isGhost(hello):
		return finding{text: ghostText}
	case wanted != "" && wanted != name:
		return finding{fmt.Sprintf("is a member of the replica set %q, and the connection string says replicaSet=%s: correct that", name, wanted), true}
	case primary:
		return finding{text: "answers, and is the primary"}
	}
	return finding{text: "answers, and is not the primary: a replica set has one while most of its members run"}
}

// otherMembers are those that the replica set names and the connection string does not, and that cannot be reached from here.
func otherMembers(o *options.ClientOptions, failed error) (list []finding) {
	var selection topology.ServerSelectionError
	if !errors.As(failed, &selection) {
		return nil
	}
	isNamed := func(host string) bool {
		return slices.ContainsFunc(o.Hosts, func(named string) bool { return named == host || named+":27017" == host })
	}
	for _, server := range selection.Desc.Servers {
		if host := string(server.Addr); server.LastError != nil && !isNamed(host) {
			text := host + ", as the replica set calls a member of it, " + reason(server.LastError, o.TLSConfig != nil) +
				": the names in rs.conf() must be those by which this machine reaches the members"
			list = append(list, finding{text: text})
		}
	}
	return list
}

func isRouter(hello bson.Raw) bool {
	msg, _ := hello.Lookup("msg").StringValueOK()
	return msg == "isdbgrid"
}

// isGhost says whether it is to be a member of a replica set, and has no configuration of one: it was never given one, or has only just
// started. Waiting may mend that.
func isGhost(hello bson.Raw) bool {
	ghost, _ := hello.Lookup("isreplicaset").BooleanOK()
	return ghost
}

const ghostText = "has no replica set yet: if that does not end by itself, run rs.initiate() there, once"

// isAlone says whether it is neither a member of a replica set nor to become one, nor a router.
func isAlone(hello bson.Raw) bool {
	_, inSet := hello.Lookup("setName").StringValueOK()
	return !inSet && !isRouter(hello) && !isGhost(hello)
}

const refusedText = "MongoDB refuses the user, the password or the certificate of the connection string: correct them, and authSource=NAME " +
	"if the user is not of the database admin"

// isRefusedUser says whether the server did not take the credentials.
func isRefusedUser(err error) bool {
	var refused *auth.Error
	return hasCode(err, codeAuthenticationFailed) || errors.As(err, &refused) && !isClosed(err)
}

// isClosed says whether the other side ended the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reason tells why a host could not be asked, and what to do.
func reason(err error, encrypted bool) string {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		network     *net.OpError
		wait        net.Error
	)
	switch {
	case errors.As(err, &name):
		return "is a name that is not known here"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections: nothing listens there"
	case errors.As(err, &certificate):
		return certificateReason(certificate.Err)
	case errors.As(err, &record):
		return "speaks no TLS: leave tls=true out, or give the server a certificate"
	case errors.As(err, &network) && network.Op == "remote error":
		return fmt.Sprintf("ends the TLS handshake (%v): if it wants a certificate of its clients, name the file by tlsCertificateKeyFile=", network.Err)
	case isClosed(err) && encrypted:
		return "closes the connection: servers without TLS do, then leave tls=true out"
	case isClosed(err):
		return "closes the connection: servers that want TLS do, then add tls=true, and tlsCAFile=… for an authority of your own"
	case errors.As(err, &wait) && wait.Timeout(), driver.IsTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return "does not answer"
	}
	return fmt.Sprintf("cannot be used: %v", err)
}

func certificateReason(err error) string {
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) {
		return "has a certificate of an authority that is not known here: name the authority's file by tlsCAFile="
	}
	return fmt.Sprintf("has a certificate that is not good: %v", err)
}
