package dynamics

import (
	"slices"
	"strings"
)

// addressRank orders the names that tools other than Dynamics give to a column of
// addresses: 3 the primary address of an Exchange export, 2 a name that says as
// much, 1 one that may mean it where nothing else does, 0 none of these.
func addressRank(name string) int {
	if i := strings.LastIndex(name, "."); i >= 0 && addressRank(name[i+1:]) > 0 {
		name = name[i+1:]
	}
	switch fold(name) {
	case "primarysmtpaddress":
		return 3
	case "windowsemailaddress", "mail", "email", "e-mail", "e-mailaddress", "smtpaddress", "smtp", "mailbox":
		return 2
	case "address", "userprincipalname", "emailaddresses":
		return 1
	}
	return 0
}

// isAddress says whether a cell holds an address of a mailbox, as far as its form
// tells.
func isAddress(cell string) bool {
	local, domain, ok := strings.Cut(CleanAddress(cell), "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(local+domain, " \t\"<>()[],;:\\/@")
}

// CleanAddress takes off a cell what is written around an address: blanks, and
// the SMTP: or mailto: before it (proxyAddresses of Active Directory).
func CleanAddress(cell string) string {
	cell = strings.TrimSpace(cell)
	for _, prefix := range []string{"smtp:", "mailto:"} {
		if len(cell) > len(prefix) && strings.EqualFold(cell[:len(prefix)], prefix) {
			return strings.TrimSpace(cell[len(prefix):])
		}
	}
	return cell
}

// AddressColumn finds the column with the addresses of mailboxes: by the name
// that Dynamics gives it, by the names of other tools, or as the only column
// whose first cell holds an address, for which it waits for the first row.
func (t *Table) AddressColumn() (int, error) {
	if f, ok := t.source.(*jsonFile); ok && f.entity != "" && f.entity != "mailbox" && f.entity != "mailboxes" && f.entity != "users" && f.entity != "user" {
		return 0, fault(0, OtherEntity, "the file holds rows of the table %s, not \"mailbox\"; query mailboxes", quote(f.entity))
	}
	l, err := arrange(t.Header, mailboxIndex())
	if err != nil {
		return 0, err
	}
	if at, ok := l.at["emailaddress"]; ok {
		return at, nil
	}
	var best []int
	rank := 1
	for i, h := range t.Header {
		if hidden(h) || addressRank(h) < max(rank, 1) {
			continue
		}
		if r := addressRank(h); r > rank {
			best, rank = nil, r
		}
		best = append(best, i)
	}
	if len(best) == 0 {
		best = t.holding(isAddress)
	}
	switch len(best) {
	case 0:
		return 0, fault(1, NoColumns, "there is no column emailaddress (in English \"Email Address\")")
	case 1:
		return best[0], nil
	}
	if rank == 2 {
		// Exchange writes the same address twice.
		if i := slices.IndexFunc(best, func(i int) bool { return fold(t.Header[i]) == "windowsemailaddress" }); i >= 0 && len(best) == 2 {
			return best[1-i], nil
		}
	}
	return 0, fault(1, NoColumns, "more than one column can be that of the addresses (%s, %s)", quote(t.Header[best[0]]), quote(t.Header[best[1]]))
}

// holding are the columns whose cell in the first row is what is looked for.
func (t *Table) holding(is func(cell string) bool) []int {
	row, err := t.peek()
	if err != nil {
		return nil
	}
	var list []int
	for i, cell := range row.Cells {
		if i < len(t.Header) && !hidden(t.Header[i]) && is(cell) {
			list = append(list, i)
		}
	}
	return list
}
