package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// The parameters are the first choice of OWASP's Password Storage Cheat Sheet for argon2id.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	lanes   = 1
	keySize = 32
)

// A hash that needs more than this is not computed: it was not made here.
const (
	maxMemory = 256 * 1024 // KiB
	maxPasses = 16
)

// ErrInvalid says that a password holds what no keyboard gives: control characters, bytes that are no UTF-8, or nothing at all.
var ErrInvalid = errors.New("no valid password")

// turns lets one argon2id run per processor; the others wait.
var turns = make(chan struct{}, max(2, min(runtime.GOMAXPROCS(0), 16)))

// phc is a parsed PHC string.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.memory, p.passes, p.lanes, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// Hash is the PHC string to keep of a password. It waits for its turn as long as the context lasts.
func Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails, by its documentation
	p := phc{memory: memory, passes: passes, lanes: lanes, salt: salt, key: make([]byte, keySize)}
	key, err := p.derive(ctx, password)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Verify says whether the password is the one whose PHC string was kept, in time that does not tell how alike they are, and
// whether that string is stale: made with less effort than Hash takes now. It is an error if the text is no such string.
func Verify(ctx context.Context, kept, password string) (ok, stale bool, err error) {
	p, err := parse(kept)
	if err != nil {
		return false, false, err
	}
	key, err := p.derive(ctx, password)
	if errors.Is(err, ErrInvalid) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, p.memory < memory || p.passes < passes, nil
}

// IsHash says whether a text is such a PHC string.
func IsHash(text string) bool {
	_, err := parse(text)
	return err == nil
}

// Random is a PHC string that belongs to no password: what is verified for a name that does not exist, so that it takes as long.
func Random() string {
	p := phc{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, 16), key: make([]byte, keySize)}
	rand.Read(p.salt) // never fails, by its documentation
	rand.Read(p.key)  // never fails, by its documentation
	return p.String()
}

// derive computes the key of a password with the salt and the effort of p. The same password typed on two machines may come in
// two Unicode forms; RFC 8265 makes one of them.
func (p phc) derive(ctx context.Context, password string) ([]byte, error) {
	typed, err := precis.OpaqueString.String(password)
	if err != nil {
		return nil, ErrInvalid
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return argon2.IDKey([]byte(typed), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key))), nil // at most 64, by parse
}

func parse(text string) (p phc, err error) {
	wrong := errors.New("not an argon2id hash in the PHC string format")
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, wrong
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return p, wrong
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, wrong
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, wrong
	}
	if p.memory == 0 || p.memory > maxMemory || p.passes == 0 || p.passes > maxPasses || p.lanes == 0 || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 {
		return p, wrong
	}
	return p, nil
}
