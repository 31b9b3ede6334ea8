// Package web is the pages that people see on the way from an app to their records: sign-in, second factor, the choice of a patient,
// consent, and messages (SMART App Launch 2.2, "Obtain authorization code"; RFC 6749, section 3.1). They are HTML forms sent by
// POST, without script, in one file each below templates. It decides nothing: authserver fills in what a page shows, and reads
// what comes back.
//
// Its layout follows WCAG 2.2: labels, a summary of errors that is announced and leads to the field, visible focus, 44 px
// targets, and colours of at least 4.5 : 1 in the light and the dark.
package web
