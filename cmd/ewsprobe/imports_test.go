package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/ewsprobe/ewsprobe"
	krb5   = "github.com/jcmturner/gokrb5/v8/"
)

// source is a file of the program, tests left out.
type source struct {
	pkg     string // inside the module, for example "ews/wire"
	name    string
	file    *ast.File
	imports []string
}

// sources are all of them, for every operating system.
func sources(t *testing.T) []source {
	t.Helper()
	list, err := readSources()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("only %d files were found", len(list))
	}
	return list
}

var readSources = sync.OnceValues(func() ([]source, error) {
	root := filepath.Join("..", "..")
	var list []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, raw, 0)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s := source{name: filepath.ToSlash(name), file: parsed}
		s.pkg = path.Dir(s.name)
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, p)
		}
		list = append(list, s)
		return nil
	})
	return list, err
})

// within says whether a package is one of those named: "ews/..." is ews and all
// below it.
func within(pkg string, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if above, ok := strings.CutSuffix(n, "/..."); ok {
			return pkg == above || strings.HasPrefix(pkg, above+"/")
		}
		return pkg == n
	})
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// Data flows one way: network, evidence, rules, report. Who may import what
// beside the standard library; a package of the module is written without the
// module's name.
func TestImportDirection(t *testing.T) {
	ruled := map[string]bool{}
	for _, rule := range []struct {
		pkg   string
		may   []string
		never []string // not even these of the standard library
	}{
		{pkg: "soap", may: []string{"ews/evidence", "probe/config/address", "github.com/beevik/etree", "golang.org/x/text/encoding/..."}, never: []string{"net", "net/http", "os"}},
		{pkg: "ews/evidence", never: []string{"net", "net/http", "os"}},
		{pkg: "ews/challenge", never: []string{"net", "net/http", "os"}},
		{pkg: "ews/secret", never: []string{"net", "net/http", "os"}},
		{pkg: "ews/front", may: []string{"ews/challenge", "ews/evidence", "github.com/google/uuid"}, never: []string{"net", "net/http", "os"}},
		{pkg: "ews/ntlm", may: []string{"github.com/Azure/go-ntlmssp", "golang.org/x/crypto/md4"}, never: []string{"net", "net/http", "os"}},
		{
			pkg: "ews/kerberos",
			may: []string{
				"ews/evidence", "github.com/jcmturner/gofork/encoding/asn1", "golang.org/x/crypto/cryptobyte/...",
				// Not its client, service or spnego packages: they dial, retry and listen.
				krb5 + "crypto", krb5 + "iana/...", krb5 + "keytab", krb5 + "messages", krb5 + "types",
			},
			never: []string{"net", "net/http", "os"},
		},
		{pkg: "ews/spnego", never: []string{"net", "net/http", "os"}},
		{pkg: "ews/wire", may: []string{"ews/evidence", "ews/challenge", "ews/secret", "golang.org/x/crypto/..."}},
		{pkg: "ews/standin", may: []string{
			"github.com/go-asn1-ber/asn1-ber", "github.com/go-jose/go-jose/v4/...", "github.com/google/uuid", "golang.org/x/crypto/md4", "golang.org/x/text/...", "golang.org/x/time/rate", "go.yaml.in/yaml/v3",
		}},
		{pkg: "ews", may: []string{"ews/challenge", "ews/evidence", "ews/ntlm", "ews/secret", "ews/wire", "probe/config/address", "soap"}, never: []string{"net/http", "os"}},
		{
			pkg:   "ews/signin",
			may:   []string{"ews", "ews/challenge", "ews/entra", "ews/evidence", "ews/ntlm", "ews/secret", "ews/spnego", "ews/wire", "soap", "github.com/alexbrainman/sspi"},
			never: []string{"net/http", "os"},
		},
		{pkg: "ews/directory", may: []string{"ews", "ews/evidence", "ews/kerberos", "ews/signin", "ews/wire", "probe/config/address", "github.com/go-ldap/ldap/v3", "github.com/go-asn1-ber/asn1-ber"}, never: []string{"net/http", "os"}},
		{
			pkg: "ews/entra",
			may: []string{
				"ews", "ews/evidence", "ews/wire", "github.com/golang-jwt/jwt/v5", "github.com/google/uuid", "software.sslmate.com/src/go-pkcs12",
			},
			never: []string{"net/http", "os"},
		},
		{pkg: "ews/cloud", may: []string{"ews", "ews/challenge", "ews/entra", "ews/evidence", "ews/front", "ews/wire"}, never: []string{"net/http", "os"}},
		{pkg: "ews/dataverse", may: []string{"ews", "ews/evidence", "ews/front", "ews/wire"}, never: []string{"net", "net/http", "os"}},
		{
			// net/http in probe and below it: its constants of the status codes, and in probe/config the proxy of the environment.
			// That nothing there is called that dials, TestWhoMayDoWhat says.
			pkg: "probe",
			may: []string{
				"ews", "ews/challenge", "ews/cloud", "ews/dataverse", "ews/directory", "ews/entra", "ews/evidence", "ews/front", "ews/ntlm", "ews/secret", "ews/signin", "ews/wire", "soap",
				"probe/dynamics", "probe/lockout", "golang.org/x/net/idna", "golang.org/x/net/publicsuffix",
			},
			never: []string{"crypto/tls", "os"},
		},
		{
			pkg: "cmd/ewsprobe",
			may: []string{
				"ews/evidence", "ews/standin", "probe/...", "github.com/mitchellh/go-wordwrap",
				"github.com/urfave/cli/v2", "github.com/zalando/go-keyring", "golang.org/x/sys/windows", "golang.org/x/term",
			},
			never: []string{"net", "net/http", "crypto/tls"},
		},
		{pkg: "ews/testkit", may: []string{"ews/standin", "github.com/go-asn1-ber/asn1-ber", "github.com/jcmturner/gofork/encoding/asn1", krb5 + "..."}, never: []string{"net/http", "os"}},
		{pkg: "probe/lockout", may: []string{"ews/evidence", "github.com/gofrs/flock", "golang.org/x/crypto/scrypt"}, never: []string{"net", "net/http", "crypto/tls"}},
		{pkg: "probe/batch", may: []string{"ews", "ews/evidence", "ews/signin", "soap", "probe", "probe/config/address", "probe/dynamics", "probe/finding", "probe/lockout", "probe/report", "probe/rule", "github.com/beorn7/perks/quantile", "github.com/gofrs/flock", "golang.org/x/time/rate"}, never: []string{"net", "crypto/tls"}},
		{pkg: "probe/finding", may: []string{"ews/evidence", "ews/front", "go.yaml.in/yaml/v3"}, never: []string{"net", "net/http", "os"}},
		{pkg: "probe/dynamics", may: []string{"ews/evidence", "ews/front", "probe/config/address", "golang.org/x/text/...", "go.yaml.in/yaml/v3"}, never: []string{"net", "net/http", "os", "time"}},
		{pkg: "probe/rule", may: []string{"ews/challenge", "ews/evidence", "ews/front", "probe/config/address", "probe/finding", "soap"}, never: []string{"net/http", "os", "crypto/tls"}},
		{pkg: "probe/redact", may: []string{"ews/challenge", "ews/evidence", "ews/front", "probe/finding", "probe/rule", "golang.org/x/net/publicsuffix"}, never: []string{"net", "net/http", "os", "time"}},
		{pkg: "probe/baseline", may: []string{"ews/evidence", "probe/finding", "go.yaml.in/yaml/v3"}, never: []string{"net", "net/http", "os"}},
		{pkg: "probe/config/address", never: []string{"net", "net/http", "os", "time"}},
		{
			pkg: "probe/config",
			may: []string{
				"ews", "ews/entra", "ews/evidence", "ews/front", "ews/kerberos", "ews/wire", "probe", "probe/lockout", "probe/baseline", "probe/batch", "probe/config/address", "probe/dynamics", "probe/report",
				"golang.org/x/text/...",
				"go.yaml.in/yaml/v3", "golang.org/x/crypto/x509roots/fallback/bundle", "golang.org/x/net/publicsuffix", "golang.org/x/sys/windows",
				"github.com/xrash/smetrics",
			},
			never: []string{"net", "crypto/tls"},
		},
		{pkg: "probe/agent/service", may: []string{"golang.org/x/sys/windows/svc/eventlog", "probe/config", "github.com/kardianos/service", "github.com/coreos/go-systemd/v22/daemon"}, never: []string{"net", "net/http", "crypto/tls"}},
		{
			pkg:   "probe/agent/peer",
			may:   []string{"ews/evidence", "ews/secret", "probe/agent/agentfile", "probe/agent/outbound", "probe/config", "probe/finding", "probe/report"},
			never: []string{"os", "crypto/tls"},
		},
		{pkg: "probe/agent/demo", may: []string{"ews/standin", "probe/config"}, never: []string{"net", "net/http", "crypto/tls"}},
		{pkg: "probe/agent/outbound", may: []string{"ews/wire", "probe/config"}},
		{
			pkg: "probe/agent/notify",
			may: []string{
				"ews/evidence", "ews/secret", "probe/agent", "probe/agent/agentfile", "probe/agent/history", "probe/agent/outbound", "probe/agent/service",
				"probe/config", "probe/finding", "probe/report", "github.com/wneessen/go-mail",
			},
			never: []string{"os"},
		},
		{pkg: "probe/agent/agentfile", may: []string{"github.com/adhocore/gronx", "probe", "probe/config", "probe/config/address", "probe/lockout", "go.yaml.in/yaml/v3"}, never: []string{"net/http", "crypto/tls"}},
		{pkg: "probe/agent/history", may: []string{"probe/finding", "modernc.org/sqlite/..."}, never: []string{"net", "net/http", "crypto/tls"}},
		{pkg: "probe/agent/metrics", may: []string{"probe/agent", "probe/finding", "probe/rule", "github.com/prometheus/client_golang/...", "go.yaml.in/yaml/v3"}, never: []string{"net", "os", "crypto/tls"}},
		{
			pkg: "probe/agent/web",
			may: []string{
				"ews/evidence", "probe/agent", "probe/agent/history", "probe/agent/metrics", "probe/agent/peer", "probe/config/address", "probe/diff", "probe/finding",
				"probe/report", "github.com/prometheus/exporter-toolkit/web", "go.yaml.in/yaml/v3",
			},
			never: []string{"crypto/tls"},
		},
		{
			pkg: "probe/agent",
			may: []string{
				"ews/evidence", "probe", "probe/agent/agentfile", "probe/agent/history", "probe/batch", "probe/config", "probe/diff", "probe/finding", "probe/lockout",
				"probe/report", "probe/rule", "github.com/gofrs/flock", "golang.org/x/sync/semaphore",
			},
			never: []string{"net/http", "crypto/tls"},
		},
		{pkg: "probe/guide", may: []string{"github.com/gomarkdown/markdown/...", "github.com/mitchellh/go-wordwrap", "go.yaml.in/yaml/v3"}, never: []string{"net", "net/http", "os", "time"}},
		{pkg: "probe/diff", may: []string{"ews/evidence", "ews/front", "probe/finding", "probe/rule", "soap"}, never: []string{"net", "net/http", "os"}},
		{pkg: "probe/report", may: []string{"probe/diff", "probe/redact", "ews/evidence", "ews/front", "probe/finding", "probe/rule", "github.com/mitchellh/go-wordwrap", "github.com/jedib0t/go-pretty/v6/..."}, never: []string{"net", "net/http", "os", "crypto/tls"}},
	} {
		files := 0
		ruled[rule.pkg] = true
		for _, s := range sources(t) {
			if s.pkg != rule.pkg {
				continue
			}
			files++
			for _, i := range s.imports {
				own := strings.TrimPrefix(strings.TrimPrefix(i, module), "/")
				if standard(i) && !slices.Contains(rule.never, i) || !standard(i) && within(own, rule.may...) {
					continue
				}
				t.Errorf("%s imports %s: a row of this test says what %s may import", s.name, i, s.pkg)
			}
		}
		if files == 0 {
			t.Errorf("there is no package %s", rule.pkg)
		}
	}
	for _, s := range sources(t) {
		if !ruled[s.pkg] && within(s.pkg, "ews/...", "probe/...", "cmd/...", "soap/...") {
			t.Errorf("%s: say here what %s may import", s.name, s.pkg)
		}
	}
}

