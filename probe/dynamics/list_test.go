package dynamics

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What people write above, beside and between the rows does not hide them, and no row is
// lost for it.
func TestLists(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a title above", "Mailboxes of Monday,,\n\nName,Mail,x\na,a@b.cc,1\n", []string{`1 line 4 ["a" "a@b.cc" "1"]`}},
		{
			"a title above unknown headings", "Seznam;;\nIme;Naslov;x\na;;\nb;b@b.cc;1\n",
			[]string{`1 line 3 ["a" "" ""]`, `2 line 4 ["b" "b@b.cc" "1"]`},
		},
		{"headings of groups above", "Mailbox,,Status\nName,Mail,Incoming\na,a@b.cc,1\n", []string{`1 line 3 ["a" "a@b.cc" "1"]`}},
		{"a heading without a name", "Mail,\na@b.cc,1\n", []string{`1 line 2 ["a@b.cc" "1"]`}},
		{"particulars above", "By,CONTOSO\\anna\nOn,Monday\n\nName,Mail,x\na,a,1\n", []string{`1 line 5 ["a" "a" "1"]`}},
		{
			"remarks in a list", "# pilot, group\n\na@b.cc\n#c@b.cc\n\nb@b.cc # head\n",
			[]string{`1 line 3 ["a@b.cc"]`, `2 line 6 ["b@b.cc # head"]`},
		},
		{"remarks under a heading", "mail\n#a\n\n# b\nc\n", []string{`1 line 3 [""]`, `2 line 5 ["c"]`}},
		{"numbers have the heading #", "#,mail\n1,a\n", []string{`1 line 2 ["1" "a"]`}},
		{
			"an address that is not alone comes first", "Write to it@b.cc or call,\na@b.cc,1\n",
			[]string{`1 line 1 ["Write to it@b.cc or call" ""]`, `2 line 2 ["a@b.cc" "1"]`},
		},
		{"lists with separators at the ends", "\"a@b.cc\",\n\"b@b.cc\",\n", []string{`1 line 1 ["a@b.cc" ""]`, `2 line 2 ["b@b.cc" ""]`}},
		{"a rule under the headings", " mail   | x\n--------+---\n a@b.cc | 1\n", []string{`1 line 3 [" a@b.cc " " 1"]`}},
		{"blank, then addresses", "\na@b.cc\nb@b.cc\n", []string{`1 line 2 ["a@b.cc"]`, `2 line 3 ["b@b.cc"]`}},
		{"separators of Excel at the end", "mail,x\na,1\n,\n,\n", []string{`1 line 2 ["a" "1"]`}},
		{"separators in the middle", "mail;x\n;\n\na;1\n", []string{`1 line 2 ["" ""]`, "2 line 3 too-narrow", `3 line 4 ["a" "1"]`}},
		{"a title above headings of a profile", "Profiles,,\n\nName,Server Type,x\na,1,2\n", []string{`1 line 4 ["a" "1" "2"]`}},
		{"a title that is underlined", "Pilot\n=====\na@b.cc\n", []string{`1 line 3 ["a@b.cc"]`}},
		{"the end of MS-DOS", "mail,x\na,1\n\x1a", []string{`1 line 2 ["a" "1"]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rowsOf(t, c.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Files that are no tables are named, and what to do with them.
func TestSignatures(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"PK\x03\x04\x14\x00\x06\x00\x08\x00mailboxes.csv", "unpack"},
		{"\x1f\x8b\x08\x00", "unpack"},
		{"{\\rtf1\\ansi a@contoso.com\\par}", "RTF"},
		{"HTTP/1.1 200 OK\r\n\r\n{\"value\":[]}", "curl"},
	} {
		_, err := Open(strings.NewReader(c.text))
		var e *Error
		if !errors.As(err, &e) || e.Problem != "encoding" || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%.40q: %v", c.text, err)
		}
	}
}
