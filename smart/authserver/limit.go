package authserver

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limit is how often something may happen.
type Limit struct {
	PerSecond float64
	Burst     int // at once, after a pause; 0 in a Limits takes the default
}

// Limits of requests from one address (one IPv4 address, or 64 bits of IPv6). They keep one sender from taking all of the server;
// guessing passwords is slowed down by account, for each account.
type Limits struct {
	SignIn       Limit // passwords and codes; each costs a slow hash
	Token        Limit // requests to token, introspect, revoke and launch
	Failure      Limit // of those, by an address in the name of one client: what was refused
	Registration Limit
}

// DefaultLimits are generous: a clinic may share one address.
var DefaultLimits = Limits{
	SignIn:       Limit{10, 300},
	Token:        Limit{100, 1000},
	Failure:      Limit{2, 200},
	Registration: Limit{0.2, 50},
}

func (l Limits) orDefault() Limits {
	or := func(l, standard Limit) Limit {
		if l.Burst == 0 {
			return standard
		}
		return l
	}
	return Limits{
		SignIn:       or(l.SignIn, DefaultLimits.SignIn),
		Token:        or(l.Token, DefaultLimits.Token),
		Failure:      or(l.Failure, DefaultLimits.Failure),
		Registration: or(l.Registration, DefaultLimits.Registration),
	}
}

// limiters hold the limits of a process.
type limiters struct{ signIn, token, failure, registration *limiter }

func newLimiters(l Limits) limiters {
	return limiters{newLimiter(l.SignIn), newLimiter(l.Token), newLimiter(l.Failure), newLimiter(l.Registration)}
}

// limiter is a limit for each of many senders. It remembers those of late.
type limiter struct {
	limit   Limit
	senders *lru.Cache[string, *rate.Limiter]
}

// remembered is of how many senders a limiter knows.
const remembered = 10_000

func newLimiter(l Limit) *limiter {
	senders, err := lru.New[string, *rate.Limiter](remembered)
	if err != nil {
		panic("authserver: " + err.Error()) // only for a size below 1
	}
	return &limiter{l, senders}
}

func (l *limiter) of(sender string) *rate.Limiter {
	if found, ok := l.senders.Get(sender); ok {
		return found
	}
	made := rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)
	if found, ok, _ := l.senders.PeekOrAdd(sender, made); ok {
		return found
	}
	return made
}

// take counts one; *tooMany if that is one too many.
func (l *limiter) take(sender string, now time.Time) error {
	of := l.of(sender)
	if of.AllowN(now, 1) {
		return nil
	}
	return l.wait(of, now)
}

// left is *tooMany if one more would be too many.
func (l *limiter) left(sender string, now time.Time) error {
	of := l.of(sender)
	if of.TokensAt(now) >= 1 {
		return nil
	}
	return l.wait(of, now)
}

func (l *limiter) wait(of *rate.Limiter, now time.Time) error {
	missing := 1 - of.TokensAt(now)
	return &tooMany{time.Duration(missing / l.limit.PerSecond * float64(time.Second))}
}

// network is where a request comes from: what one sender has at their disposal.
func network(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	if prefix, err := address.WithZone("").Prefix(64); err == nil {
		return prefix.String()
	}
	return address.String()
}
