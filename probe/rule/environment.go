package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/soap"
)

// What Dynamics itself was read to have, over the Dataverse Web API.

// sets are the last answers about each set that was read. A set that an older
// environment does not have is none of them, if anything else was read.
func (v *view) sets() []*evidence.Item {
	var list []*evidence.Item
	read := false
	for _, item := range v.items {
		if item.Dataverse == nil {
			continue
		}
		read = read || item.Dataverse.Visible
		list = slices.DeleteFunc(list, func(before *evidence.Item) bool { return before.Step == item.Step })
		list = append(list, item)
	}
	return slices.DeleteFunc(list, func(item *evidence.Item) bool { return read && item.Dataverse.Absent })
}

// applicationNotListed is the code of the app access control of an environment
// (https://learn.microsoft.com/power-platform/admin/control-app-access-environment).
const applicationNotListed = "0x80095ffc"

// environmentDisabled is the code of an environment that is switched off
// (https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes).
const environmentDisabled = "0x8004a104"

// dynamicsUnreadable names what Dynamics did not let be read.
func dynamicsUnreadable(v *view) *hit {
	var missing []*evidence.Item
	h := unsure("", finding.Params{})
	for _, item := range v.sets() {
		if item.Dataverse.Visible && !factless(item) {
			continue
		}
		missing = append(missing, item)
	}
	if len(missing) == 0 {
		return v.nothingToCheck()
	}
	h.cite(missing...)
	h.params.Unread = missing
	h.params.Host = missing[0].Cloud.Host
	token := v.tokenItem(evidence.StepDataverseToken)
	every := func(is func(*evidence.Item) bool) bool {
		return !slices.ContainsFunc(missing, func(i *evidence.Item) bool { return !is(i) })
	}
	switch {
	case every(func(i *evidence.Item) bool { return i.Cloud.Detail.Is("no-token-here") }):
		h.variant = "token"
		if token != nil {
			h.cite(token)
			h.params.Error, h.params.Message = token.Token.Problem, token.Token.Message
			if token.Error != nil {
				h.params.Error = token.Error.Text
			}
			if len(token.Token.Codes) > 0 {
				h.params.Token.Number = token.Token.Codes[0]
			}
			if item := v.lookUp(evidence.StepCloudDynamics); item != nil && item.Cloud.Tenant != "" && !slices.Contains(
				[]string{"", "login.microsoftonline.com", "login.windows.net", token.Token.Host}, strings.ToLower(item.Cloud.Authority)) {
				h.params.Query = item // the environment names the Entra of another cloud
			}
		} else if item := v.lookUp(evidence.StepCloudDynamics); item != nil {
			h.cite(item)
			h.variant, h.params.Query = "tenant", item
		}
	case every(func(i *evidence.Item) bool { return i.Response != nil && i.Response.Status == 401 }):
		h.variant = "refused"
		if token != nil && token.Token.Claims != nil {
			h.cite(token)
			h.params.Token = finding.Token{Claims: *token.Token.Claims}
		}
	case every(func(i *evidence.Item) bool { return i.Cloud.Code == applicationNotListed }):
		h.variant = "restricted"
	case every(func(i *evidence.Item) bool { return strings.EqualFold(i.Cloud.Code, environmentDisabled) }):
		h.variant = "disabled"
	case every(func(i *evidence.Item) bool { return i.Dataverse.NoUser }):
		h.variant = "user"
	case every(func(i *evidence.Item) bool { return i.Dataverse.Privilege != "" }):
		h.variant = "privilege"
	}
	return h
}

// nothingToCheck: Dynamics was read to learn where EWS is, and does not say so of this
// mailbox.
func (v *view) nothingToCheck() *hit {
	m, item, asked := v.mailboxRecord()
	if !asked || v.rec.Target.URL != "" || v.rec.Target.FromAddress != "" {
		return nil
	}
	p := finding.Params{Host: item.Cloud.Host}
	switch {
	case m == nil:
		return unsure("no-mailbox", p, item)
	case v.rec.Target.Profile == nil:
		return unsure("no-profile", p, item)
	}
	return nil
}

// mailboxRecord is what Dynamics has of the mailbox; asked says that it was looked
// for, and the list of mailboxes was to be seen.
func (v *view) mailboxRecord() (record *evidence.DynamicsMailbox, item *evidence.Item, asked bool) {
	item = v.lookUp(evidence.StepDataverseMailboxes)
	if v.mailbox() == "" || item == nil || item.Dataverse == nil || !item.Dataverse.Visible || factless(item) {
		return nil, item, false
	}
	return item.Dataverse.Mailbox, item, true
}

// note is a text that Dynamics wrote down, by which item it is known, and what its
// alerts are.
type note struct {
	text, id string
	alerts   []finding.Alert
}

