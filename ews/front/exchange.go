package front

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Failed is what Exchange's front end writes into its headers about a request that
// it could not serve.
type Failed struct {
	Point   string // who failed: FrontEnd, BackEnd; "" not told
	Error   string // its name: UserNotFound, BackEndRequestTimedOut; "" not told
	SubCode int    // HttpProxySubErrorCode; 0 not told
}

// failed reads X-FailureContext (Point;Status;base64 of the error;base64 of
// details;HttpProxySubErrorCode;WebExceptionStatus;LiveIdAuthResult), X-CasErrorCode
// and X-BEServerRoutingError.
func failed(r *evidence.Response) (f Failed) {
	if parts := strings.Split(r.First("X-FailureContext"), ";"); len(parts) >= 4 {
		if parts[0] == "FrontEnd" || parts[0] == "BackEnd" {
			f.Point = parts[0]
		}
		if raw, err := base64.StdEncoding.DecodeString(parts[2]); err == nil {
			f.Error = errorName(string(raw))
		}
		if raw, err := base64.StdEncoding.DecodeString(parts[3]); err == nil && strings.Contains(string(raw), "NegotiateSecurityContext") {
			f.Error = "NegotiateSecurityContext" // what the front end calls to sign in to the back end
		}
		if len(parts) > 5 {
			if name := errorName(parts[5]); name != "" && (name != "ProtocolError" || f.Error == "") { // it had an answer
				f.Error = name
			}
		}
		if len(parts) > 4 {
			f.SubCode, _ = strconv.Atoi(parts[4])
		}
		f.Error = cmp.Or(evidence.Table[string](failuresText)[strconv.Itoa(f.SubCode)], f.Error)
	}
	for _, header := range []string{"X-BEServerException", "X-BEServerRoutingError", "X-CasErrorCode"} {
		if name := errorName(r.First(header)); name != "" {
			f.Error = name
		}
	}
	return f
}

// errorName is s if it is the name of an error, without words and a colon before it
// and without its name space, and "" if it is none.
func errorName(s string) string {
	s = strings.TrimSpace(s[strings.LastIndexByte(s, ':')+1:])
	if len(s) > 128 || strings.ContainsFunc(s, func(c rune) bool {
		return c != '.' && (c < 'A' || c > 'Z' && c < 'a' || c > 'z')
	}) {
		return ""
	}
	return s[strings.LastIndexByte(s, '.')+1:]
}

// failures.txt has HttpProxySubErrorCode's names.
//
//go:embed failures.txt
var failuresText string

// builds has the builds of the cumulative updates, and what a shorter version says.
// Security updates change only the last number, which is left out.
//
//go:embed builds.txt
var buildsText string

var builds = sync.OnceValue(func() map[string]string { return evidence.Table[string](buildsText) })

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
