package rule

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// untrusted are the items at n that met a certificate which is not trusted: any
// connection of a run counts, not only the first.
func (n *node) untrusted() []*evidence.Item {
	return slices.DeleteFunc(slices.Clone(n.items), func(item *evidence.Item) bool {
		return item.TLS == nil || item.TLS.Certificate == nil || item.TLS.Trusted()
	})
}

func tlsUntrusted(v *view, n *node) *hit {
	items := n.untrusted()
	if len(items) == 0 {
		return nil
	}
	t := items[0].TLS
	if first := n.tls(); !first.Trusted() && first.Certificate != nil {
		t = first // the anonymous request's is told of, where it is one of them
	}
	h := confirmed("", finding.Params{Inspector: marked(inspectors, t.Certificate.Issuer)})
	for _, problem := range t.Problems {
		h.params.Problems = append(h.params.Problems, problem.Text)
	}
	for _, item := range items {
		if item.TLS == t {
			h.cite(item)
		}
	}
	h.params.Host, h.params.Device = v.host(), marked(defaults, t.Certificate.Subject)
	name, management := strings.CutPrefix(commonName(t.Certificate.Subject), "WMSvc-")
	switch {
	case management && t.Certificate.Subject == t.Certificate.Issuer:
		h.params.Sign, h.params.Server = "WMSvc", strings.TrimPrefix(name, "SHA2-")
	case selfMade(t.Certificate):
		h.params.Server = name
	}
	for _, item := range n.items {
		if o := item.TLS; o.Trusted() && o.Certificate != nil && h.params.Issuer == "" {
			h.params.Issuer = o.Certificate.Issuer // of another connection
			h.cite(item)
		}
	}
	if len(t.Problems) == 1 && t.Problems[0].Code == "issuer-encoding" {
		h.variant, h.status, h.confidence = "limit", finding.Unknown, finding.Undetermined
		return h
	}
	stopped := slices.ContainsFunc(items, func(i *evidence.Item) bool { return i.Error != nil && i.Error.Code == evidence.TLSUntrusted })
	if v.rec.Target.Insecure && !stopped {
		h.variant, h.status = "insecure", finding.Warning
	}
	return h
}

// selfMade: Exchange makes such a certificate for each server at setup: it signs
// itself and names the computer alone and with its domain.
func selfMade(c *evidence.Certificate) bool {
	name := commonName(c.Subject)
	if name == "" || c.Subject != c.Issuer || strings.Contains(name, ".") {
		return false
	}
	return slices.ContainsFunc(c.Names, func(s string) bool { return strings.EqualFold(s, name) })
}

// defaults are what stands in the subjects of the certificates that devices make for
// themselves, where none was installed, and inspectors what stands in the issuers of
// products that open TLS on the way out and sign certificates of their own; by their
// manuals.
var (
	//go:embed defaults.txt
	defaults string
	//go:embed inspectors.txt
	inspectors string
)

// marked is the product of a list of which a name has the mark; "" none.
func marked(list, name string) string {
	name = strings.ToLower(name)
	for line := range strings.Lines(list) {
		if mark, product, _ := strings.Cut(strings.TrimSpace(line), "\t"); strings.Contains(name, mark) {
			return product
		}
	}
	return ""
}

// commonName is CN of a distinguished name (RFC 4514).
func commonName(dn string) string {
	_, rest, found := strings.Cut(dn, "CN=")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, ",")
	return strings.TrimSpace(name)
}

func tlsFailed(v *view, n *node) *hit {
	for _, item := range v.needed(n) {
		if wantsClientCertificate(item) {
			h := confirmed("client-certificate-page", v.answer(n, item), item)
			h.use = finding.ClientCertificate
			return h
		}
	}
	item := v.failedBy(n, evidence.TLSHandshake, evidence.TLSClientCert, evidence.TLSNotSpoken)
	legacy := n.legacySuite()
	if item == nil && legacy != nil {
		item = n.ask
	}
	if item == nil || item.Error == nil {
		return nil
	}
	h := confirmed("", finding.Params{Error: item.Error.Text}, item)
	why := item.Error.Detail
	switch {
	case why.Is("renegotiation"):
		h.variant, h.status, h.confidence = "renegotiation", finding.Unknown, finding.Undetermined
		h.use = finding.ClientCertificate
		return h
	case why.Is("certificate-unread"):
		h.variant, h.status, h.confidence = "unreadable", finding.Unknown, finding.Undetermined
		return h
	case why.Is("tls-unread"):
		h.variant, h.status, h.confidence = "limit", finding.Unknown, finding.Undetermined
		return h
	case item.Error.Code == evidence.TLSClientCert:
		h.variant, h.use = "client-certificate", finding.ClientCertificate
	case item.Error.Code == evidence.TLSNotSpoken:
		h.variant, h.use = "not-tls", finding.NotTLS
	case why.Is("tls-alert") && len(why.Args) > 1:
		h.params.Alert = why.Args[1]
	}
	if legacy != nil {
		h.status, h.confidence = finding.Unknown, finding.Undetermined
		h.cite(legacy)
		h.params.Suite = legacy.TLS.CipherSuite
	}
	return h
}
