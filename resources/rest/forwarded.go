package rest

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// forwarded notes the origin to which the client sent a request, where the proxy that passed it on is trusted and says: by
// Forwarded (RFC 7239), or by X-Forwarded-Proto, -Host and -Prefix, which most proxies send. Of several values the last counts,
// which that proxy wrote itself; what is no scheme, host or path is not believed.
func (s *server) forwarded(r *http.Request) *http.Request {
	if len(s.Proxies) == 0 || s.Base != "" || !s.isProxy(r.RemoteAddr) {
		return r
	}
	scheme, host := lastValue(r.Header["X-Forwarded-Proto"]), lastValue(r.Header["X-Forwarded-Host"])
	for pair := range strings.SplitSeq(lastValue(r.Header["Forwarded"]), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		switch value = strings.Trim(value, `"`); strings.ToLower(name) {
		case "proto":
			scheme = value
		case "host":
			host = value
		}
	}
	at := origin(r)
	if scheme = strings.ToLower(scheme); scheme == "http" || scheme == "https" {
		at.scheme = scheme
	}
	if hostPattern.MatchString(host) {
		at.host = host
	}
	if prefix := strings.TrimRight(lastValue(r.Header["X-Forwarded-Prefix"]), "/"); prefixPattern.MatchString(prefix) {
		at.prefix = prefix
	}
	return r.WithContext(context.WithValue(r.Context(), placeKey{}, at))
}

var (
	hostPattern   = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)
	prefixPattern = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
)

// lastValue of a header that is a list.
func lastValue(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	last := headers[len(headers)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

func (s *server) isProxy(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// place is where a client sent a request: "https", "clinic.example", "/records".
type place struct{ scheme, host, prefix string }

// placeKey is where a request's context has the place that a proxy told.
type placeKey struct{}

// origin is the place that a request was sent to.
func origin(r *http.Request) place {
	if told, ok := r.Context().Value(placeKey{}).(place); ok {
		return told
	}
	at := place{scheme: "http", host: r.Host}
	if r.TLS != nil {
		at.scheme = "https"
	}
	return at
}
