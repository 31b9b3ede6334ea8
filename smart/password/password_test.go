package password

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func verify(t *testing.T, kept, typed string) (ok, stale bool) {
	t.Helper()
	ok, stale, err := Verify(t.Context(), kept, typed)
	if err != nil {
		t.Fatal(err)
	}
	return ok, stale
}

func TestHash(t *testing.T) {
	kept, err := Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") || !IsHash(kept) || strings.Contains(kept, "horse") {
		t.Errorf("kept as %s", kept)
	}
	for typed, want := range map[string]bool{"correct horse": true, "correct\u00a0horse": true, "Correct horse": false, "": false, "\x00": false, "\xff": false} {
		if ok, stale := verify(t, kept, typed); ok != want || stale {
			t.Errorf("%q: %v, stale %v", typed, ok, stale)
		}
	}
	if again, _ := Hash(t.Context(), "correct horse"); again == kept {
		t.Error("the same salt twice")
	}
	if composed, _ := Hash(t.Context(), "caf\u00e9-au-lait"); true {
		if ok, _ := verify(t, composed, "cafe\u0301-au-lait"); !ok {
			t.Error("a password typed with a combining accent is the same")
		}
	}
}

// The string was made by the reference implementation: argon2 somesalt -id -t 2 -m 16 -p 1 of "password".
func TestReference(t *testing.T) {
	const kept = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, stale := verify(t, kept, "password"); !ok || stale {
		t.Error("not verified, or said to be stale")
	}
	weak := "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, stale := verify(t, weak, "password"); !ok || !stale {
		t.Errorf("a weak one: %v, stale %v", ok, stale)
	}
}

func TestNoHash(t *testing.T) {
	for _, text := range []string{
		"", "secret", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFh", "$argon2id$v=19$m=65536,t=2,p=1$!$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	} {
		if _, _, err := Verify(t.Context(), text, "password"); err == nil || IsHash(text) {
			t.Errorf("%q is taken", text)
		}
	}
	if ok, _ := verify(t, Random(), "password"); ok {
		t.Error("a password for nothing")
	}
}

// A caller whose context ends does not wait for its turn.
func TestTurns(t *testing.T) {
	for range cap(turns) {
		turns <- struct{}{}
	}
	defer func() {
		for range cap(turns) {
			<-turns
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Hash(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkVerify(b *testing.B) {
	kept, err := Hash(b.Context(), "correct horse")
	for err == nil && b.Loop() {
		_, _, err = Verify(b.Context(), kept, "correct horse")
	}
	if err != nil {
		b.Fatal(err)
	}
}
