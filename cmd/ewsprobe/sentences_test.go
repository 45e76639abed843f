package main

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// foreign are texts of others that this program looks at because they come in no
// other form: package, text, whose it is.
var foreign = [][3]string{
	{"ews/wire", "failed to parse certificate from server: ", "crypto/tls has no type for this error"},
	{"ews/wire", "selected unsupported protocol version", "crypto/tls has no type for this error"},
	{"ews/wire", "chose an unconfigured cipher suite", "crypto/tls has no type for this error"},
	{"ews/cloud", "Exchange Online", "Autodiscover's ServerLocation"},
	{"cmd/ewsprobe", "org.freedesktop.secrets was not provided", "D-Bus"},
	{"cmd/ewsprobe", "failed to unlock", "the Secret Service"},
	{"ews/wire", "remote error", "net.OpError of crypto/tls: an alert that came"},
	{"ews/wire", "local error", "net.OpError of crypto/tls: an alert that was sent"},
	{"ews/entra", "PRIVATE KEY", "a label of PEM (RFC 7468)"},
	{"ews/entra", "ENCRYPTED PRIVATE KEY", "a label of PEM"},
	{"ews/entra", "RSA PRIVATE KEY", "a label of PEM"},
	{"ews/entra", "EC PRIVATE KEY", "a label of PEM"},
	{"probe/rule", "Trace ID:", "Entra's error_description"},
	{"probe/rule", "mailbox with such guid", "Exchange's message where it has no code of its own"},
}

// comparing are the functions of package strings that look for one text in
// another, by the place of the text looked for.
var comparing = map[string]int{
	"HasPrefix": 1, "HasSuffix": 1, "Contains": 1, "Cut": 1, "CutPrefix": 1, "CutSuffix": 1, "Index": 1, "LastIndex": 1, "Count": 1,
	"Replace": 1, "ReplaceAll": 1, "Split": 1, "SplitN": 1, "TrimPrefix": 1, "TrimSuffix": 1, "EqualFold": 1, "Equal": 1,
}

// twoWords is a piece of a sentence: at least a word and a blank beside it.
var twoWords = regexp.MustCompile(`\pL\pL+[ ,:]+\pL|^\pL\pL+ $`)

// No sentence is data: nothing in the program compares with a piece of one, its
// own or another's, but for the texts in foreign.
func TestNoSentenceIsComparedWith(t *testing.T) {
	used := map[int]bool{}
	for _, s := range sources(t) {
		if s.pkg == "ews/standin" || strings.HasPrefix(s.pkg, "testdata") {
			continue // it plays servers; a bench is no part of the program
		}
		constants := map[string]string{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						constants[name.Name] = text(v.Values[i], nil)
					}
				}
			}
			return true
		})
		look := func(e ast.Expr) {
			words := text(e, constants)
			if !twoWords.MatchString(words) {
				return
			}
			at := slices.IndexFunc(foreign, func(f [3]string) bool { return f[0] == s.pkg && f[1] == words })
			if at < 0 {
				t.Errorf("%s compares with the sentence %q", path.Base(s.name), words)
			}
			used[at] = true
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch v := n.(type) {
			case *ast.CallExpr:
				if f, ok := v.Fun.(*ast.SelectorExpr); ok {
					p, _ := f.X.(*ast.Ident)
					if at, compares := comparing[f.Sel.Name]; compares && p != nil && (p.Name == "strings" || p.Name == "bytes") && at < len(v.Args) {
						look(v.Args[at])
					}
				}
			case *ast.BinaryExpr:
				if v.Op == token.EQL || v.Op == token.NEQ {
					look(v.X)
					look(v.Y)
				}
			case *ast.CaseClause:
				for _, e := range v.List {
					look(e)
				}
			}
			return true
		})
	}
	for i, f := range foreign {
		if !used[i] {
			t.Logf("%s does not compare with %q any more", f[0], f[1])
		}
	}
}

// text is the string that an expression is: a literal, a constant of the file,
// or these put together.
func text(e ast.Expr, constants map[string]string) string {
	switch v := e.(type) {
	case *ast.BasicLit:
		if v.Kind == token.STRING {
			s, _ := strconv.Unquote(v.Value)
			return s
		}
	case *ast.Ident:
		return constants[v.Name]
	case *ast.BinaryExpr:
		if v.Op == token.ADD {
			return text(v.X, constants) + text(v.Y, constants)
		}
	case *ast.CallExpr: // []byte("...")
		if len(v.Args) == 1 {
			if _, ok := v.Fun.(*ast.ArrayType); ok {
				return text(v.Args[0], constants)
			}
		}
	}
	return ""
}
