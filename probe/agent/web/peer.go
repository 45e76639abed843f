package web

import (
	"cmp"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// peerLine is how another agent answers.
type peerLine struct{ Name, Says string }

// peerLines name the agents that do not answer.
func (s *Server) peerLines(now time.Time) []peerLine {
	var list []peerLine
	for _, p := range s.o.Peers() {
		if p.Error == "" {
			continue
		}
		says := p.Error
		if !p.Asked.IsZero() {
			says += "; what is shown of it is " + ago(now.Sub(p.Asked)) + " old"
		}
		list = append(list, peerLine{p.Name, says})
	}
	return list
}

// peerCards are the targets of other agents.
func (s *Server) peerCards(now time.Time) []card {
	var list []card
	for _, p := range s.o.Peers() {
		for _, t := range p.Targets {
			if t.Endpoint == "" {
				continue
			}
			c := card{
				Name: t.Name, Peer: p.Name, Endpoint: t.Endpoint, View: t.View, Status: cmp.Or(t.Status, "none"), Code: t.Code,
				Summary: cmp.Or(t.Summary, "not checked yet"), rank: t.Status.Rank(), run: t.RunID, record: t.Record,
			}
			if !t.Since.IsZero() {
				c.Since, c.For = moment(t.Since), ago(now.Sub(t.Since))
			}
			if !t.LastRun.IsZero() {
				c.LastRun = ago(now.Sub(t.LastRun)) + " ago"
			}
			list = append(list, c)
		}
	}
	return list
}

// peerRecord is the last run of a peer's target, as lastWhole gives it.
func (c card) peerRecord() (int64, func() (evidence.Record, error)) {
	if c.record == nil {
		return 0, nil
	}
	return c.run, func() (evidence.Record, error) { return *c.record, nil }
}
