package standin

import (
	"encoding/base64"
	"slices"
	"strings"
)

// place is a folder that every mailbox has. Those of answers.yaml stand each after the
// one that it is in.
type place struct {
	Name    string // the distinguished name, or one of the stand-in's own
	Above   string // the folder that it is in, "" for none
	Display string
	Class   string
	Kind    string // the element that describes it
}

// findPlace finds the folder that an identifier means.
func findPlace(f folder) (place, bool) {
	name := f.ID
	if !f.distinguished() {
		_, name = readFolderID(f.ID)
	}
	i := slices.IndexFunc(words().Places, func(p place) bool { return p.Name == name && (!f.distinguished() || !strings.Contains(name, "/")) })
	if i < 0 {
		return place{}, false
	}
	return words().Places[i], true
}

// listing is what FindFolder answers: a part of the folders that there are.
type listing struct {
	Folders   []*described
	To, Total int // of the part its end, and how many there are
}

// below are the folders in p, with "Deep" also those in them.
func (p place) below(mailbox, traversal string, want page) *listing {
	inside := []string{p.Name}
	var found []*described
	for _, q := range words().Places {
		if slices.Contains(inside, q.Above) {
			found = append(found, q.described(mailbox))
			if traversal == "Deep" {
				inside = append(inside, q.Name)
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
	d := &described{Kind: p.Kind, Class: p.Class, Display: p.Display, ID: folderID(mailbox, p.Name)}
	if p.Above != "" {
		d.ParentID = folderID(mailbox, p.Above)
	}
	for _, q := range words().Places {
		if q.Above == p.Name {
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

// readFolderID takes an identifier apart, as far as it is one.
func readFolderID(id string) (mailbox, name string) {
	rest, _ := strings.CutPrefix(id, folderPrefix)
	raw, _ := base64.StdEncoding.DecodeString(rest)
	mailbox, name, _ = strings.Cut(string(raw), "\x00")
	return mailbox, name
}

// owner is the mailbox whose folder an identifier means, "" where it does not say.
func (f folder) owner() (mailbox string) {
	if !f.distinguished() {
		mailbox, _ = readFolderID(f.ID)
	}
	return mailbox
}
