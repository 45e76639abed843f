//go:build !unix

package main

// besides: no file has another end here.
const besides = 0
