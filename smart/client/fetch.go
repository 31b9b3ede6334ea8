package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// How key sets are fetched from a jwks_uri.
const (
	fetchTime   = 5 * time.Second
	maxJWKS     = 256 << 10 // bytes
	maxHops     = 3         // redirects
	maxSets     = 1000      // that are remembered
	leastLife   = time.Minute
	defaultLife = 5 * time.Minute
	mostLife    = time.Hour
	// refetch is how long a set is not asked for again, whatever it lacks and however it failed: assertions of unknown keys cost
	// their senders nothing.
	refetch = 10 * time.Second
)

// keySets are the key sets behind URIs.
type keySets struct {
	now    func() time.Time
	client *http.Client
	plain  bool // http is allowed
	sets   *lru.Cache[string, *keySet]
}

// keySet is what is known of one URI. Whoever holds mu may ask for it, for all others.
type keySet struct {
	mu    sync.Mutex
	keys  []publicKey
	asked time.Time // last
	until time.Time // the keys are good
	fault error     // of the last time
}

func newKeySets(o Options) *keySets {
	sets, err := lru.New[string, *keySet](maxSets)
	if err != nil {
		panic("client: " + err.Error()) // only for a size below 1
	}
	k := &keySets{now: o.Now, plain: o.AllowPrivateJWKS, sets: sets}
	dialer := &net.Dialer{Timeout: fetchTime}
	if !o.AllowPrivateJWKS {
		// Asked for each address when the connection is made: what a name led to when somebody looked before does not matter.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	}
	k.client = &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, // and no proxy, which would hide the address
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxHops {
				return errors.New("too many redirects")
			}
			return k.allowed(r.URL)
		},
	}
	return k
}

func (k *keySets) allowed(u *url.URL) error {
	if u.Scheme != "https" && !(u.Scheme == "http" && k.plain) {
		return errors.New("it is not https")
	}
	return nil
}

// special are ranges that are not public, beside those that netip knows (IANA's special-purpose address registries).
var special = func() (list []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

// public refuses addresses (with port) of this machine and of private networks.
func public(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := at.Addr().Unmap().WithZone("")
	refused := !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
	for _, prefix := range special {
		refused = refused || prefix.Contains(a)
	}
	if refused {
		return errors.New("it leads to an address that is not public")
	}
	return nil
}

// with are the keys behind a URI. Where none of them is enough, they are asked for once more, but not too often.
func (k *keySets) with(ctx context.Context, uri string, enough func(publicKey) bool) ([]publicKey, error) {
	set := &keySet{}
	if before, found, _ := k.sets.PeekOrAdd(uri, set); found {
		set = before
		k.sets.Get(uri) // it has been used
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	now := k.now()
	good := now.Before(set.until)
	for _, key := range set.keys {
		if good && enough(key) {
			return set.keys, nil
		}
	}
	if !set.asked.IsZero() && now.Before(set.asked.Add(refetch)) {
		if good {
			return set.keys, nil
		}
		return nil, set.fault
	}
	set.asked = now
	keys, life, err := k.fetch(ctx, uri)
	switch {
	case err == nil:
		set.keys, set.until, set.fault = keys, now.Add(life), nil
	case good: // they are still good if the others cannot be had
	default:
		set.fault = err
		return nil, err
	}
	return set.keys, nil
}

func (k *keySets) fetch(ctx context.Context, uri string) ([]publicKey, time.Duration, error) {
	// The caller's giving up does not keep the next one from finding the keys.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, 0, err
	}
	if err := k.allowed(r.URL); err != nil {
		return nil, 0, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("it answers with status %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxJWKS+1))
	if err != nil {
		return nil, 0, err
	}
	if len(body) > maxJWKS {
		return nil, 0, errors.New("it is too large")
	}
	keys, err := parseJWKS(body)
	return keys, lifeOf(answer.Header.Get("Cache-Control")), err
}

// lifeOf is how long an answer may be used, within bounds (RFC 9111, section 5.2.2).
func lifeOf(cacheControl string) time.Duration {
	life := defaultLife
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return leastLife
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(life, leastLife), mostLife)
}
