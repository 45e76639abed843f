//go:build !race

package probe

// underRace: the race detector makes tests ten times as slow.
const underRace = false