// readNotes reads them: of its last test, of the mailbox's last synchronization, and
// alerts.
func (v *view) readNotes() (notes []note) {
	add := func(id string, parts ...string) {
		text := strings.TrimSpace(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n"))
		if text != "" {
			notes = append(notes, note{text, id, finding.MatchAlert(text)})
		}
	}
	if p := v.rec.Target.Profile; p != nil {
		for _, id := range v.exported() {
			add(id, p.LastTest.Saw())
		}
	}
	if m, item, asked := v.mailboxRecord(); asked && m != nil {
		add(item.ID, m.ErrorCode, m.SyncError)
	}
	if item := v.lookUp(evidence.StepDataverseAlerts); item != nil && item.Dataverse != nil {
		for _, a := range item.Dataverse.Alerts {
			add(item.ID, a.Text, a.Details)
		}
	}
	return notes
}

// byDynamics adds to a cause what Dynamics has: an alert that stands for this cause
// alone makes one likely that nobody could look at. An alert gives a direction, not a
// verdict, so it confirms nothing and contradicts nothing.
func (v *view) byDynamics(c finding.CauseReport) finding.CauseReport {
	if c.Number == 1 {
		c = v.addressInDynamics(c)
	}
	if c.Status != finding.CauseNotChecked && c.Status != finding.CauseUndetermined {
		return c
	}
	for _, note := range v.notes() {
		if slices.ContainsFunc(note.alerts, func(a finding.Alert) bool { return slices.Equal(a.Causes, []int{c.Number}) }) {
			c.Status = finding.CauseLikely
			c.Why += "; " + finding.Phrase("dynamics-alert", finding.Params{Message: note.text})
			c.Evidence = append(c.Evidence, note.id)
			return c
		}
	}
	return c
}

// addressInDynamics adds to cause 1 what record Dynamics has. A role may show fewer
// records than there are, so that one is not seen makes the cause likely at most.
func (v *view) addressInDynamics(c finding.CauseReport) finding.CauseReport {
	m, item, asked := v.mailboxRecord()
	p := v.complete(finding.Params{})
	switch user := v.lookUp(evidence.StepDataverseUser); {
	case !asked:
		return c
	case m == nil:
		if c.Status != finding.CauseConfirmed {
			c.Status = finding.CauseLikely
		}
		c.Why += "; " + finding.Phrase("dynamics-no-mailbox", p)
	case user != nil && user.Dataverse.User != nil && user.Dataverse.User.Address != "" &&
		!strings.EqualFold(user.Dataverse.User.Address, m.Address):
		p.Other = user.Dataverse.User.Address
		c.Why += "; " + finding.Phrase("dynamics-user-address", p)
		c.Evidence = append(c.Evidence, user.ID)
	default:
		return c
	}
	c.Evidence = append(c.Evidence, item.ID)
	return c
}

// otherUser: the user whom Dynamics has for the mailbox is not the one whom Graph
// shows for its address. Both have to be known.
func (v *view) otherUser() (inDynamics, inEntra *evidence.Item) {
	d, e := v.lookUp(evidence.StepDataverseUser), v.lookUp(evidence.StepCloudGraphUser)
	if d == nil || d.Dataverse == nil || d.Dataverse.User == nil || e == nil || factless(e) || len(e.Cloud.Users) != 1 {
		return nil, nil
	}
	if id := d.Dataverse.User.EntraID; id == "" || strings.EqualFold(id, e.Cloud.Users[0].ID) {
		return nil, nil
	}
	return d, e
}

// Told is what Exchange answered Dynamics: the code of EWS, or the status of HTTP.
type Told struct {
	Code   string
	Status int
}

// ToldDynamics reads it in what Dynamics wrote down; false where that does not say.
// The answer is kept in 2084 characters, so the XML may be cut.
func ToldDynamics(rec evidence.Record) (Told, bool) {
	v := arrange(&rec)
	if p := rec.Target.Profile; p != nil && p.LastTest.Response != "" {
		if a, err := soap.Parse([]byte(p.LastTest.Response)); err == nil && a.Code != "" {
			return Told{Code: a.Code}, true
		}
	}
	for _, note := range v.notes() {
		for word := range strings.FieldsFuncSeq(note.text, func(r rune) bool { return !ascii(r) }) {
			if _, known := finding.EWSCodes()[word]; known {
				return Told{Code: word}, true
			}
		}
	}
	for _, note := range v.notes() {
		for _, status := range []int{401, 403} {
			if strings.Contains(note.text, fmt.Sprintf("(%d)", status)) { // as .NET writes it in every language
				return Told{Status: status}, true
			}
		}
	}
	return Told{}, false
}
