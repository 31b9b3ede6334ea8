package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestIntrospection(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice", "house")
	mine := e.tokens()
	access, refresh := mine.text("access_token"), mine.text("refresh_token")
	ask := func(authorization, token string, more ...string) answered {
		return e.post("introspect", authorization, with(url.Values{"token": {token}}, more...))
	}
	for name, a := range map[string]answered{
		"confidential by header": ask("portal:"+secret, access),
		"confidential by post":   ask("", access, "client_id", "portal", "client_secret", secret),
		"with a hint":            ask("portal:"+secret, access, "token_type_hint", "refresh_token"),
		"itself":                 ask("Bearer "+access, access),
	} {
		want := map[string]any{
			"active": true, "scope": mine.text("scope"), "client_id": "spa", "token_type": "Bearer", "sub": "alice", "iss": e.origin, "aud": e.origin + "/fhir",
			"patient": "alice", "fhirUser": e.origin + "/fhir/Patient/alice", "need_patient_banner": true,
			"exp": float64(e.access(access).Expires.Unix()), "iat": float64(e.access(access).Issued.Unix()),
		}
		for key, value := range want {
			if a.json[key] != value {
				t.Errorf("%s: %s is %v, want %v", name, key, a.json[key], value)
			}
		}
		wantUncached(t, a)
	}
	if a := ask("portal:"+secret, refresh); a.json["active"] != true || a.text("client_id") != "spa" {
		t.Errorf("refresh token: %s", a.body)
	}
	if a := ask("Bearer "+access, refresh); a.json["active"] != true {
		t.Errorf("refresh token of the same grant: %s", a.body)
	}
	inactive := func(name string, a answered) {
		t.Helper()
		if a.status != http.StatusOK || strings.TrimSpace(string(a.body)) != `{"active":false}` {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	inactive("nonsense", ask("portal:"+secret, "abc"))
	inactive("altered", ask("portal:"+secret, access[:len(access)-4]+"AAAA"))
	inactive("id_token", ask("portal:"+secret, mine.text("id_token")))
	other := e.tokens().text("access_token")
	inactive("another grant's", ask("Bearer "+other, access))

	wantError(t, ask("", access), 401, "invalid_client")
	wantError(t, ask("", access, "client_id", "spa"), 401, "invalid_client")
	wantError(t, ask("portal:wrong", access), 401, "invalid_client")
	bad := ask("Bearer abc", access)
	wantError(t, bad, 401, "invalid_token")
	if !strings.HasPrefix(bad.header.Get("WWW-Authenticate"), `Bearer realm="fhirside", error="invalid_token"`) {
		t.Errorf("%q", bad.header.Get("WWW-Authenticate"))
	}
	wantError(t, ask("portal:"+secret, ""), 400, "invalid_request")

	e.clock.add(time.Hour)
	inactive("expired", ask("portal:"+secret, access))
	wantError(t, ask("Bearer "+access, access), 401, "invalid_token")
}

// An app learns of its own token what the user has let it know, and no more; nor does the token itself say it.
func TestIntrospectionNamesNobody(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	ask := func(authorization, token string) answered {
		return e.post("introspect", authorization, url.Values{"token": {token}})
	}
	for scope, named := range map[string]bool{
		"launch/patient patient/*.rs openid": false, "launch/patient patient/*.rs openid fhirUser": true,
	} {
		access := e.tokens("scope", scope).text("access_token")
		own, server := ask("Bearer "+access, access), ask("portal:"+secret, access)
		if (own.text("fhirUser") != "") != named || (own.text("username") != "") != named || own.text("sub") != "alice" {
			t.Errorf("%s: the app learns %s", scope, own.body)
		}
		if server.text("fhirUser") == "" || server.text("username") == "" {
			t.Errorf("%s: a resource server learns %s", scope, server.body)
		}
		if (e.access(access).FHIRUser != "") != named {
			t.Errorf("%s: the token says %q", scope, e.access(access).FHIRUser)
		}
	}
}

func TestRevocation(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	for _, kind := range []string{"access_token", "refresh_token"} {
		mine := e.tokens()
		wantError(t, e.post("revoke", "", url.Values{"token": {mine.text(kind)}, "client_id": {"other"}}), 400, "invalid_grant")
		wantError(t, e.post("revoke", "portal:"+secret, url.Values{"token": {mine.text(kind)}}), 400, "invalid_grant")
		wantError(t, e.post("revoke", "portal:wrong", url.Values{"token": {mine.text(kind)}}), 401, "invalid_client")
		if !e.active(mine.text("access_token")) {
			t.Fatal("others have revoked it")
		}
		a := e.post("revoke", "", url.Values{"token": {mine.text(kind)}, "client_id": {"spa"}, "token_type_hint": {"nonsense"}})
		if a.status != http.StatusOK || len(a.body) > 0 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if e.active(mine.text("access_token")) || e.active(mine.text("refresh_token")) {
			t.Error("it still works")
		}
		if _, told := e.forgotten.Load(e.access(mine.text("access_token")).Grant); !told {
			t.Error("the guard was not told")
		}
		wantError(t, e.post("token", "", refreshing(mine.text("refresh_token"))), 400, "invalid_grant")
		if a := e.post("revoke", "", url.Values{"token": {mine.text(kind)}, "client_id": {"spa"}}); a.status != http.StatusOK {
			t.Errorf("again: %d %s", a.status, a.body)
		}
	}
	mine := e.tokens()
	if a := e.post("revoke", "", url.Values{"token": {mine.text("refresh_token")}}); a.status != http.StatusOK || e.active(mine.text("access_token")) {
		t.Errorf("a public client without client_id: %d %s", a.status, a.body)
	}
	for _, form := range []url.Values{{"token": {"abc"}, "client_id": {"spa"}}, {"token": {"abc"}}} {
		if a := e.post("revoke", "", form); a.status != http.StatusOK {
			t.Errorf("an unknown token: %d %s", a.status, a.body)
		}
	}
	wantError(t, e.post("revoke", "", url.Values{"client_id": {"spa"}}), 400, "invalid_request")
	wantError(t, e.post("revoke", "", url.Values{}), 401, "invalid_client")
}

func TestUserinfo(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	send := func(method, token string) answered {
		r, err := http.NewRequestWithContext(t.Context(), method, e.origin+"/oauth/userinfo", nil)
		must(t, err)
		authorization := ""
		if token != "" {
			authorization = "Bearer " + token
		}
		return e.send(r, authorization)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := send(method, e.tokens().text("access_token"))
		if a.status != http.StatusOK || a.text("sub") != "alice" || a.text("fhirUser") != e.origin+"/fhir/Patient/alice" || a.text("name") != "Alice Adams" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := send(http.MethodGet, e.tokens("scope", "openid").text("access_token")); a.text("sub") != "alice" || a.text("fhirUser") != "" {
		t.Errorf("%s", a.body)
	}
	wantError(t, send(http.MethodGet, e.tokens("scope", "patient/*.rs").text("access_token")), 403, "insufficient_scope")
	wantError(t, send(http.MethodGet, "abc"), 401, "invalid_token")
	none := send(http.MethodGet, "")
	wantError(t, none, 401, "invalid_token")
	if none.header.Get("WWW-Authenticate") != `Bearer realm="fhirside"` {
		t.Errorf("%q", none.header.Get("WWW-Authenticate"))
	}
}
