package dynamics

// AddressColumn finds the column with the addresses of mailboxes, by the names
// that Dynamics gives it, or as the only one whose name speaks of e-mail.
func (t *Table) AddressColumn() (int, error) {
	if f, ok := t.source.(*jsonFile); ok && f.entity != "" && f.entity != "mailbox" && f.entity != "mailboxes" {
		return 0, fault(0, OtherEntity, "the file holds rows of the table %s, not \"mailbox\"; query mailboxes", quote(f.entity))
	}
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
