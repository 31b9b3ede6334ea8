package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // what authenticator apps compute (RFC 6238); HMAC-SHA-1 is not broken
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"fhirside/smart/state"
)

// A code is six digits, changes every 30 seconds, and is taken a step early or late, since clocks differ (RFC 6238).
const (
	totpStep  = 30 // seconds
	totpDrift = 1  // steps
)

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func newTOTP(random io.Reader) (string, error) {
	secret := make([]byte, 20) // RFC 4226 recommends 160 bits
	_, err := io.ReadFull(random, secret)
	return totpEncoding.EncodeToString(secret), err
}

// TOTPURL is a second factor as authenticator apps take it from a QR code.
func TOTPURL(issuer, name, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// totpCode is the code of a time step (RFC 4226, section 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// takeCode checks a code of an account's second factor and keeps its time step: neither it nor an earlier one is taken again.
func (a *Accounts) takeCode(ctx context.Context, name, code string) error {
	key := "code:" + name
	if err := a.count(ctx, key, byCode); err != nil {
		return err
	}
	code = strings.ReplaceAll(code, " ", "")
	_, err := a.change(ctx, name, func(account *state.Account) error {
		secret, err := totpEncoding.DecodeString(account.TOTP)
		if err != nil || len(secret) == 0 || account.Disabled {
			return ErrWrongCode
		}
		now := a.Now().Unix() / totpStep
		for step := now - totpDrift; step <= now+totpDrift; step++ {
			if step > account.TOTPStep && subtle.ConstantTimeCompare([]byte(totpCode(secret, step)), []byte(code)) == 1 {
				account.TOTPStep = step
				return nil
			}
		}
		return ErrWrongCode
	})
	if errors.Is(err, ErrUnknown) {
		return ErrWrongCode // removed meanwhile
	}
	if err != nil {
		return err
	}
	return a.Tables.Attempts.Delete(ctx, key)
}
