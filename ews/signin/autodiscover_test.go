package signin

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// discovering is a client of Autodiscover on a stand-in.
func discovering(t *testing.T, does standin.Autodiscover, form string) *bench {
	t.Helper()
	behaviour := everyScheme
	behaviour.Autodiscover, behaviour.BasicRefuses, behaviour.NTLMRefuses = does, true, true
	b := newBench(t, behaviour)
	path := ews.AutodiscoverPath
	if form == evidence.DiscoverySOAP {
		path = ews.AutodiscoverSOAPPath
	}
	b.URL = &url.URL{Scheme: "https", Host: standin.Host, Path: path}
	b.Discover = &ews.Discover{Form: form, Mailbox: standin.Mailbox}
	return b
}

// Every form, by Basic and by NTLM: the question gets through, its answer is read,
// and the steps are Autodiscover's.
func TestAutodiscoverLogons(t *testing.T) {
	const here = "https://" + standin.Host + "/EWS/Exchange.asmx"
	for _, c := range []struct {
		name, form, scheme string
		does               standin.Autodiscover
		want               evidence.Discovery
	}{
		{"POX", evidence.DiscoveryPOX, "Basic", standin.AutodiscoverSettings, evidence.Discovery{Form: "pox", Action: "settings", EwsURL: here, InternalEwsURL: here, PrimarySMTP: standin.Mailbox, Version: "15.2.1544"}},
		{"POX by NTLM", evidence.DiscoveryPOX, "NTLM", standin.AutodiscoverSettings, evidence.Discovery{Form: "pox", Action: "settings", EwsURL: here, InternalEwsURL: here, PrimarySMTP: standin.Mailbox, Version: "15.2.1544"}},
		{"SOAP", evidence.DiscoverySOAP, "Basic", standin.AutodiscoverSOAPOnly, evidence.Discovery{Form: "soap", EwsURL: here, InternalEwsURL: here, PrimarySMTP: standin.Mailbox, Version: "15.2.1544.11"}},
		{"SOAP by Negotiate", evidence.DiscoverySOAP, "Negotiate", standin.AutodiscoverSOAPOnly, evidence.Discovery{Form: "soap", EwsURL: here, InternalEwsURL: here, PrimarySMTP: standin.Mailbox, Version: "15.2.1544.11"}},
		{"mailbox online", evidence.DiscoveryPOX, "Basic", standin.AutodiscoverRedirectAddr, evidence.Discovery{Form: "pox", Action: "redirectAddr", RedirectAddr: "anna@contoso.mail.onmicrosoft.com", PrimarySMTP: standin.Mailbox}},
		{"mailbox online, SOAP", evidence.DiscoverySOAP, "Basic", standin.AutodiscoverRedirectAddr, evidence.Discovery{Form: "soap", ErrorCode: "RedirectAddress", Action: "redirectAddr", RedirectAddr: "anna@contoso.mail.onmicrosoft.com", Version: "15.2.1544.11"}},
		{"address unknown", evidence.DiscoveryPOX, "Basic", standin.AutodiscoverUnknown, evidence.Discovery{Form: "pox", ErrorCode: "500", Message: "The email address can't be found."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := discovering(t, c.does, c.form)
			ask, conn := b.AskWhere(bounded(t), agent)
			if ask.Step != evidence.StepAutodiscoverAsk || ask.Request.Method != "GET" || ask.Response.Status != 401 || ask.Request.BodyBytes != 0 {
				t.Errorf("asked: %+v", ask)
			}
			var item evidence.Item
			if c.scheme == "Basic" {
				item = b.basic(t, conn, evidence.Logon{})
			} else {
				conn.Close()
				h := ByNTLM(c.scheme).Begin(bounded(t), b.Client, agent)
				if h.Item.Step != evidence.StepAutodiscoverNTLM {
					t.Errorf("type 1 is step %s", h.Item.Step)
				}
				item = b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
			}
			if item.Step != evidence.StepAutodiscoverLogon || item.Logon.Result != evidence.Accepted || item.EWS != nil || item.Request.Mailbox != standin.Mailbox {
				t.Errorf("%+v, logon %+v", item, item.Logon)
			}
			if diff := cmp.Diff(&c.want, item.Discovery); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			b.noSecret(t)
		})
	}
}

// Refused, and without a sign-in.
func TestAutodiscoverOtherwise(t *testing.T) {
	b := discovering(t, standin.AutodiscoverSettings, evidence.DiscoveryPOX).as(standin.UPN, standin.WrongPassword)
	if item := b.basic(t, nil, evidence.Logon{}); item.Logon.Result != evidence.Refused || !item.Logon.Counted || item.Discovery.Answered() {
		t.Errorf("refused: %+v", item.Logon)
	}
	b = discovering(t, standin.AutodiscoverOpen, evidence.DiscoveryPOX)
	if item := b.LookUp(bounded(t), agent); item.Step != evidence.StepAutodiscoverLookup || !item.Discovery.Answered() || item.Logon != nil {
		t.Errorf("without a sign-in: %+v", item)
	}
	b = discovering(t, standin.AutodiscoverSettings, evidence.DiscoveryPOX)
	b.URL, b.Discover.Form = ews.JSONLookup(b.URL, standin.Mailbox), evidence.DiscoveryJSON
	item := b.LookUp(bounded(t), agent)
	if item.Request.Method != "GET" || item.Discovery == nil || item.Discovery.EwsURL != "https://"+standin.Host+"/EWS/Exchange.asmx" {
		t.Errorf("JSON: %+v, %+v", item.Request, item.Discovery)
	}
	for _, q := range b.server.View().Requests {
		if q.Message != standin.MessageAnonymous || q.Mailbox != standin.Mailbox {
			t.Errorf("%+v", q)
		}
	}
}
