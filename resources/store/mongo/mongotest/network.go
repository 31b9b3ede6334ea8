package mongotest

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Network is a proxy before a server that does what networks do.
type Network struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// Through is a network, and a connection string that leads through it.
func Through(t testing.TB, uri string) (*Network, string) {
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
	return &Network{t, proxy}, u.String()
}

// Cut closes all connections and refuses new ones for a while.
func (n *Network) Cut(pause time.Duration) {
	n.t.Helper()
	n.proxy.Stop()
	n.wait(pause)
	if err := n.proxy.Start(); err != nil {
		n.t.Error(err)
	}
}

// Slow delays what the server says for a while.
func (n *Network) Slow(pause time.Duration) {
	n.t.Helper()
	n.toxic(pause, `{"name":"slow","type":"latency","stream":"downstream","attributes":{"latency":40,"jitter":30}}`)
}

// HalfOpen lets nothing come back for a while, and nobody says so: what only a timeout notices.
func (n *Network) HalfOpen(pause time.Duration) {
	n.t.Helper()
	n.toxic(pause, `{"name":"silent","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
}

// Break ends each connection in the middle of what a client says, for a while.
func (n *Network) Break(pause time.Duration) {
	n.t.Helper()
	n.toxic(pause, `{"name":"broken","type":"limit_data","stream":"upstream","attributes":{"bytes":20000}}`)
}

func (n *Network) toxic(pause time.Duration, text string) {
	n.t.Helper()
	added, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(text))
	if err != nil {
		n.t.Fatal(err)
	}
	n.wait(pause)
	if err := n.proxy.Toxics.RemoveToxic(context.Background(), added.Name); err != nil {
		n.t.Error(err)
	}
}

func (n *Network) wait(pause time.Duration) {
	select {
	case <-n.t.Context().Done():
	case <-time.After(pause):
	}
}
