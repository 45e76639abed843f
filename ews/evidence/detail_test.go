package evidence

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every code that is said has its sentence, and every sentence is said.
func TestDetailCodes(t *testing.T) {
	forms, said := detailForms(), map[DetailCode]bool{}
	say := func(at string, list ...ast.Expr) {
		for _, e := range list {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				code, _ := strconv.Unquote(lit.Value)
				if said[DetailCode(code)] = true; forms[DetailCode(code)] == "" && strings.ToLower(code) == code {
					t.Errorf("%s: %q has no sentence", at, code)
				}
			}
		}
	}
	count := 0
	read := func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		count++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch called := source(n.Fun); {
				case called == "Say" || called == "evidence.Say" || called == "detailOf":
					say(name, n.Args[0])
				case called == "Fail" || called == "evidence.Fail":
					say(name, n.Args[2])
				case strings.HasSuffix(called, ".Is"): // also of schemes, which begin with a capital
					say(name, n.Args...)
				}
			case *ast.CompositeLit:
				if m, ok := n.Type.(*ast.MapType); ok && strings.HasSuffix(source(m.Value), "DetailCode") {
					for _, e := range n.Elts {
						say(name, e.(*ast.KeyValueExpr).Value)
					}
				}
			case *ast.KeyValueExpr:
				if source(n.Key) == "Code" && filepath.Base(name) == "detail.go" {
					say(name, n.Value)
				}
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{"..", "../../probe"} {
		if err := filepath.WalkDir(dir, read); err != nil {
			t.Fatal(err)
		}
	}
	if count < 200 {
		t.Fatalf("%d files were read", count)
	}
	for c, form := range forms {
		if !said[c] {
			t.Errorf("%s is said nowhere", c)
		}
		if strings.Count(form, "{") != strings.Count(form, "}") {
			t.Errorf("%s: %q", c, form)
		}
	}
}

// source is a name as it is written.
func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	}
	return ""
}

func TestDetail(t *testing.T) {
	closed := &Failure{Code: ConnectionClosed, Text: "EOF"}
	for _, c := range []struct {
		d    *Detail
		want string
	}{
		{nil, ""},
		{Say("stopped"), "stopped"},
		{Say("type-1-answered", 403), "type 1 was answered 403 instead of a challenge"},
		{Say("no-address", "dc1:88", closed), "no address for the domain controller dc1:88 (EOF)"},
		{Say("no-address", "host-1:88", &Failure{Code: ConnectionClosed}), "no address for the domain controller host-1:88 (connection closed)"},
		{Say("also-in-spnego", Say("no-challenge"), Say("spnego-empty")), "type 1 was answered without a challenge; inside SPNEGO: the server's SPNEGO answer holds no challenge"},
		{Say("limit-reached", 1), "the limit of 1 refused logon (--max-rejections) is reached"},
		{Say("limit-reached", 2), "the limit of 2 refused logons (--max-rejections) is reached"},
		{Say("certificate-wrong-name", "", "a.b"), "the certificate is for no host name at all, not for a.b"},
		{Say("certificate-wrong-name", "1, 2, 3, 4, 5, 6, 7", "a.b"), "the certificate is for 1, 2, 3, 4, 5 and 2 more, not for a.b"},
		{Say("certificate-unusable", ""), "the certificate chain does not verify"},
		{&Detail{Code: "of-a-later-version"}, "of-a-later-version"},
		{&Detail{Code: "no-address"}, "no address for the domain controller  ()"},
		{Say("proxy-answered", "502", ""), "the proxy answered 502"},
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
	if !i.Logon.Detail.Is("server-ended") || i.Error.Detail != nil {
		t.Errorf("%v, %v", i.Logon.Detail, i.Error.Detail)
	}
}
