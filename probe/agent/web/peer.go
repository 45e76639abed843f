package web

import (
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// peerLine is how another agent answers.
type peerLine struct{ Name, Says string }

func (s *Server) peerLines(now time.Time) []peerLine { return nil }

func (s *Server) peerCards(now time.Time) []card { return nil }

func (s *Server) peerRecord(c card) (int64, func() (evidence.Record, error)) { return 0, nil }
