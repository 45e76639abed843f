package ews

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
)

// Recorder collects the items of one check. Every text that a server could have
// chosen passes the vault on its way in, so no later stage can leak what never
// entered. Safe for concurrent use.
type Recorder struct {
	// Secrets are looked for from Expose on, if they are short or common. What is made on
	// the way (a key, a reply that can be attacked offline) is added before it is sent or
	// could be repeated.
	Secrets *secret.Vault
	Tokens  *secret.Vault // never found by chance: looked for from the first item on
	follow  func(evidence.Item)
	// Brief keeps of an answer of EWS to a credential only the fields that a call for a
	// mailbox is judged by: hundreds of thousands are made, and to look each field over for
	// secrets is most of the work.
	Brief bool
	// Prefix begins the identifiers, "" e: those of recorders whose items come
	// together have to differ.
	Prefix string

	mu      sync.Mutex
	begun   int
	kept    int // bytes of headers and bodies
	items   []evidence.Item
	exposed bool     // a credential has left this machine
	folders []string // identifiers that a folder was given a name for
}

// NewRecorder returns an empty recorder. follow, if not nil, is called with
// each item as it is written, one at a time.
func NewRecorder(vault *secret.Vault, follow func(evidence.Item)) *Recorder {
	return &Recorder{Secrets: vault, Tokens: &secret.Vault{}, follow: follow}
}

// Another is an empty recorder that knows the same secrets.
func (r *Recorder) Another() *Recorder { return &Recorder{Secrets: r.Secrets, Tokens: r.Tokens} }

// Add cleans the item, gives it its identifier and keeps it.
func (r *Recorder) Add(item evidence.Item) evidence.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	vault := r.Secrets
	if !r.exposed && vault.Common() {
		vault = nil // an empty vault: nothing is withheld
	}
	r.bound(item.Response)
	clean(&item, vault, r.Tokens)
	if item.ID == "" {
		item.ID = r.next()
	}
	r.items = append(r.items, item)
	if r.follow != nil {
		r.follow(item)
	}
	return item
}

// Take keeps items that another recorder has told of already, each under its own
// identifier.
func (r *Recorder) Take(items []evidence.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		if !r.Secrets.Common() {
			clean(&item, r.Secrets)
		}
		r.items = append(r.items, item)
	}
}

// Short bounds a text of a service, in bytes, and makes it fit for a record. It is
// cleaned of tokens before it is cut: half a secret is not found any more.
func (r *Recorder) Short(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return ' '
		}
		return c
	}, r.Tokens.Clean(strings.ToValidUTF8(s, "\uFFFD")))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// longestWords is what is kept of one text of a service outside, in bytes.
const longestWords = 600

// Shorten bounds the texts of a service in what facts points to.
func (r *Recorder) Shorten(facts any) {
	evidence.Walk(facts, evidence.Visitor{Text: func(f evidence.Field, s string) string {
		if f.Said {
			return r.Short(s, longestWords)
		}
		return s
	}})
}

// Begin reserves the identifier of a step that starts now, so that identifiers
// count in the order in which steps began.
func (r *Recorder) Begin() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next()
}

func (r *Recorder) next() string {
	r.begun++
	return cmp.Or(r.Prefix, "e") + strconv.Itoa(r.begun)
}

// A record stays small however many addresses answer however much: beyond
// fullRecord bytes of headers and bodies, a step keeps only what a header
// usually needs.
const (
	fullRecord = 512 << 10
	smallStep  = 4 << 10
)

func (r *Recorder) bound(p *evidence.Response) {
	if p == nil {
		return
	}
	if r.kept > fullRecord {
		if p.Body != "" {
			p.Body, p.Withheld = "", evidence.Say("record-full").String()
		}
		size := 0
		p.Headers = slices.DeleteFunc(p.Headers, func(h [2]string) bool {
			size += len(h[0]) + len(h[1])
			return size > smallStep && !(strings.EqualFold(h[0], "WWW-Authenticate") && len(h[1]) <= smallStep)
		})
	}
	r.kept += len(p.Body)
	for _, h := range p.Headers {
		r.kept += len(h[0]) + len(h[1])
	}
}

