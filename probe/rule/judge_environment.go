package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Environment judges a record of what Dynamics has, without a check: what could not
// be read, profiles that contradict themselves, mailboxes that fail, what alerts point
// to. Beside the first all are directions in which to look, and warnings at most.
func Environment(rec evidence.Record) []finding.Finding {
	v := arrange(&rec)
	var list []finding.Finding
	if f, holds := v.apply(row{code: "dynamics-unreadable", in: dynamicsUnreadable}); holds {
		list = append(list, f)
	}
	for _, item := range v.sets() {
		for i := range item.Dataverse.Profiles {
			if f, holds := profileFinding(rec, item, &item.Dataverse.Profiles[i]); holds {
				list = append(list, f)
			}
		}
	}
	failing, alerts := v.failing(), v.alertsOf()
	if failing == nil {
		return append(list, alerts...)
	}
	failing.Code = "inconclusive"
	if len(alerts) > 0 {
		failing.Code, alerts = alerts[0].Code, alerts[1:]
	}
	return append(append(list, *failing), alerts...)
}

// inDynamics is the command that looks into a mailbox, and what to do with it.
func inDynamics(phrase string, t evidence.Target, mailbox string) []finding.Remedy {
	return []finding.Remedy{{Text: finding.Phrase(phrase, nil), Command: CheckInDynamics(t, mailbox)}}
}

// profileFinding is profile-contradiction of one of several profiles.
func profileFinding(rec evidence.Record, item *evidence.Item, p *evidence.Profile) (finding.Finding, bool) {
	rec.Target.Profile = p
	if u := locationURL(p.Incoming.Location); u != nil {
		rec.Target.Host = u.Hostname()
	}
	f, holds := arrange(&rec).apply(row{code: "profile-contradiction", in: profileContradiction})
	f.Evidence, f.Status, f.Remedies = []string{item.ID}, finding.Warning, inDynamics("dynamics-correct-profile", rec.Target, "")
	return f, holds
}

// failing are the active mailboxes with the status Failure; nil: there are none.
func (v *view) failing() *finding.Finding {
	item := v.lookUp(evidence.StepDataverseMailboxes)
	if item == nil || item.Dataverse == nil {
		return nil
	}
	for _, s := range item.Dataverse.Statuses {
		if s.Status.Number != evidence.MailboxFailure || s.Count == 0 {
			continue
		}
		p := finding.Params{Count: s.Count, Mailboxes: s.Examples}
		return &finding.Finding{
			Status: finding.Warning, Confidence: finding.Undetermined, Evidence: []string{item.ID},
			Title: finding.Phrase("dynamics-failing-title", nil), Summary: finding.Phrase("dynamics-failing", p),
			Detail:   finding.Phrase("dynamics-failing-detail", p),
			Remedies: inDynamics("dynamics-check-one", v.rec.Target, strings.Join(s.Examples[:min(1, len(s.Examples))], "")),
		}
	}
	return nil
}

// alertsOf are findings of the codes that alerts may turn out to be, the most frequent
// first.
func (v *view) alertsOf() []finding.Finding {
	item := v.lookUp(evidence.StepDataverseAlerts)
	if item == nil || item.Dataverse == nil {
		return nil
	}
	alerts := slices.Clone(item.Dataverse.Alerts)
	slices.SortStableFunc(alerts, func(a, b evidence.DynamicsAlert) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(b.Count, a.Count))
	})
	var list []finding.Finding
	for _, a := range alerts {
		code, meaning := AlertCode(a)
		if code == "" || code == "ok" || slices.ContainsFunc(list, func(f finding.Finding) bool { return f.Code == code }) {
			continue
		}
		head, _ := finding.HeadOf(code)
		p := finding.Params{Count: a.Count, Message: cmp.Or(a.Text, a.Details)}
		list = append(list, finding.Finding{
			Code: code, Status: finding.Warning, Cause: head.Cause, Confidence: finding.Undetermined, Evidence: []string{item.ID},
			Title: head.Title, Summary: finding.Phrase("dynamics-alerted", p), Detail: meaning,
			Remedies: inDynamics("dynamics-check-alert", v.rec.Target, a.About),
		})
	}
	return list
}

// AlertCode is the verdict that an alert most likely turns out to be, and what the
// alert means; "" where nothing is known of it.
func AlertCode(a evidence.DynamicsAlert) (finding.Code, string) {
	for _, known := range finding.MatchAlert(a.Text + "\n" + a.Details) {
		if len(known.Codes) > 0 {
			return known.Codes[0], known.Meaning
		}
	}
	return "", ""
}

// CheckInDynamics is the command that looks into a mailbox of an environment.
func CheckInDynamics(t evidence.Target, mailbox string) string {
	t.ProfileAuth, t.Tenant = "basic", ""
	return givenFlags(t).Check() + " --mailbox " + safe(mailbox, isMailAddress, "ADDRESS")
}
