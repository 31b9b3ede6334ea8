package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"fhirside/resources/rest"
)

// network is how the server is reached.
type network struct {
	certificate *certificate // nil: by http
	proxies     []netip.Prefix
}

// network reads the settings of it.
func (set serveSettings) network(log *slog.Logger) (n network, err error) {
	if (set.tlsCert == "") != (set.tlsKey == "") {
		return n, errors.New("--tls-cert and --tls-key go together")
	}
	if set.tlsCert != "" {
		if n.certificate, err = loadCertificate(set.tlsCert, set.tlsKey, log); err != nil {
			return n, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
	}
	for _, text := range set.proxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return n, fmt.Errorf("--trusted-proxies %q is no address such as 10.0.0.7 and no network such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		n.proxies = append(n.proxies, prefix)
	}
	for _, origin := range set.origins {
		if u, err := url.Parse(origin); origin != rest.AnyOrigin && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			return n, fmt.Errorf("--cors-origins %q is no origin such as https://app.example", origin)
		}
	}
	return n, nil
}

// plainly is why there can be no listening, without what has been said already.
func plainly(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return op.Err
	}
	return err
}

// origin is where clients find the server, without a slash at its end: --base-url, or else where it listens.
func (set serveSettings) origin(n network, listening net.Addr) string {
	if set.baseURL != "" {
		return strings.TrimRight(set.baseURL, "/")
	}
	host := listening.String()
	if tcp, ok := listening.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	if n.certificate != nil {
		return "https://" + host
	}
	return "http://" + host
}
