package front

import (
	"cmp"
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// builds has the builds of the cumulative updates, and what a shorter version says.
// Security updates change only the last number, which is left out.
//
//go:embed builds.txt
var buildsText string

var builds = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(buildsText) {
		version, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		m[version] = name
	}
	return m
})

// Product names the Exchange of a build "15.2.1544.11", with its cumulative
// update where the build is known: "" for what is not an Exchange build. A
// build alone proves nothing (another EWS server may claim one): look at
// Identity.Exchange too. Builds in between (interim, unknown) get no update rather
// than a guess.
func Product(version string) string {
	var numbers []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return ""
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 3 {
		return ""
	}
	major, minor, build := numbers[0], numbers[1], numbers[2]
	switch {
	case major == 15 && minor >= 20:
		return "Exchange Online"
	case major == 15 && minor == 2 && build >= 2562:
		return "Exchange Server Subscription Edition"
	}
	first := strconv.Itoa(major)
	second := first + "." + strconv.Itoa(minor)
	return cmp.Or(builds()[second+"."+strconv.Itoa(build)], builds()[second], builds()[first])
}
