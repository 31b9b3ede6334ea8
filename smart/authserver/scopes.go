package authserver

import (
	"slices"
	"strings"

	"fhirside/smart/scope"
)

// Scopes that are no permissions on resources.
const (
	scopeLaunch          = "launch"
	scopeLaunchPatient   = "launch/patient"
	scopeLaunchEncounter = "launch/encounter"
	scopeOpenID          = "openid"
	scopeFHIRUser        = "fhirUser"
	scopeProfile         = "profile"
	scopeOffline         = "offline_access"
	scopeOnline          = "online_access"
)

// bounded is what an app can be granted of a scope that it asks for: within the one that it is registered with, and without the
// words that leave picks.
func bounded(asked, bound string, leave func(word string) bool) (scope.Set, error) {
	most, err := scope.Parse(bound)
	if err != nil {
		return scope.Set{}, err
	}
	set, err := scope.Parse(strings.Join(slices.DeleteFunc(strings.Fields(asked), leave), " "))
	if err != nil {
		return scope.Set{}, err
	}
	return set.Within(most), nil
}

// aboutPatient says whether a scope needs a patient to be about.
func aboutPatient(set scope.Set) bool {
	return set.Has(scopeLaunchPatient) || hasLevel(set, "patient/")
}

// namesUser says whether a scope lets an app know who the user is.
func namesUser(set scope.Set) bool { return set.Has(scopeFHIRUser) || set.Has(scopeProfile) }

func hasLevel(set scope.Set, prefix string) bool {
	return slices.ContainsFunc(strings.Fields(set.String()), func(word string) bool { return strings.HasPrefix(word, prefix) })
}

// only is a scope without the words that keep does not pick.
func only(set scope.Set, keep func(word string) bool) scope.Set {
	words := slices.DeleteFunc(strings.Fields(set.String()), func(word string) bool { return !keep(word) })
	kept, err := scope.Parse(strings.Join(words, " "))
	if err != nil {
		panic("authserver: " + err.Error()) // words of a scope are a scope
	}
	return kept
}

func without(set scope.Set, word string) scope.Set {
	return only(set, func(w string) bool { return w != word })
}
