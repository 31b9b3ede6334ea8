package client

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"fhirside/smart/oauth"
	"fhirside/smart/password"
	"fhirside/smart/state"
)

// Authenticate finds out which app sent a request, whose form has been read (r.PostForm), to the endpoint of that URL. Its error is
// an *oauth.Error, or a fault of the store.
//
// A public app is who it says it is: whoever relies on it looks at what else the request holds.
func (r *Registry) Authenticate(ctx context.Context, request *http.Request, endpoint string) (state.Client, error) {
	sent, err := read(request)
	if err != nil {
		return state.Client{}, err
	}
	if sent.id == "" || len(sent.id) > maxID {
		return state.Client{}, refusal("the client does not say who it is")
	}
	found, err := r.Tables.Clients.Get(ctx, sent.id)
	if isNotFound(err) {
		return state.Client{}, refused()
	}
	if err != nil {
		return state.Client{}, err
	}
	c := found.Value
	switch {
	case sent.assertion != "":
		return c, r.prove(ctx, c, sent.assertion, endpoint)
	case len(sent.secrets) > 0:
		ok, err := r.knows(ctx, c, sent.secrets)
		if err == nil && !ok {
			err = refused()
		}
		return c, err
	case c.Type != state.Public:
		return state.Client{}, refusal("the client has to prove who it is")
	}
	return c, nil
}

// refused says neither whether there is such a client nor what it would have had to send.
func refused() error { return refusal("the client is unknown, or its secret is wrong") }

// credentials are what a request says about its sender.
type credentials struct {
	id        string
	secrets   []string // the one that was sent, as it may have been meant
	assertion string
}

// read finds the credentials, of one method (RFC 6749, section 2.3: not more than one in a request).
func read(r *http.Request) (sent credentials, err error) {
	form, methods := r.PostForm, 0
	sent.id = form.Get("client_id")
	if header := r.Header.Get("Authorization"); header != "" {
		methods++
		basic, err := readBasic(header)
		if err != nil {
			return sent, err
		}
		if sent.id != "" && sent.id != basic.id {
			return sent, refusal("client_id is another one than in the Authorization header")
		}
		sent = basic
	}
	if secret := form.Get("client_secret"); secret != "" {
		methods++
		sent.secrets = []string{secret}
	}
	if form.Get("client_assertion") != "" || form.Get("client_assertion_type") != "" {
		methods++
		sent.assertion = form.Get("client_assertion")
		if form.Get("client_assertion_type") != AssertionType {
			return sent, refusal("client_assertion_type is not %s", AssertionType)
		}
		from := claimant(sent.assertion)
		switch {
		case from == "":
			return sent, refusal("client_assertion cannot be read")
		case sent.id != "" && sent.id != from:
			return sent, refusal("client_id is another one than in the assertion")
		}
		sent.id = from
	}
	if methods > 1 {
		return sent, oauth.Errorf(oauth.InvalidRequest, "the client proves who it is in more than one way")
	}
	return sent, nil
}

// readBasic reads the Authorization header: id and secret are form-encoded first (RFC 6749, section 2.3.1). Many clients leave that
// out (curl does), so the secret may also be meant as it stands.
func readBasic(header string) (sent credentials, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return sent, refusal("the Authorization header is not of the scheme Basic")
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	id, secret, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok {
		return sent, refusal("the Authorization header cannot be read")
	}
	if sent.id, err = url.QueryUnescape(id); err != nil {
		sent.id = id
	}
	sent.secrets = []string{secret}
	if meant, err := url.QueryUnescape(secret); err == nil && meant != secret {
		sent.secrets = append(sent.secrets, meant)
	}
	return sent, nil
}

// knows says whether one of the secrets is the client's.
func (r *Registry) knows(ctx context.Context, c state.Client, secrets []string) (known bool, err error) {
	for _, secret := range secrets {
		ok := false
		if password.IsHash(c.Secret) {
			ok, err = r.knowsChosen(ctx, c.Secret, secret)
		} else {
			ok = subtle.ConstantTimeCompare([]byte(state.Hash(secret)), []byte(c.Secret)) == 1 && c.Secret != ""
		}
		if err != nil {
			return false, err
		}
		known = known || ok
	}
	return known, nil
}

// knowsChosen is knows for a secret that a person has chosen.
func (r *Registry) knowsChosen(ctx context.Context, kept, secret string) (bool, error) {
	key := state.Hash(kept + "\x00" + secret)
	if r.proven.Contains(key) {
		return true, nil
	}
	ok, _, err := password.Verify(ctx, kept, secret)
	if ok && err == nil {
		r.proven.Add(key, struct{}{})
	}
	return ok, err
}
