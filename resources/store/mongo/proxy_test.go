package mongo

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"fhirside/resources/store/mongo/mongotest"
)

// network is a proxy between the store and the server that does what networks do.
type network struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// throughNetwork is a connection string that leads through the proxy.
func throughNetwork(t *testing.T, uri string) (*network, string) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Skipf("several hosts are not proxied: %v", err)
	}
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "mongodb", "127.0.0.1:0", u.Host)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	u.Host = proxy.Listen
	u.RawQuery = "directConnection=true" // or the driver goes to the address that the server says it has
	return &network{t, proxy}, u.String()
}

// toxic makes the network bad until the returned function is called.
func (n *network) toxic(text string) (heal func()) {
	n.t.Helper()
	added, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(text))
	if err != nil {
		n.t.Fatal(err)
	}
	return func() {
		if err := n.proxy.Toxics.RemoveToxic(context.Background(), added.Name); err != nil {
			n.t.Error(err)
		}
	}
}

// cut closes all connections and refuses new ones for a while.
func (n *network) cut(pause time.Duration) {
	n.t.Helper()
	n.proxy.Stop()
	wait(n.t, pause)
	if err := n.proxy.Start(); err != nil {
		n.t.Error(err)
	}
}

// TestNetwork: connections that are cut, slow and half-open under writing clients. Each is answered within ten seconds, and what
// was acknowledged is there.
func TestNetwork(t *testing.T) {
	t.Parallel()
	n, uri := throughNetwork(t, mongotest.URI(t))
	s := openAt(t, uri, Options{})
	j := &journal{slots: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() { j.writePairs(ctx, s, i) })
	}
	for range rounds(1, 10) {
		wait(t, 200*time.Millisecond)
		n.cut(100 * time.Millisecond)
		wait(t, 200*time.Millisecond)
		heal := n.toxic(`{"name":"slow","type":"latency","stream":"downstream","attributes":{"latency":40,"jitter":30}}`)
		wait(t, 500*time.Millisecond)
		heal()
		// Nothing comes back any more, and nobody says so: what only a timeout notices.
		heal = n.toxic(`{"name":"silent","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
		wait(t, 400*time.Millisecond)
		heal()
		heal = n.toxic(`{"name":"broken","type":"limit_data","stream":"upstream","attributes":{"bytes":20000}}`)
		wait(t, 400*time.Millisecond)
		heal()
	}
	wait(t, 200*time.Millisecond)
	stop()
	writers.Wait()
	if _, err := s.Ready(t.Context()); err != nil {
		t.Errorf("after all that: %v", err)
	}
	j.check(t, s)
	if len(j.pairs) == 0 {
		t.Error("nothing was written")
	}
}

// rounds is how often something is done, in short and in full.
func rounds(short, full int) int {
	if soak() {
		return full
	}
	return short
}
