package ews

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Profile writes down that an exported Dynamics profile was read, so that
// findings can name it, and returns what of it may be kept. Dynamics exports no
// password, but its texts come from a server, and a person may have typed one
// into the wrong field: what holds the password of this run is withheld. A
// short password stands in names and addresses by chance; those stay.
func (r *Recorder) Profile(p *evidence.Profile, at time.Time) *evidence.Profile {
	if p == nil {
		return nil
	}
	kept := *p
	kept.Taken = slices.Clone(p.Taken)
	t := &kept.LastTest
	texts := []*string{&kept.Name, &t.At, &t.Request, &t.Response, &t.Message, &t.SyncError, &t.SyncErrorCode}
	if !r.vault.Common() {
		texts = append(texts, &kept.Tenant, &kept.Incoming.User, &kept.Outgoing.User, &kept.Incoming.Location, &kept.Outgoing.Location)
	}
	for _, s := range texts {
		*s = r.vault.Clean(*s)
	}
	r.Add(evidence.Item{Step: evidence.StepProfile, At: at})
	return &kept
}
