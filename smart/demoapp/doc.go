// Package demoapp is an app to try the first minute with: one page that launches itself at the server (SMART App Launch 2.2,
// standalone and EHR launch, PKCE) and shows a patient's name and latest observations. It is a public client like any other, and
// served only where it was asked for (serve --demo-app).
package demoapp
