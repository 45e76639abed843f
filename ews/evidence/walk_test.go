package evidence

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A text without a tag would be neither cleaned nor redacted.
func TestEveryTextIsTagged(t *testing.T) {
	if list := untagged(reflect.TypeFor[Record]()); len(list) > 0 {
		t.Errorf("no tag keep: %q", list)
	}
	if list := untagged(reflect.TypeFor[struct{ A, B string }]()); len(list) != 2 {
		t.Errorf("%q", list)
	}
}

// What a server, a directory or a service fills is said, and searched for
// secrets; what this program writes is not.
func TestWhatIsSaid(t *testing.T) {
	var own []string
	var look func(t reflect.Type)
	seen := map[reflect.Type]bool{timeType: true, reflect.TypeFor[Target](): true}
	look = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				f := t.Field(i)
				if kind, said, _ := strings.Cut(f.Tag.Get("keep"), ","); kind != "" && said == "" {
					own = append(own, t.Name()+"."+f.Name)
				} else if said != "" && said != "said" {
					own = append(own, "a misspelt tag at "+f.Name)
				}
				look(f.Type)
			}
		}
	}
	look(reflect.TypeFor[Item]())
	slices.Sort(own)
	want := strings.Fields(`Bind.Problem CertificateProblem.Code Cloud.Host Cloud.Location Cloud.Subject Dataverse.Set Dataverse.Without Profile.Taken Detail.Code Discovery.Form Discovery.HeldBack Discovery.Types EWS.Folder EWS.Kind Failure.Code Failure.Phase
		Item.Address Item.ClosedBy Item.From Item.ID Item.Step Kerberos.Principal Kerberos.Problem Kerberos.Realm Kerberos.Service Logon.Account Logon.Binding Logon.Mechanism Logon.Result Logon.Scheme
		NTLM.OSBuild NTLM.Scheme Notice.Product Notice.Says Notice.SubStatus Notice.Windows Page.LeadsBy Request.Authorization Request.Headers Request.Mailbox Request.Method Request.Operation Request.Purpose Request.URL Request.UserAgent
		Resolution.Name Response.Proto Response.Withheld ServicePoint.Place ServicePoints.Domain ServicePoints.Problem TLS.CipherSuite TLS.ServerName TLS.Version Token.Application Token.Host Token.Proof Token.Scope Token.Tenant Certificate.SHA256 Certificate.Signature`)
	slices.Sort(want)
	if d := cmp.Diff(want, own); d != "" {
		t.Error(d)
	}
}

func TestWalk(t *testing.T) {
	i := Item{
		Address: "10.0.0.1:443", Logon: &Logon{Detail: Say("no-address", "dc1:88", &Failure{Code: DNSNotFound, Text: "no such host dc1"})},
		Response: &Response{Headers: [][2]string{{"Server", "x"}, {"X-Y", ""}}}, EWS: &EWS{Problem: "old words", Resolved: []Resolved{{Address: "a@b"}}},
		TLS: &TLS{Problems: []CertificateProblem{{Code: "expired", Detail: Say("certificate-expired", "2026-01-01")}}, Certificate: &Certificate{Names: []string{"a", "b"}}},
	}
	var met []string
	r := Rewritten(i, func(f Field, s string) string {
		met = append(met, f.Kind+" "+s)
		return strings.ToUpper(s)
	})
	want := []string{
		"endpoint 10.0.0.1:443", "header x", "header-name Server", "header-name X-Y", "certified a", "certified b", "word expired", "time 2026-01-01", "word certificate-expired",
		"sentence old words", "mailbox a@b", "endpoint dc1:88", "error no such host dc1", "failure dns-not-found", "word system", "word no-address",
	}
	if d := cmp.Diff(want, met); d != "" {
		t.Error(d)
	}
	if r.Response.Headers[0] != [2]string{"SERVER", "X"} || r.EWS.Problem != "OLD WORDS" || r.TLS.Certificate.Names[1] != "B" || r.Logon.Detail.Args[0] != "DC1:88" {
		t.Errorf("%+v", r)
	}
	if i.Response.Headers[0][0] != "Server" || i.TLS.Certificate.Names[0] != "a" || i.Logon.Detail.Args[0] != "dc1:88" || i.EWS.Resolved[0].Address != "a@b" {
		t.Error("the original was changed")
	}
	Walk(&i, Visitor{})
	if i.Logon.Why != "no address for the domain controller dc1:88 (no such host dc1)" || i.TLS.Problems[0].Text != "the certificate expired on 2026-01-01" {
		t.Errorf("%q, %q", i.Logon.Why, i.TLS.Problems[0].Text)
	}
}

// untagged are the texts of a type, by their place, that have no tag.
func untagged(t reflect.Type) []string {
	var list []string
	seen := map[reflect.Type]bool{timeType: true}
	var look func(place string, t reflect.Type, kind string)
	look = func(place string, t reflect.Type, kind string) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(place, t.Elem(), kind)
		case reflect.String, reflect.Map, reflect.Interface:
			if kind == "" {
				list = append(list, fmt.Sprintf("%s (%s)", place, t))
			}
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				f := t.Field(i)
				look(t.Name()+"."+f.Name, f.Type, f.Tag.Get("keep"))
			}
		}
	}
	look(t.Name(), t, "")
	return list
}
