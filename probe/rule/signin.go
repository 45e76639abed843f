package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Signing in: what a refusal of the account says, and what it may mean.

func credentialsRejected(v *view) *hit {
	if v.proved != nil || v.provedElsewhere != nil {
		return nil
	}
	h := &hit{confidence: finding.Undetermined, reason: undetermined}
	var schemes []string
	var remembered *evidence.Item
	for _, n := range v.nodes {
		for _, item := range n.logons {
			l := item.Logon
			if isWindows(l) && v.kerberosOnly(n) {
				continue
			}
			if l.Remembered && remembered == nil {
				remembered = item
			}
			if l.Result != evidence.Refused || l.Comparison || n.strangers(item) {
				continue
			}
			h.evidence = append(h.evidence, item.ID)
			if name := mechanism(l); !slices.Contains(schemes, name) {
				schemes = append(schemes, name)
			}
		}
	}
	by := "EWS on " + v.host()
	for _, item := range v.discovery {
		l := item.Logon
		if l == nil {
			continue
		}
		if l.Remembered && remembered == nil {
			remembered = item
		}
		if l.Result != evidence.Refused {
			continue
		}
		if len(h.evidence) == 0 {
			by = where(item)
		}
		h.evidence = append(h.evidence, item.ID)
		if !slices.Contains(schemes, l.Scheme) {
			schemes = append(schemes, l.Scheme)
		}
	}
	user := v.rec.Target.User
	reason, confidence, said, asked := v.why()
	switch {
	case len(schemes) == 1 && strings.HasPrefix(schemes[0], "Kerberos") && !v.rec.Target.CurrentUser:
		h.summary = fmt.Sprintf("EWS on %s refuses the Kerberos ticket of %s", v.host(), user)
		h.detail = "The domain controller gave the ticket, so the account and its key are in order; EWS refuses it. " + ticketLookalikes
		return h
	case len(h.evidence) > 0:
		h.summary = fmt.Sprintf("%s refuses the logon of %s by %s", by, user, strings.Join(schemes, " and "))
		h.detail = fmt.Sprintf("%s refused. Over HTTP every reason looks the same: a 401 with the full list of schemes.", logons(len(h.evidence), schemes))
		if slices.Contains(schemes, "Basic") && len(schemes) > 1 {
			// Two verifiers, one answer: it is the account or its password.
			h.confidence = finding.Likely
			h.detail += " Two schemes agree, so it is the account or its password rather than a setting of one scheme."
		} else {
			h.detail += " Only one scheme could be tried, so a fault of that scheme looks the same as a refused account."
		}
		if !slices.Contains(schemes, "Basic") {
			h.detail += " Extended Protection set to Require behind a device that re-encrypts TLS looks the same as well, and so does a balancer that moves the connection to another server between the legs."
		}
	case remembered != nil:
		h.evidence = []string{remembered.ID}
		if remembered.Step.Autodiscover() {
			by = where(remembered)
		}
		h.summary = fmt.Sprintf("%s refused this password of %s a short while ago; nothing was sent", by, user)
		h.detail = sentence(remembered.Logon.Why) + "."
	default:
		return v.refusedAtKDC(reason, confidence, said, asked)
	}
	if said != "" {
		h.reason, h.evidence = reason, append(h.evidence, asked...)
		switch {
		case confidence == finding.Confirmed:
			h.confidence = finding.Confirmed
			h.summary += ": " + reasonTitle(reason)
			h.detail = said
			h.remedies, h.short = reasonRemedies(reason), true
			return h
		case reason != undetermined:
			h.confidence = finding.Likely
			h.summary += ": probably " + reasonTitle(reason)
			h.detail += " " + said
			return h
		case confidence == finding.Likely: // the account's state, though not which
			h.detail += " " + said
			return h
		}
		h.detail += " " + said
	}
	if v.rec.Target.CurrentUser {
		h.detail += v.byWindowsItself() + " " + lookalikes(false)
		return h
	}
	h.detail += " " + v.nameForm() + lookalikes(slices.Contains(schemes, "Basic"))
	return h
}

