package dynamics

import (
	"io"
	"iter"
)

// Mailbox is a row of the table of mailboxes. What the export does not have is
// empty; the values of status columns are English labels where they are known,
// else as the file has them.
type Mailbox struct {
	Row
	Name          string
	Address       string // emailaddress
	Profile       string // name of the profile, or its identifier
	User          string
	EWSURL        string // the URL that Dynamics last found, ewsurl
	Active        string // statecode
	Approval      string // emailrouteraccessapproval
	Status        string // mailboxstatus
	Incoming      string // incomingemailstatus
	Outgoing      string // outgoingemailstatus
	Appointments  string // actstatus
	LastError     string // lastsyncerror
	LastErrorCode string // lastsyncerrorcode
}

// Mailboxes reads an export of the table of mailboxes, row by row as they are
// asked for. An error in front of them is an *Error, or one of reading; those
// beside a row are as Table.Rows has them.
func Mailboxes(r io.Reader) (*Table, iter.Seq2[Mailbox, error], error) {
	t, err := Open(r)
	if err != nil {
		return nil, nil, err
	}
	if f, ok := t.source.(*jsonFile); ok && f.entity != "" && f.entity != "mailbox" && f.entity != "mailboxes" {
		return nil, nil, fault(0, OtherEntity, "the file holds rows of the table %s, not \"mailbox\"; query mailboxes", quote(f.entity))
	}
	l, err := arrange(t.Header, mailboxIndex)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := l.at["emailaddress"]; !ok {
		return nil, nil, fault(1, NoColumns, "there is no column emailaddress (in English \"Email Address\"); add it to the view, or export through the Web API")
	}
	return t, func(yield func(Mailbox, error) bool) {
		for row, err := range t.Rows() {
			m := Mailbox{Row: row}
			if err == nil {
				m = l.mailbox(row)
			}
			if !yield(m, err) {
				return
			}
		}
	}, nil
}

func (l layout) mailbox(row Row) Mailbox {
	text := func(logical string) string { return bounded(l.cell(row, logical), maxText) }
	status := func(logical string, choices []choice) string {
		value := text(logical)
		if o, ok := option(value, l.label(row, logical), choices); ok {
			return o.Label
		}
		return value
	}
	m := Mailbox{
		Row: row, Name: text("name"), Address: text("emailaddress"), Profile: text("emailserverprofile"), User: text("username"), EWSURL: text("ewsurl"),
		Active: status("statecode", states), Approval: status("emailrouteraccessapproval", approvals), Status: status("mailboxstatus", mailboxResults),
		Incoming: status("incomingemailstatus", mailboxResults), Outgoing: status("outgoingemailstatus", mailboxResults),
		Appointments: status("actstatus", mailboxResults), LastError: text("lastsyncerror"), LastErrorCode: text("lastsyncerrorcode"),
	}
	if name := l.label(row, "emailserverprofile"); name != "" {
		m.Profile = bounded(name, maxName)
	}
	return m
}

// AddressColumn finds the column with the addresses of mailboxes, by the names
// that Dynamics gives it, or as the only one whose name speaks of e-mail.
func (t *Table) AddressColumn() (int, error) {
	l, err := arrange(t.Header, mailboxIndex)
	if err != nil {
		return 0, err
	}
	if at, ok := l.at["emailaddress"]; ok {
		return at, nil
	}
	if len(t.Header) == 1 && !hidden(t.Header[0]) {
		switch fold(t.Header[0]) {
		case "mail", "email", "e-mail", "mailbox", "address", "e-mailaddress", "primarysmtpaddress", "smtpaddress", "smtp":
			return 0, nil
		}
	}
	var found []int
	for i, h := range t.Header {
		switch fold(h) {
		case "mail", "email", "e-mail", "mailbox", "e-mailaddress", "primarysmtpaddress", "smtpaddress", "smtp":
			found = append(found, i)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return 0, fault(1, NoColumns, "more than one column can be that of the addresses (%s, %s)", quote(t.Header[found[0]]), quote(t.Header[found[1]]))
	}
	return 0, fault(1, NoColumns, "there is no column emailaddress (in English \"Email Address\")")
}
