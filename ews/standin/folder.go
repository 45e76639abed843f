package standin

import (
	"encoding/base64"
	"slices"
	"strings"
)

// place is a folder that every mailbox has.
type place struct {
	name    string // the distinguished name, or one of the stand-in's own
	above   string // the folder that it is in, "" for none
	display string
	class   string
	kind    string // the element that describes it
}

// places are the folders of a mailbox, each after the one that it is in.
var places = []place{
	{"root", "", "", "", "Folder"},
	{"msgfolderroot", "root", "Top of Information Store", "IPF.Note", "Folder"},
	{"inbox", "msgfolderroot", "Inbox", "IPF.Note", "Folder"},
	{"drafts", "msgfolderroot", "Drafts", "IPF.Note", "Folder"},
	{"sentitems", "msgfolderroot", "Sent Items", "IPF.Note", "Folder"},
	{"deleteditems", "msgfolderroot", "Deleted Items", "IPF.Note", "Folder"},
	{"junkemail", "msgfolderroot", "Junk Email", "IPF.Note", "Folder"},
	{"outbox", "msgfolderroot", "Outbox", "IPF.Note", "Folder"},
	{"calendar", "msgfolderroot", "Calendar", "IPF.Appointment", "CalendarFolder"},
	{"contacts", "msgfolderroot", "Contacts", "IPF.Contact", "ContactsFolder"},
	{"tasks", "msgfolderroot", "Tasks", "IPF.Task", "TasksFolder"},
	{"inbox/dynamics", "inbox", "Dynamics 365", "IPF.Note", "Folder"},
}

// findPlace finds the folder that an identifier means.
func findPlace(f folder) (place, bool) {
	name := f.ID
	if !f.distinguished() {
		_, name, _ = readFolderID(f.ID)
	}
	i := slices.IndexFunc(places, func(p place) bool { return p.name == name && (!f.distinguished() || !strings.Contains(name, "/")) })
	if i < 0 {
		return place{}, false
	}
	return places[i], true
}

// listing is what FindFolder answers: a part of the folders that there are.
type listing struct {
	Folders   []*described
	To, Total int // of the part its end, and how many there are
}

// below are the folders in p, with "Deep" also those in them.
func (p place) below(mailbox, traversal string, want page) *listing {
	inside := []string{p.name}
	var found []*described
	for _, q := range places {
		if slices.Contains(inside, q.above) {
			found = append(found, q.described(mailbox))
			if traversal == "Deep" {
				inside = append(inside, q.name)
			}
		}
	}
	from, to := min(max(want.Offset, 0), len(found)), len(found)
	if want.Most > 0 {
		to = min(from+want.Most, to)
	}
	return &listing{found[from:to], to, len(found)}
}

// described is a folder of a mailbox as an answer describes it.
type described struct {
	Kind, Class, Display, ID, ParentID string
	Children                           int
}

func (p place) described(mailbox string) *described {
	d := &described{Kind: p.kind, Class: p.class, Display: p.display, ID: folderID(mailbox, p.name)}
	if p.above != "" {
		d.ParentID = folderID(mailbox, p.above)
	}
	for _, q := range places {
		if q.above == p.name {
			d.Children++
		}
	}
	return d
}

// folderPrefix begins every identifier, as Exchange's do.
const folderPrefix = "AAMkA"

// folderID is the identifier of a folder, whose beginning belongs to the mailbox.
func folderID(mailbox, name string) string {
	return folderPrefix + base64.StdEncoding.EncodeToString([]byte(mailbox+"\x00"+name))
}

// readFolderID takes an identifier apart.
func readFolderID(id string) (mailbox, name string, ok bool) {
	rest, ok := strings.CutPrefix(id, folderPrefix)
	raw, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil {
		return "", "", false
	}
	return strings.Cut(string(raw), "\x00")
}

// owner is the mailbox whose folder an identifier means, "" where it does not say.
func (f folder) owner() string {
	if f.distinguished() {
		return ""
	}
	mailbox, _, _ := readFolderID(f.ID)
	return mailbox
}
