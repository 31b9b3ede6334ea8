// Package client is the apps that may ask for tokens: what they must be like to be registered (RFC 7591, section 2; RFC 8252;
// RFC 9700), and how a request proves which of them sent it: by client_id alone (public ones), by a secret (RFC 6749, section
// 2.3.1), or by an assertion that their key has signed (RFC 7523; SMART App Launch, "Client Authentication: Asymmetric"). What an
// app that has proved itself is then given is not decided here.
package client
