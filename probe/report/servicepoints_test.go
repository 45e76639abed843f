package report

import (
	"fmt"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestServicePoints: the search in a line, whatever it found.
func TestServicePoints(t *testing.T) {
	many := make([]evidence.ServicePoint, 8)
	for i := range many {
		many[i] = evidence.ServicePoint{URL: fmt.Sprintf("https://ex%d/", i), Place: evidence.NearNone}
	}
	for _, c := range []struct {
		points *evidence.ServicePoints
		want   string
	}{
		{nil, ""},
		{&evidence.ServicePoints{Domain: "contoso.com"}, "service connection points in contoso.com: none"},
		{&evidence.ServicePoints{Why: "no TLS"}, "service connection points: -    no TLS"},
		{&evidence.ServicePoints{Points: []evidence.ServicePoint{
			{URL: "https://a/", Place: evidence.NearOwn}, {URL: "https://a/", Place: evidence.NearOwn}, {URL: "https://b/", Place: evidence.NearOther}, {URL: "LDAP://c", Pointer: true},
		}}, "service connection points: https://a/ (own site), https://b/ (other site), LDAP://c (pointer)"},
		{&evidence.ServicePoints{Points: many}, "service connection points: https://ex0/, https://ex1/, https://ex2/, https://ex3/, https://ex4/, 3 more"},
	} {
		item := evidence.Item{Step: evidence.StepAutodiscoverSCP, Points: c.points}
		if got := say("service-points", item.Points, ""); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		lines := rows("seen-autodiscover", view{Report{Evidence: []evidence.Item{item}}, Style{Whole: true}})
		if c.want == "" && len(lines) != 0 || c.want != "" && (len(lines) != 1 || lines[0][1] != c.want) {
			t.Errorf("%q", lines)
		}
	}
}
