package dataverse

import (
	"bytes"
	"context"
	_ "embed"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// query is a list that is asked for.
type query struct {
	step    evidence.Step
	set     set
	columns columns
	filter  string
	order   string
}

// columns are those of a query. An unknown one fails the whole query, and versions
// differ: wide are those that an older one may lack, core those that every one has.
type columns struct{ core, wide []string }

//go:embed columns.txt
var columnsFile string

// columnsOf are the columns that the file has under a name.
func columnsOf(name string) columns {
	_, rest, _ := strings.Cut(columnsFile, "\n"+name+": ")
	block, _, _ := strings.Cut(rest, "\n\n")
	core, wide, _ := strings.Cut(block, "|")
	return columns{strings.Fields(core), strings.Fields(wide)}
}

func (q query) url(base *url.URL, columns []string) *url.URL {
	v := url.Values{"$select": {strings.Join(columns, ",")}}
	if q.filter != "" {
		v.Set("$filter", q.filter)
	}
	if q.order != "" {
		v.Set("$orderby", q.order)
	}
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: root + string(q.set)}
	u.RawQuery = strings.ReplaceAll(v.Encode(), "+", "%20")
	return u
}

// Bounds of one list: Dataverse has at most 5000 rows on a page, and a page may be
// empty.
const (
	maxPages   = 10000
	maxUnknown = 6
)

// pages reads a list page after page.
type pages struct {
	r       *Reader
	q       query
	each    func(row) bool
	next    *url.URL
	without []string // columns that this version does not have
	count   int
	rows    int
}

func (r *Reader) pages(q query, each func(row) bool) *pages {
	return &pages{r: r, q: q, each: each, next: q.url(r.URL, slices.Concat(q.columns.core, q.columns.wide))}
}

// one asks for the next page. The item is not written down yet.
func (p *pages) one(ctx context.Context) evidence.Item {
	for try := 1; ; try++ {
		got := p.r.get(ctx, p.q.step, p.q.set, p.next, p.each)
		if p.count == 0 && p.dropColumns(got.item) {
			p.r.add(got.item)
			try = 0
			continue
		}
		if wait, again := patience(got.item, try); again && ews.Sleep(ctx, wait) {
			p.r.add(got.item)
			continue
		}
		d := got.item.Dataverse
		p.count++
		p.rows += d.Rows
		p.next, d.Without, d.Pages, d.Rows = got.next, p.without, p.count, p.rows
		if p.next != nil && p.count >= maxPages {
			p.next, d.Truncated = nil, true
			got.item.Cloud.Detail = evidence.Say("pages-without-end")
		}
		return got.item
	}
}

// dropColumns leaves out the column that the answer does not know, or all that an older
// version may lack; false: that is not what is wrong.
func (p *pages) dropColumns(item evidence.Item) bool {
	if item.Response == nil || item.Response.Status != 400 || item.Cloud.Message == "" {
		return false
	}
	named := unknown().FindStringSubmatch(item.Cloud.Message)
	if named == nil || len(p.without) >= len(p.q.columns.wide) {
		return false
	}
	lacks := []string{named[1]}
	if len(p.without) >= maxUnknown || !slices.Contains(p.q.columns.wide, named[1]) || slices.Contains(p.without, named[1]) {
		lacks = p.q.columns.wide
	}
	p.without = slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.without, lacks))))
	columns := slices.DeleteFunc(slices.Concat(p.q.columns.core, p.q.columns.wide), func(c string) bool {
		return slices.Contains(p.without, c)
	})
	p.next = p.q.url(p.r.URL, columns)
	return true
}

// patience is how long to wait before the same is asked once more: as told after 429
// and 503, a moment where the service failed.
func patience(item evidence.Item, try int) (wait time.Duration, again bool) {
	if item.Response == nil || try == maxTries {
		return 0, false
	}
	if wait, said := ews.Unavailable(item.Response); said {
		return wait, wait <= longestWait
	}
	switch status := item.Response.Status; {
	case status == 429:
		return 5 * time.Second, true
	case status >= 500:
		return time.Second, try == 1
	}
	return 0, false
}

// all reads the list to its end. finish completes what is written of its last page,
// or of the one that failed. The pages between
// the first and the last are not written down: they would say the same.
func (p *pages) all(ctx context.Context, finish func(*evidence.Item)) evidence.Item {
	for {
		item := p.one(ctx)
		if p.next == nil || !whole(item) {
			finish(&item)
			return p.r.add(item)
		}
		if p.count == 1 {
			p.r.add(item)
		}
	}
}

// whole says whether the page was read, and leads on if there are more.
func whole(item evidence.Item) bool { return item.Dataverse.Visible && item.Cloud.Detail == nil }

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
	core := columnsOf("export").core
	m := &Mailboxes{ctx: ctx}
	m.pages = r.pages(query{
		step: evidence.StepDataverseMailboxes, set: mailboxes,
		columns: columns{core: append(slices.Clone(core), "_emailserverprofile_value")},
		filter:  "_emailserverprofile_value eq " + profile + " and statecode eq 0", order: "mailboxid asc",
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
