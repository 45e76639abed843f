package standin

import (
	"encoding/base64"
	"fmt"
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
	name := f.id
	if !f.distinguished {
		_, name, _ = readFolderID(f.id)
	}
	i := slices.IndexFunc(places, func(p place) bool { return p.name == name && (!f.distinguished || !strings.Contains(name, "/")) })
	if i < 0 {
		return place{}, false
	}
	return places[i], true
}

// below answers FindFolder: the folders in p, with "Deep" also those in them.
func (p place) below(mailbox, traversal string, want page) string {
	inside := []string{p.name}
	var found []string
	for _, q := range places {
		if slices.Contains(inside, q.above) {
			found = append(found, q.element(mailbox))
			if traversal == "Deep" {
				inside = append(inside, q.name)
			}
		}
	}
	total := len(found)
	from := min(max(want.offset, 0), total)
	to := total
	if want.most > 0 {
		to = min(from+want.most, total)
	}
	return fmt.Sprintf(`<m:RootFolder IndexedPagingOffset="%d" TotalItemsInView="%d" IncludesLastItemInRange="%t"><t:Folders>%s</t:Folders></m:RootFolder>`,
		to, total, to == total, strings.Join(found[from:to], ""))
}

// element describes a folder, its parts in the order of the schema (types.xsd,
// BaseFolderType).
func (p place) element(mailbox string) string {
	children := 0
	for _, q := range places {
		if q.above == p.name {
			children++
		}
	}
	s := `<t:` + p.kind + `><t:FolderId Id="` + folderID(mailbox, p.name) + `" ChangeKey="AQAAABYAAAB7dK5o"/>`
	if p.above != "" {
		s += `<t:ParentFolderId Id="` + folderID(mailbox, p.above) + `" ChangeKey="AQAAABYAAAB7dK5o"/>`
	}
	if p.class != "" {
		s += `<t:FolderClass>` + p.class + `</t:FolderClass>`
	}
	s += fmt.Sprintf(`<t:DisplayName>%s</t:DisplayName><t:TotalCount>2</t:TotalCount><t:ChildFolderCount>%d</t:ChildFolderCount>`, p.display, children)
	if p.kind == "Folder" {
		s += `<t:UnreadCount>1</t:UnreadCount>`
	}
	return s + `</t:` + p.kind + `>`
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
	if f.distinguished {
		return ""
	}
	mailbox, _, _ := readFolderID(f.id)
	return mailbox
}