// The same over every step of the way: what judges and renders reaches nothing
// that talks.
func TestNothingTalksBehindTheRules(t *testing.T) {
	direct := map[string][]string{}
	for _, s := range sources(t) {
		for _, i := range s.imports {
			if own, ok := strings.CutPrefix(i, module+"/"); ok {
				direct[s.pkg] = append(direct[s.pkg], own)
			}
		}
	}
	for _, from := range []string{"soap", "ews/evidence", "ews/challenge", "ews/front", "probe/finding", "probe/dynamics", "probe/rule", "probe/redact", "probe/diff", "probe/report"} {
		reached := map[string]bool{}
		var visit func(string)
		visit = func(pkg string) {
			for _, next := range direct[pkg] {
				if !reached[next] {
					reached[next] = true
					visit(next)
				}
			}
		}
		visit(from)
		for _, talker := range []string{"ews", "ews/cloud", "ews/dataverse", "ews/directory", "ews/signin", "ews/wire", "ews/standin", "probe", "probe/batch"} {
			if reached[talker] {
				t.Errorf("%s reaches %s", from, talker)
			}
		}
	}
}

// Packages for tests stay out of the program.
func TestTestPackagesStayOut(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports {
			if i == module+"/ews/testkit" {
				t.Errorf("%s imports %s", s.name, i)
			}
		}
	}
}

