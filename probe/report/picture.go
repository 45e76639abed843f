package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// station is one on the way of a request.
type station struct {
	Name  string
	What  string
	State string // passed, broken, unseen
}

// Says is the state in words.
func (h station) Says() string {
	return map[string]string{"passed": "passed", "broken": "failed here", "unseen": "not seen"}[h.State]
}

// Places of stations on the way.
const (
	atFrontEnd = 2
	atBackEnd  = 3
	atMailbox  = 4
)

// Path is the way from this machine to the mailbox, and where it broke.
func (r Report) Path() []station {
	var fronts, products, devices []string
	for _, n := range r.Nodes {
		fronts = append(fronts, cmp.Or(n.Server.FrontEnd, n.Address))
		products = append(products, n.Server.Product)
		devices = append(devices, n.Server.InFront)
	}
	list := []station{
		{Name: "This machine", What: r.Target.View},
		{Name: "Devices in front", What: cmp.Or(distinct(devices), "none seen")},
		{Name: "Front end", What: distinct(append([]string{cmp.Or(distinct(fronts), r.Target.Host)}, products...))},
		{Name: "Back end", What: "of the mailbox"},
		{Name: "Mailbox", What: cmp.Or(r.Target.Mailbox, "none given")},
	}
	signedIn := slices.ContainsFunc(r.Attempts, func(a rule.Attempt) bool {
		return a.Result == string(evidence.Accepted) && a.Service == "ews"
	})
	at := say("broken-at", r, "")
	broken := slices.IndexFunc(list, func(s station) bool { return s.Name == at }) // -1: nothing is
	for i := range list {
		seen := i <= atFrontEnd && len(r.Schemes) > 0 || signedIn && (i < atMailbox || r.Target.Mailbox != "")
		switch {
		case i == broken:
			list[i].State = "broken"
		case (i < broken || broken < 0) && (seen || i == 0) || i < broken && (i < atBackEnd || signedIn):
			list[i].State = "passed"
		default:
			list[i].State = "unseen"
		}
	}
	return list
}

func blockOf(c finding.Code) finding.Block {
	head, _ := finding.HeadOf(c)
	return head.Block
}

// distinct are the texts that are there, each once.
func distinct(list []string) string {
	var once []string
	for _, s := range list {
		if s != "" && !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return strings.Join(once, ", ")
}

// matrix is how every scheme ended at every server, by the channel binding.
type matrix struct {
	Servers []string
	Rows    []matrixRow
}

type matrixRow struct {
	Scheme, Binding string
	Cells           []matrixCell
}

type matrixCell struct{ What, Result string }

// Matrix has a row for each scheme that was offered or tried, and each binding.
func (r Report) Matrix() matrix {
	var m matrix
	offered := func(at int, scheme string) bool {
		return slices.ContainsFunc(r.Nodes[at].Schemes, func(s rule.Scheme) bool { return strings.HasPrefix(scheme, s.Name) })
	}
	cell := func(at int, scheme, binding string) *matrixCell {
		i := slices.IndexFunc(m.Rows, func(row matrixRow) bool { return strings.EqualFold(row.Scheme, scheme) && row.Binding == binding })
		if i < 0 {
			i = len(m.Rows)
			row := matrixRow{Scheme: scheme, Binding: binding, Cells: make([]matrixCell, len(r.Nodes))}
			for at := range r.Nodes {
				row.Cells[at].What = map[bool]string{true: "not tried", false: "not offered"}[offered(at, scheme)]
			}
			m.Rows = append(m.Rows, row)
		}
		return &m.Rows[i].Cells[at]
	}
	for at, n := range r.Nodes {
		m.Servers = append(m.Servers, n.Address)
		for _, a := range r.Attempts {
			if a.Address != n.Address || a.Service != "ews" {
				continue
			}
			c := cell(at, schemeOf(a), a.Binding)
			c.Result = a.Result
			if a.Result == string(evidence.Skipped) && !offered(at, schemeOf(a)) {
				continue
			}
			if c.What = a.Result; a.Status != 0 {
				c.What += fmt.Sprintf(", %d", a.Status)
			}
		}
	}
	for at, n := range r.Nodes {
		for _, s := range n.Schemes {
			tried := slices.ContainsFunc(m.Rows, func(row matrixRow) bool {
				return strings.HasPrefix(row.Scheme, s.Name) && row.Cells[at].Result != ""
			})
			if !tried {
				cell(at, s.Name, "").What = "offered, not tried"
			}
		}
	}
	return m
}
