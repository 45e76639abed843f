package evidence

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// Every code has its sentence, and every sentence its code.
func TestDetailCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "detail.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[DetailCode]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Why") {
			s, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			codes[DetailCode(s)] = true
		}
		return true
	})
	forms := detailForms()
	for c := range codes {
		if forms[c] == "" {
			t.Errorf("%s has no sentence", c)
		}
	}
	for c, form := range forms {
		if !codes[c] {
			t.Errorf("%s is no code", c)
		}
		if strings.Count(form, "{") != strings.Count(form, "}") {
			t.Errorf("%s: %q", c, form)
		}
	}
}

func TestDetail(t *testing.T) {
	closed := &Failure{Code: ConnectionClosed, Text: "EOF"}
	for _, c := range []struct {
		d    *Detail
		want string
	}{
		{nil, ""},
		{Say(WhyStopped), "stopped"},
		{Say(WhyType1Answered, 403), "type 1 was answered 403 instead of a challenge"},
		{Say(WhyNoAddress, "dc1:88", closed), "no address for the domain controller dc1:88 (EOF)"},
		{Say(WhyNoAddress, "host-1:88", &Failure{Code: ConnectionClosed}), "no address for the domain controller host-1:88 (connection closed)"},
		{Say(WhyAlsoInSPNEGO, Say(WhyNoChallenge), Say(WhySPNEGOEmpty)), "type 1 was answered without a challenge; inside SPNEGO: the server's SPNEGO answer holds no challenge"},
		{Say(WhyLimitReached, 1), "the limit of 1 refused logon (--max-rejections) is reached"},
		{Say(WhyLimitReached, 2), "the limit of 2 refused logons (--max-rejections) is reached"},
		{Say(WhyCertificateWrongName, "", "a.b"), "the certificate is for no host name at all, not for a.b"},
		{Say(WhyCertificateWrongName, "1, 2, 3, 4, 5, 6, 7", "a.b"), "the certificate is for 1, 2, 3, 4, 5 and 2 more, not for a.b"},
		{Say(WhyCertificateUnusable, ""), "the certificate chain does not verify"},
		{&Detail{Code: "of-a-later-version"}, "of-a-later-version"},
		{&Detail{Code: WhyNoAddress}, "no address for the domain controller  ()"},
		{Say(WhyProxyAnswered, "502", ""), "the proxy answered 502"},
	} {
		if got := c.d.String(); got != c.want {
			t.Errorf("%+v is %q, not %q", c.d, got, c.want)
		}
	}
}

// A record of an earlier version has only texts.
func TestRecognize(t *testing.T) {
	i := Item{Logon: &Logon{Why: "the server ended the connection after its challenge"}, Error: &Failure{Text: "read: connection reset by peer"}}
	i.Recognize()
	if !i.Logon.Detail.Is(WhyServerEnded) || i.Error.Detail != nil {
		t.Errorf("%v, %v", i.Logon.Detail, i.Error.Detail)
	}
}
