package dynamics

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// addressRank orders the names that tools other than Dynamics give to a column of
// addresses, as columns.yaml has it; 0 none of these.
func addressRank(name string) int {
	ranks := knownColumns().Addresses
	return cmp.Or(ranks[fold(name[strings.LastIndex(name, ".")+1:])], ranks[fold(name)])
}

// NamesPassword says whether a heading is one of a column of passwords.
func NamesPassword(heading string) bool {
	return slices.ContainsFunc(knownColumns().Passwords, func(word string) bool { return strings.HasSuffix(fold(heading), word) })
}

// namesAddresses says whether a heading is one of a column of addresses.
func namesAddresses(heading string) bool {
	return knownColumns().mailboxIndex[fold(heading)] == "emailaddress" || addressRank(heading) > 0
}

// isAddress says whether a cell holds an address of a mailbox, as far as its form
// tells.
func isAddress(cell string) bool {
	local, domain, ok := strings.Cut(address.Clean(cell), "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(local+domain, " \t\"<>()[],;:\\/@")
}

// IsTypeName says whether a cell holds the name of a type, which PowerShell writes in
// place of several values.
func IsTypeName(cell string) bool {
	return (strings.HasPrefix(cell, "System.") || strings.HasPrefix(cell, "Microsoft.")) && !strings.ContainsAny(cell, "@ ")
}

// AddressColumn finds the column with the addresses of mailboxes: by the name
// that Dynamics gives it, by the names of other tools, or as the only column
// whose first cell holds an address, for which it waits for the first row.
func (t *Table) AddressColumn() (int, error) {
	l, err := arrange(t.Header, knownColumns().mailboxIndex)
	at, found := l.at["emailaddress"]
	joined := found && strings.Contains(t.Header[at], ".") // mailboxes that a query joined to rows of another table
	if f, ok := t.source.(*jsonFile); ok && !joined && !slices.Contains(knownColumns().Sets, f.entity) {
		return 0, fault(0, "other-entity.mailbox", quote(f.entity))
	}
	if err != nil {
		return 0, err
	}
	if found {
		return at, nil
	}
	types := t.holding(IsTypeName)
	var best []int
	rank := 1
	for i, h := range t.Header {
		if hidden(h) || addressRank(h) < max(rank, 1) || slices.Contains(types, i) {
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
		if len(types) > 0 {
			return 0, fault(1, "columns.type", quote(t.Header[types[0]]), t.first.row.Cells[types[0]])
		}
		if slices.ContainsFunc(t.Header, func(h string) bool { return strings.Contains(h, "@") }) {
			return 0, fault(1, "columns.words")
		}
		return 0, fault(1, "columns.address")
	case 1:
		return best[0], nil
	}
	if rank == 2 {
		// Exchange writes the same address twice.
		if i := slices.IndexFunc(best, func(i int) bool { return fold(t.Header[i]) == "windowsemailaddress" }); i >= 0 && len(best) == 2 {
			return best[1-i], nil
		}
	}
	return 0, fault(1, "columns.addresses", quote(t.Header[best[0]]), quote(t.Header[best[1]]))
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

// Aside says why the mailbox of a row has nothing to do with the profile of the given
// name ("" any); "" if it may have. Columns that the file lacks say nothing.
func (t *Table) Aside(row Row, profile string) string {
	if t.mailbox == nil {
		l, err := arrange(t.Header, knownColumns().mailboxIndex)
		if err != nil {
			l = layout{}
		}
		t.mailbox = &l
		for i, h := range t.Header {
			if slices.Contains(knownColumns().Kinds, fold(h)) {
				t.kinds = append(t.kinds, i)
			}
			if slices.Contains(knownColumns().Gone, fold(h)) {
				t.gone = append(t.gone, i)
			}
		}
	}
	is := func(column, number, label string) bool {
		cell := t.mailbox.cell(row, column)
		return cell == number || strings.EqualFold(cell, label) || strings.EqualFold(t.mailbox.label(row, column), label)
	}
	methods, none := 0, 0
	for _, column := range []string{"incomingemaildeliverymethod", "outgoingemaildeliverymethod", "actdeliverymethod"} {
		if t.mailbox.cell(row, column) == "" {
			continue
		}
		methods++
		if is(column, "0", "None") {
			none++
		}
	}
	own := cmp.Or(t.mailbox.label(row, "emailserverprofile"), t.mailbox.cell(row, "emailserverprofile"))
	for _, i := range t.kinds {
		kind := strings.ToLower(row.Cells[i])
		if strings.Contains(kind, "group") || strings.HasSuffix(kind, "contact") || kind == "roomlist" {
			return "no mailbox but " + quote(row.Cells[i])
		}
	}
	for _, i := range t.gone {
		cell := strings.ToLower(strings.TrimSpace(row.Cells[i])) // a date has digits; a word that is not known says nothing
		yes, no := slices.Contains(knownColumns().Yes, cell), slices.Contains(knownColumns().No, cell)
		if yes || !no && strings.ContainsAny(cell, "0123456789") {
			return "deleted, as the column " + quote(t.Header[i]) + " says"
		}
	}
	switch {
	case is("statecode", "1", "Inactive"):
		return "inactive"
	case methods > 0 && none == methods:
		return "every delivery method is None"
	case profile != "" && own != "" && !front.IsGUID(own) && !strings.EqualFold(own, profile):
		return "the server profile is " + quote(own)
	}
	return ""
}
