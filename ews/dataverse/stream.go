package dataverse

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Mailboxes is the list of the active mailboxes of a profile, as an export would have
// it: a JSON list, of which a page is in memory at a time.
type Mailboxes struct {
	ctx   context.Context
	pages *pages
	text  bytes.Buffer
	begun bool
	ended error // io.EOF, or an *Unreadable
}

// Unreadable says that a list could not be read to its end: by its last page.
type Unreadable struct{ Item evidence.Item }

func (u *Unreadable) Error() string {
	if u.Item.Error != nil {
		return u.Item.Error.Text
	}
	return u.Item.Cloud.Detail.String()
}

// Mailboxes opens the list. It is read when its Read is called, with ctx.
func (r *Reader) Mailboxes(ctx context.Context, profile string) *Mailboxes {
	core := []string{
		"name", "emailaddress", "mailboxstatus", "incomingemailstatus", "outgoingemailstatus", "actstatus",
		"incomingemaildeliverymethod", "outgoingemaildeliverymethod", "actdeliverymethod", "statecode", "mailboxid",
	}
	m := &Mailboxes{ctx: ctx}
	m.pages = r.pages(query{
		step: evidence.StepDataverseMailboxes, set: mailboxes, core: append(slices.Clone(core), "_emailserverprofile_value"),
		filter: "_emailserverprofile_value eq " + profile + " and statecode eq 0", order: "mailboxid asc",
	}, func(o row) bool {
		of := o.guid("_emailserverprofile_value")
		if n, _ := o.number("statecode"); n != 0 || of != "" && of != profile {
			return true // of a service that does not filter
		}
		m.text.WriteByte(map[bool]byte{false: '[', true: ','}[m.begun])
		m.text.WriteByte('\n')
		m.text.Write(o.inJSON(core))
		m.begun = true
		return true
	})
	return m
}

// Read is io.Reader. A list without rows is empty.
func (m *Mailboxes) Read(b []byte) (int, error) {
	for m.text.Len() == 0 && m.ended == nil {
		item := m.pages.one(m.ctx)
		last := m.pages.next == nil
		switch {
		case !whole(item):
			m.ended = &Unreadable{m.pages.r.add(item)}
		case last:
			m.ended = io.EOF
			m.pages.r.add(item)
			if m.begun {
				m.text.WriteString("\n]\n")
			}
		case m.pages.count == 1:
			m.pages.r.add(item)
		}
	}
	if m.text.Len() > 0 {
		return m.text.Read(b)
	}
	return 0, m.ended
}
