package dynamics

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// TestShapes has lists in other shapes than a table, and the addresses in them.
func TestShapes(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"a table of Markdown", "| Name | Email Address |\n| --- | --- |\n| Anna | anna@contoso.com |\n| Bob | bob@contoso.com |\n", "anna@contoso.com bob@contoso.com"},
		{"without the rule", "| Name | Email Address |\n| Anna | anna@contoso.com |\n", "anna@contoso.com"},
		{"recipients on one line", "Anna A <anna@contoso.com>; Bob B <bob@contoso.com>", "anna@contoso.com bob@contoso.com"},
		{"all addresses in one cell", "\"DisplayName\",\"EmailAddresses\"\n\"Anna\",\"smtp:a@contoso.com SMTP:anna@contoso.com\"\n", "anna@contoso.com"},
		{"one row below headings of their own", "Kontakt;Adr\nAnna;anna@contoso.com\n", "anna@contoso.com"},
		{"a list in another member", `{"CrmRecords":[{"name":"Anna","emailaddress":"anna@contoso.com"}],"Count":1}`, "anna@contoso.com"},
	}
	for _, c := range cases {
		table, err := Open(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		at, err := table.AddressColumn()
		if err != nil || table.Empty() {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for row, err := range table.Rows() {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				break
			}
			got = append(got, address.Clean(row.Cells[at]))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, text := range []string{"DisplayName : Anna\nMail : anna@contoso.com\n", "dn: CN=Anna\nmail: anna@contoso.com\n", "<Objs Version=\"1.1\"/>"} {
		if _, err := Open(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "CSV") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
