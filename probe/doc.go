// Package probe decides what is sent, and keeps the account safe.
//
// A check goes one way: configuration → plan → legs (package ews, the only one
// that dials) → record of evidence → rules (package rule) → report. This
// package is the first half. It plans every use of the credential before
// anything is sent (Plan), asks the Guard before each one, and remembers refused
// passwords across runs (Memory). It branches on what came back only where the
// next step depends on it; what it all means is not decided here.
package probe