// byWindowsItself: what a refusal of the logged-on user leaves open, whose
// sign-in cannot be compared with one by Basic or under another binding.
func (v *view) byWindowsItself() string {
	s := " Windows made this sign-in for the logged-on user, so no other scheme and no other channel binding could be compared."
	for _, n := range v.nodes {
		for _, item := range n.logons {
			if item.Logon.Result == evidence.Refused && item.Logon.Binding != evidence.BindingRight {
				return s + " It was sent without the channel binding of the certificate seen here: where Extended Protection is Allow or Require it can be refused whoever it is, so this refusal proves nothing about the account."
			}
		}
	}
	return s + " It was given the channel binding of the certificate seen here: where a device re-encrypts TLS in front of Extended Protection it is refused whoever it is, and then this refusal proves nothing about the account. A check with --user and a password tells the two apart."
}

// refusedAtKDC: no scheme of EWS was decided, but a domain controller refused
// the account, which was to sign in with Kerberos or to find EWS.
func (v *view) refusedAtKDC(reason string, confidence finding.Confidence, said string, asked []string) *hit {
	for _, item := range v.directory {
		if item.Step == evidence.StepDirectoryBind && result(item) == evidence.Refused && reason != undetermined {
			h := &hit{confidence: confidence, reason: reason, evidence: asked, detail: said}
			h.summary = fmt.Sprintf("The domain controller refuses the account %s: probably %s", v.rec.Target.User, reasonTitle(reason))
			if confidence == finding.Confirmed {
				h.summary = fmt.Sprintf("The domain controller refuses the account %s: %s", v.rec.Target.User, reasonTitle(reason))
				h.remedies, h.short = reasonRemedies(reason), true
			}
			return h
		}
		stopped := result(item) == evidence.Skipped && (reason != undetermined || confidence == finding.Likely)
		if item.Step != evidence.StepKDCLogon || result(item) != evidence.Refused && !stopped {
			continue
		}
		h := &hit{confidence: confidence, reason: reason, evidence: asked, detail: said}
		h.summary = fmt.Sprintf("The domain controller refuses the account %s, so it gets no Kerberos ticket for EWS", v.rec.Target.User)
		if confidence == finding.Confirmed {
			h.summary += ": " + reasonTitle(reason)
			h.remedies, h.short = reasonRemedies(reason), true
		}
		return h
	}
	return nil
}

// inAskedDomain: the account's name says that it is of the domain whose
// controller was asked.
func (v *view) inAskedDomain() bool {
	_, suffix, upn := strings.Cut(v.rec.Target.User, "@")
	return upn && strings.EqualFold(suffix, v.rec.Target.Domain)
}

// reasonTitle is a reason in words.
func reasonTitle(reason string) string {
	if reason == restricted { // several of the lookalikes
		return "a restriction of the account"
	}
	for _, l := range finding.Lookalikes() {
		if l.Reason == reason {
			return l.Title
		}
	}
	return reason
}

// reasonRemedies is what a known reason asks for, before all else.
func reasonRemedies(reason string) []finding.Remedy {
	var first []finding.Remedy
	for _, l := range finding.Lookalikes() {
		if l.Reason == reason {
			first = append(first, finding.Remedy{Text: l.Check})
		}
	}
	return first
}

func logons(n int, schemes []string) string {
	if n == 1 {
		return "The logon by " + schemes[0] + " was completed and"
	}
	return fmt.Sprintf("%d logons (%s) were completed and", n, strings.Join(schemes, ", "))
}

// lookalikes is what a refusal may mean; the remedies say which event tells.
// Where Basic was refused too, it is no channel binding: Basic has none.
func lookalikes(basicRefused bool) string {
	var titles []string
	for _, l := range finding.Lookalikes() {
		if !basicRefused || !l.Binding {
			titles = append(titles, l.Title)
		}
	}
	return "What looks the same from here: " + strings.Join(titles, "; ") + ". Security event 4625 on the server and the IIS log tell them apart."
}