// What only some packages may do, by the names of what they would have to call.
func TestWhoMayDoWhat(t *testing.T) {
	for _, rule := range []struct {
		what string
		call []string
		only []string
	}{
		{
			"dials",
			[]string{
				"net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.DialIP", "net.DialUnix", "net.Dialer", "net.Resolver", "net.DefaultResolver",
				"net.LookupHost", "net.LookupIP", "net.LookupAddr", "net.LookupCNAME", "net.LookupMX", "net.LookupNS", "net.LookupSRV", "net.LookupTXT",
				"tls.Dial", "tls.DialWithDialer", "tls.Dialer", "tls.Client",
				"http.Client", "http.DefaultClient", "http.Get", "http.Head", "http.Post", "http.PostForm", "http.Transport", "http.DefaultTransport",
			},
			[]string{"ews", "ews/wire", "ews/testkit", "probe/agent/notify", "probe/agent/outbound"},
		},
		{
			"listens",
			[]string{
				"net.Listen", "net.ListenTCP", "net.ListenUDP", "net.ListenPacket", "net.ListenUnix", "net.ListenIP", "net.ListenConfig", "tls.Listen", "tls.NewListener", "tls.Server",
				"http.Server", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve", "http.ServeTLS",
			},
			[]string{"ews/standin", "ews/testkit", "probe/agent/web"},
		},
		{"ends the process", []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "syscall.Exit", "runtime.Goexit"}, []string{"cmd/..."}},
		{
			"prints",
			[]string{
				"fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr", "log.Print", "log.Printf", "log.Println", "log.Default", "slog.Info", "slog.Warn", "slog.Error", "slog.Debug",
			},
			[]string{"cmd/..."},
		},
		{"takes the password from outside", []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.Args", "term.ReadPassword"}, []string{"cmd/...", "probe", "probe/config", "ews/wire"}},
		{"runs programs", []string{"exec.Command", "exec.CommandContext", "os.StartProcess"}, nil},
	} {
		for _, s := range sources(t) {
			if within(s.pkg, rule.only...) {
				continue
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				if e, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := e.X.(*ast.Ident); ok && slices.Contains(rule.call, x.Name+"."+e.Sel.Name) {
						t.Errorf("%s %s: %s.%s", s.name, rule.what, x.Name, e.Sel.Name)
					}
				}
				return true
			})
		}
	}
}
