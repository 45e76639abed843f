// Package lab checks ewsprobe against the laboratory's genuine servers. It is
// run by make test-lab, which has the build tag lab, while the laboratory is up.
package lab
