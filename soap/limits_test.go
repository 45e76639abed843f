package soap

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestDepth: MaxDepth itself is allowed.
func TestDepth(t *testing.T) {
	body := strings.Repeat("<a>", MaxDepth) + strings.Repeat("</a>", MaxDepth)
	if _, err := Parse([]byte(body)); !errors.Is(err, ErrNotSOAP) {
		t.Errorf("error %v, want %v", err, ErrNotSOAP)
	}
}

// TestMemory: the worst bodies of MaxBytes cost a few MiB, not a hundred.
func TestMemory(t *testing.T) {
	fill := func(open, unit, end string) string {
		return open + strings.Repeat(unit, (MaxBytes-len(open)-len(end))/len(unit)) + end
	}
	cases := []struct{ name, body string }{
		{"elements", fill("<a>", "<a/>", "</a>")},
		{"deep elements", fill("", "<a>", "")},
		{"attributes", fill("<a", ` a=""`, "/>")},
		{"namespaces", fill("<a>", `<b xmlns="u"/>`, "</a>")},
		{"text", fill(`<s:Envelope><s:Body><s:Fault><faultstring>`, "a ", `</faultstring></s:Fault></s:Body></s:Envelope>`)},
		{"comments", fill("<a>", "<!---->", "</a>")},
		{"references", fill("<a>", "&lt;", "</a>")},
		{"UTF-16", utf16Body(false, true, fill("<a>", "xxxxxxxx", "</a>")[:MaxBytes/2-8])},
	}
	for _, c := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse([]byte(c.body))
		runtime.ReadMemStats(&after)
		if spent := (after.TotalAlloc - before.TotalAlloc) >> 20; spent > 16 {
			t.Errorf("%s: %d MiB allocated (%v)", c.name, spent, err)
		}
	}
}