// maxFolders bounds the folders that are told apart in one record.
const maxFolders = 32

// Folder names a folder by the order in which its identifier first came. Only
// whether two answers speak of the same folder is of interest; the identifier
// is a text of the server's choice, and on Exchange it tells the mailbox.
func (r *Recorder) Folder(identifier string) string {
	if identifier == "" {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.folders, identifier)
	if i < 0 {
		if len(r.folders) == maxFolders {
			return ""
		}
		i, r.folders = len(r.folders), append(r.folders, identifier)
	}
	return "folder-" + strconv.Itoa(i+1)
}

// FirstFolder is the identifier of folder-1, "" if there is none yet.
func (r *Recorder) FirstFolder() string {
	if len(r.folders) == 0 {
		return ""
	}
	return r.folders[0]
}

// Items returns what was written so far, in the order in which the steps began.
func (r *Recorder) Items() []evidence.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	items := slices.Clone(r.items)
	slices.SortStableFunc(items, func(a, b evidence.Item) int { return a.At.Compare(b.At) })
	return items
}

// clean takes secrets out of what somebody outside said, and writes the
// sentences of the item.
func clean(item *evidence.Item, vaults ...*secret.Vault) {
	evidence.Walk(item, evidence.Visitor{Text: func(f evidence.Field, s string) string {
		if !f.Said {
			return s
		}
		if f.Kind == evidence.KindHeader {
			s = maskCookie(f.Name, s)
		}
		for _, v := range vaults {
			if f.Kind == evidence.KindHeader {
				s = cleanField(v, f.Name, s)
			} else {
				s = v.Clean(s)
			}
		}
		return s
	}})
}

// cleanField withholds a field's value that holds a secret. Of a challenge the
// names of the schemes stay: a verdict hangs on them, and they are no secret.
func cleanField(vault *secret.Vault, name, value string) string {
	if !vault.Holds(value) {
		return value
	}
	if !strings.EqualFold(name, "WWW-Authenticate") {
		return secret.Withheld
	}
	var schemes []string
	for _, c := range challenge.Parse([]string{value}) {
		if !vault.Holds(c.Scheme) {
			schemes = append(schemes, c.Scheme)
		}
	}
	return strings.Join(schemes, ", ")
}

// Expose notes that a credential is about to be sent. Until then a text that
// holds a short or common password holds it by chance, and withholding it would
// spoil the verdict.
func (r *Recorder) Expose() {
	r.mu.Lock()
	r.exposed = true
	r.mu.Unlock()
}

// maskCookie keeps a cookie's name, which tells devices apart, and drops its
// value: session cookies sign in, and Exchange's X-BackEndCookie names the
// caller's SID.
func maskCookie(name, value string) string {
	if !strings.EqualFold(name, "Set-Cookie") && !strings.EqualFold(name, "Set-Cookie2") {
		return value
	}
	pair, _, _ := strings.Cut(value, ";")
	cookie, _, named := strings.Cut(pair, "=")
	if !named {
		return "[value not kept]" // a cookie can be all value (RFC 6265bis 5.6)
	}
	return cookie + "=[value not kept]"
}

// Profile writes down that an exported Dynamics profile was read, so that
// findings can name it, and returns what of it may be kept. Dynamics exports no
// password, but its texts come from a server, and a person may have typed one
// into the wrong field: what holds the password of this run is withheld. A
// short password stands in names and addresses by chance; those stay.
func (r *Recorder) Profile(p *evidence.Profile, at time.Time) *evidence.Profile {
	if p == nil {
		return nil
	}
	kept := evidence.Rewritten(*p, func(f evidence.Field, s string) string {
		if f.Said && (!r.Secrets.Common() || slices.Contains([]string{"profile", "date", "alert"}, f.Kind)) {
			return r.Secrets.Clean(s)
		}
		return s
	})
	r.Add(evidence.Item{Step: evidence.StepProfile, At: at})
	return &kept
}
