// Package password keeps passwords as argon2id hashes (RFC 9106) in the PHC string format. It limits how many are computed at a
// time: each takes 19 MiB, and who can ask for a sign-in must not be able to ask for all memory.
package password
