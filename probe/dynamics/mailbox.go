package dynamics

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
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

// NamesPassword says whether a heading is one of a column of passwords, as lists for
// migrations and new accounts have it.
func NamesPassword(heading string) bool {
	name := fold(heading)
	return slices.ContainsFunc([]string{
		"password", "pwd", "passwort", "kennwort", "motdepasse", "contraseña", "senha", "wachtwoord",
		"lösenord", "hasło", "пароль", "パスワード", "密码",
	}, func(word string) bool { return strings.HasSuffix(name, word) })
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

// mailboxSets are the tables with mailboxes in them: of Dynamics, of Graph (with the
// members of a group), and of Exchange Online's admin API.
var mailboxSets = []string{
	"", "mailbox", "mailboxes", "users", "user", "microsoft.graph.user", "directoryobjects", "recipient", "casmailbox",
}

// AddressColumn finds the column with the addresses of mailboxes: by the name
// that Dynamics gives it, by the names of other tools, or as the only column
// whose first cell holds an address, for which it waits for the first row.
func (t *Table) AddressColumn() (int, error) {
	l, err := arrange(t.Header, knownColumns().mailboxIndex)
	at, found := l.at["emailaddress"]
	joined := found && strings.Contains(t.Header[at], ".") // mailboxes that a query joined to rows of another table
	if f, ok := t.source.(*jsonFile); ok && !joined && !slices.Contains(mailboxSets, f.entity) {
		return 0, fault(0, OtherEntity, "the file has rows of the table %s, not \"mailbox\"; query mailboxes", quote(f.entity))
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
			return 0, fault(1, NoColumns, "in the column %s PowerShell wrote the name of a type (%s) in place of the addresses, "+
				"and there is no column \"Email Address\" (emailaddress)", quote(t.Header[types[0]]), t.first.row.Cells[types[0]])
		}
		return 0, fault(1, NoColumns, "there is no column \"Email Address\" (emailaddress)")
	case 1:
		return best[0], nil
	}
	if rank == 2 {
		// Exchange writes the same address twice.
		if i := slices.IndexFunc(best, func(i int) bool { return fold(t.Header[i]) == "windowsemailaddress" }); i >= 0 && len(best) == 2 {
			return best[1-i], nil
		}
	}
	return 0, fault(1, NoColumns, "more than one column has addresses (%s, %s)",
		quote(t.Header[best[0]]), quote(t.Header[best[1]]))
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

// Aside says why Dynamics does not reach the mailbox of a row through a profile.
type Aside string

// The reasons.
const (
	AsideInactive     Aside = "inactive"      // statecode
	AsideNoSync       Aside = "no-sync"       // every delivery method is None
	AsideOtherProfile Aside = "other-profile" // the column of the server profile names another
	AsideNoMailbox    Aside = "no-mailbox"    // a group or contact of an export of recipients
)

// Aside returns why the mailbox of a row has nothing to do with the profile of the
// given name ("" any), with the name of its own profile or what it is; "" if it may have.
// Columns that the file lacks say nothing.
func (t *Table) Aside(row Row, profile string) (why Aside, other string) {
	if t.mailbox == nil {
		l, err := arrange(t.Header, knownColumns().mailboxIndex)
		if err != nil {
			l = layout{}
		}
		t.mailbox = &l
		for i, h := range t.Header {
			if slices.Contains([]string{"recipienttypedetails", "recipienttype", "objectclass"}, fold(h)) {
				t.kinds = append(t.kinds, i)
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
	own := t.mailbox.label(row, "emailserverprofile")
	if own == "" {
		own = t.mailbox.cell(row, "emailserverprofile")
	}
	for _, i := range t.kinds {
		kind := strings.ToLower(row.Cells[i])
		if strings.Contains(kind, "group") || strings.HasSuffix(kind, "contact") || kind == "roomlist" {
			return AsideNoMailbox, row.Cells[i]
		}
	}
	switch {
	case is("statecode", "1", "Inactive"):
		return AsideInactive, ""
	case methods > 0 && none == methods:
		return AsideNoSync, ""
	case profile != "" && own != "" && !front.IsGUID(own) && !strings.EqualFold(own, profile):
		return AsideOtherProfile, own
	}
	return "", ""
}
