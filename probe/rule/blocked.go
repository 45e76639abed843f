package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// logonBlocked: the password is proved outside of EWS, and every scheme that was
// tried at EWS refuses it.
func logonBlocked(v *view) *hit {
	good := v.provedElsewhere()
	if good == nil || v.proved != nil {
		return nil
	}
	h := &hit{confidence: finding.Likely}
	var schemes []string
	for _, n := range v.nodes {
		for _, item := range n.logons {
			l := item.Logon
			if l.Result != evidence.Refused || isWindows(l) && v.kerberosOnly(n) || n.otherServer(item) != "" {
				continue
			}
			h.evidence = append(h.evidence, item.ID)
			if !slices.Contains(schemes, l.Scheme) {
				schemes = append(schemes, l.Scheme)
			}
		}
	}
	if len(schemes) == 0 {
		return nil
	}
	h.evidence = append([]string{good.ID}, h.evidence...)
	h.summary = fmt.Sprintf("EWS on %s refuses %s although the password is right", v.host(), v.rec.Target.User)
	h.detail = fmt.Sprintf("%s accepted the password by %s; EWS refused it by %s.", capital(where(good)), good.Logon.Scheme, strings.Join(schemes, " and "))
	if slices.Contains(schemes, "Basic") && len(schemes) > 1 {
		h.detail += " So neither the password nor one scheme is at fault: EWS, or what stands in front of it, does not let this account in."
	} else {
		h.confidence = finding.Undetermined
		h.detail += fmt.Sprintf(" Only %s could be tried at EWS, so a fault of that scheme looks the same.", strings.Join(schemes, ", "))
	}
	h.detail += " From here these look the same: an authentication policy with BlockLegacyAuthWebServices, a logon right that is missing on the server, and for NTLM Protected Users, a restriction of NTLM, or Extended Protection set to Require behind a device that re-encrypts TLS."
	return h
}
