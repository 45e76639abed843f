// Package probe decides what is sent, and carries it out.
//
// A check goes one way: configuration → plan → requests (package ews, the only one
// that dials) → record of evidence → rules (package rule) → report. This package is
// the first half. The plan is a table of rows, each a use of the credential and its
// condition (Config.logons); it is printed, and the run walks the same rows. Package
// lockout is asked before each. It branches on what came back only where the next
// step depends on it; what it all means is not decided here.
package probe
