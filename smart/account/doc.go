// Package account is people: who can sign in, with a password and perhaps a second factor (TOTP, RFC 6238), and in which browsers
// they have done so. It slows guessing down without locking the owner out, and makes and checks the tokens that keep forms from
// being sent by other sites (CSRF). It shows no pages: those are web's, and authserver leads through them.
package account
