//go:build lab && linux

package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
)

var update = flag.Bool("update", false, "write matrix.txt again")

const (
	state  = "/run/ewsprobe-lab"
	table  = "matrix.txt"
	secret = "Passw0rd!good"
	wrong  = "Wr0ng!password"
)

// endpoints are the ports of apache.conf, bridge.py and haproxy.cfg. Where no
// address is given it is 127.0.0.20.
var endpoints = []struct {
	name      string
	port      int
	addresses []string
}{
	{"all", 8441, nil},
	{"windows", 8442, nil},
	{"basic", 8443, nil},
	{"kerberos", 8444, nil},
	{"form", 8446, nil},
	{"forbidden", 8447, nil},
	{"expired", 8451, nil},
	{"wrong-name", 8452, nil},
	{"self-signed", 8453, nil},
	{"tls10", 8454, nil},
	{"ep-off-basic", 8461, nil},
	{"ep-allow", 8462, nil},
	{"ep-require", 8463, nil},
	{"ep-require-basic", 8464, nil},
	{"ep-require-sha384", 8465, nil},
	{"negotiate", 8466, nil},
	{"spnego", 8460, nil},
	{"bridged", 8471, nil},
	{"bridged-basic", 8472, nil},
	{"bridged-require", 8473, nil},
	{"balanced", 8474, nil},
	{"balanced-windows", 8475, nil},
	{"closing", 8476, nil},
	{"unkept", 8477, nil},
	{"farm", 8441, []string{"127.0.0.20", "127.0.0.21"}},
}

// states are the accounts of accounts.py; user is what is typed.
var states = []struct{ name, user, password string }{
	{"good", "svc-crm@contoso.lab", secret},
	{"good, DOMAIN\\user", `CONTOSO\svc-crm`, secret},
	{"good, bare name", "svc-crm", secret},
	{"unknown", "svc-nosuch@contoso.lab", secret},
	{"wrong password", "svc-victim@contoso.lab", wrong},
	{"locked", "svc-locked@contoso.lab", secret},
	{"locked, wrong password", "svc-locked@contoso.lab", wrong},
	{"disabled", "svc-disabled@contoso.lab", secret},
	{"disabled, wrong password", "svc-disabled@contoso.lab", wrong},
	{"expired", "svc-expired@contoso.lab", secret},
	{"password expired", "svc-password-expired@contoso.lab", secret},
	{"must change", "svc-must-change@contoso.lab", secret},
	{"logon hours", "svc-hours@contoso.lab", secret},
	{"workstation", "svc-workstation@contoso.lab", secret},
	{"Protected Users", "svc-protected@contoso.lab", secret},
	{"smart card", "svc-smartcard@contoso.lab", secret},
	{"UPN, foreign suffix", "first.last@fabrikam.example", secret},
	{"non-ASCII password", "svc-unicode@contoso.lab", "Pässwörd!1€"},
}

// explained lets the domain controller say why an account is refused.
var explained = []string{"--explain-rejection", "--dc", "127.0.0.10"}

// more are checks by other means than a password, and by such as do not work.
var more = []struct {
	endpoint, account, profile string
	user, password             string
	args                       []string
}{
	{"kerberos", "good, keytab", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/svc-crm.keytab"}},
	{"ep-require", "good, keytab", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/svc-crm.keytab"}},
	{"ep-require-sha384", "good, keytab", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/svc-crm.keytab"}},
	{"bridged-require", "good, keytab", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/svc-crm.keytab"}},
	{"kerberos", "good, ticket", "negotiate", "", "", []string{"--ccache", state + "/svc-crm.ccache"}},
	{"ep-require", "good, ticket", "negotiate", "", "", []string{"--ccache", state + "/svc-crm.ccache"}},
	{"kerberos", "good, ticket that is over", "negotiate", "", "", []string{"--ccache", state + "/svc-crm-expired.ccache"}},
	{"kerberos", "good, keytab without the key", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/http.keytab"}},
	{"kerberos", "good, name of no service", "negotiate", "svc-crm@contoso.lab", "", []string{"--keytab", state + "/svc-crm.keytab", "--spn", "HTTP/nosuch.contoso.lab"}},
	{"all", "wrong password, no controller there", "basic", "svc-victim@contoso.lab", wrong, []string{"--explain-rejection", "--dc", "127.0.0.99"}},
	{"all", "wrong password, LDAP without TLS", "basic", "svc-victim@contoso.lab", wrong, []string{"--explain-rejection", "--dc", "127.0.0.10:389"}},
	{"all", "wrong password, LDAPS not trusted", "basic", "svc-victim@contoso.lab", wrong, []string{"--explain-rejection", "--dc", "127.0.0.20:8453"}},
	{"all", "wrong password, limit of one", "basic", "svc-victim@contoso.lab", wrong, append([]string{"--max-rejections", "1"}, explained...)},
	{"windows", "Protected Users, Kerberos", "negotiate", "svc-protected@contoso.lab", secret, nil},
	{"windows", "workstation, Kerberos", "negotiate", "svc-workstation@contoso.lab", secret, nil},
	{"basic", "good, DOMAIN\\user, domain named", "basic", `CONTOSO\svc-crm`, secret, []string{"--domain", "contoso.lab"}},
}

// A row is one check and what came of it.
type row struct {
	endpoint, account, profile string
	user, password             string
	args                       []string
	group                      string // rows that stand together in the table
	result                     string // the columns after these, tab-separated
}

func (r row) key() string { return r.endpoint + "\t" + r.account + "\t" + r.profile }

func rows() []*row {
	var all []*row
	for _, e := range endpoints {
		for _, profile := range []string{"basic", "ntlm", "negotiate"} {
			all = append(all,
				&row{group: e.name, endpoint: e.name, account: "good", profile: profile, user: "svc-crm@contoso.lab", password: secret},
				&row{group: e.name, endpoint: e.name, account: "wrong password", profile: profile, user: "svc-victim@contoso.lab", password: wrong})
		}
	}
	for _, s := range states {
		for _, at := range [][2]string{{"all", "basic"}, {"basic", "basic"}, {"windows", "ntlm"}} {
			r := &row{group: "account " + s.name, endpoint: at[0], account: s.name, profile: at[1], user: s.user, password: s.password}
			if s.name != "good" && s.name != "wrong password" { // above already
				all = append(all, r)
			}
			if s.name == "good" {
				continue
			}
			why := *r
			why.profile, why.args = r.profile+", explained", explained
			all = append(all, &why)
		}
	}
	for _, m := range more {
		all = append(all, &row{group: "more", endpoint: m.endpoint, account: m.account, profile: m.profile, user: m.user, password: m.password, args: m.args})
	}
	return all
}

const legend = `# What ewsprobe says at the laboratory's endpoints; go test -update writes it, a person judges it.
#
# account    the state, README.md has the names; profile: explained is --explain-rejection at the domain controller
# protection server.extended_protection
# verdict    primary verdict, its confidence and reason where the refusal has one; also: the other findings
# attempts   scheme or scheme/binding (right unless said): + accepted, - refused, ? unfinished; what was skipped is left out
# told       refused logons that the report owns up to
# counted    bad logons that the domain counted (badPwdCount, set to 0 before; the locked account stays locked)
`

var columns = []string{"endpoint", "account", "profile", "status", "verdict", "also", "protection", "attempts", "told", "counted"}

func TestMatrix(t *testing.T) {
	lock := exclusive(t)
	defer lock.Close()
	program := build(t)
	domain := openDomain(t)
	want := readTable(t)
	all := rows()
	ran := 0
	for _, r := range all {
		t.Run(strings.ReplaceAll(r.endpoint+"/"+r.account+"/"+r.profile, " ", "_"), func(t *testing.T) {
			ran++
			r.result = examine(t, program, domain, r)
			expected, known := want[r.key()]
			switch {
			case *update:
			case !known:
				t.Errorf("no such row; got\n%s", explain(r.result))
			case r.result != expected:
				t.Errorf("got\n%s\nwant\n%s", explain(r.result), explain(expected))
			}
		})
	}
	if ran == len(all) && !*update && len(want) != len(all) {
		t.Errorf("%s has %d rows, there are %d checks", table, len(want), len(all))
	}
	if *update && ran == len(all) {
		writeTable(t, all)
	}
}

func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "ewsprobe")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/ewsprobe").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// exclusive keeps a second run away: it would count into this one's accounts.
func exclusive(t *testing.T) *os.File {
	f, err := os.Create(state + "/test.lock")
	if err != nil {
		t.Fatalf("the laboratory is not up (make lab): %v", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal("another test of the laboratory is running")
	}
	return f
}

// domain asks accounts.py.
type domain struct {
	in  *os.File
	out *bufio.Scanner
}

func openDomain(t *testing.T) *domain {
	cmd := exec.Command("/usr/bin/python3", "accounts.py", "serve")
	cmd.Stderr = os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = r
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() {
		w.Close()
		cmd.Wait()
	})
	return &domain{w, bufio.NewScanner(out)}
}

func (d *domain) ask(t *testing.T, command, name string) int {
	t.Helper()
	fmt.Fprintln(d.in, command, name)
	if !d.out.Scan() {
		t.Fatalf("accounts.py %s %s: no answer", command, name)
	}
	n, err := strconv.Atoi(d.out.Text())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// accountName is the sAMAccountName of what is typed.
func accountName(user string) string {
	if user == "first.last@fabrikam.example" {
		return "svc-upn"
	}
	_, user, found := strings.Cut(`\`+user, `\`)
	if found {
		user = user[strings.LastIndex(user, `\`)+1:]
	}
	name, _, _ := strings.Cut(user, "@")
	return name
}

type report struct {
	Verdict  struct{ Code, Status, Confidence, Reason string }
	Findings []struct{ Code string }
	Server   struct {
		Protection string `json:"extended_protection"`
	}
	Attempts []struct {
		Scheme, Mechanism, Result, Address string
		Binding                            string `json:"channel_binding"`
		Counted                            bool
	}
}

func examine(t *testing.T, program string, d *domain, r *row) string {
	account := accountName(r.user)
	if account == "" {
		account = "svc-crm" // a ticket's
	}
	exists := account != "svc-nosuch"
	before := 0
	if exists && account != "svc-locked" {
		d.ask(t, "unlock", account)
	}
	if exists {
		before = d.ask(t, "get", account)
	}
	got, output := check(t, program, r)
	counted := 0
	if exists {
		counted = d.ask(t, "get", account) - before
	}
	if r.password != "" && bytes.Contains(output, []byte(r.password)) {
		t.Errorf("the password is in the report")
	}
	told := 0
	var attempts []string
	for _, a := range got.Attempts {
		if a.Mechanism == "Kerberos" {
			a.Scheme += "/Kerberos"
		}
		if a.Counted {
			told++
		}
		sign := map[string]string{"accepted": "+", "refused": "-", "unfinished": "?"}[a.Result]
		if sign == "" {
			continue
		}
		if a.Binding != "" && a.Binding != "right" {
			a.Scheme += "/" + a.Binding
		}
		attempts = append(attempts, a.Scheme+sign)
	}
	if counted > told {
		t.Errorf("the domain counted %d bad logons, the report tells of %d", counted, told)
	}
	if counted > 2 {
		t.Errorf("the domain counted %d bad logons, more than --max-rejections", counted)
	}
	verdict := got.Verdict.Code + " " + got.Verdict.Confidence
	if got.Verdict.Reason != "" {
		verdict += " (" + got.Verdict.Reason + ")"
	}
	var also []string
	for i, f := range got.Findings {
		if i > 0 || f.Code != got.Verdict.Code {
			also = append(also, f.Code)
		}
	}
	fields := []string{got.Verdict.Status, verdict, strings.Join(also, " "), got.Server.Protection, strings.Join(attempts, " "), strconv.Itoa(told), strconv.Itoa(counted)}
	for i, f := range fields {
		if f == "" {
			fields[i] = "."
		}
	}
	return strings.Join(fields, "\t")
}

// check runs the program with a memory of its own, so that an earlier refusal
// does not hold it back.
func check(t *testing.T, program string, r *row) (report, []byte) {
	profile, _, _ := strings.Cut(r.profile, ",")
	args := []string{"check", "--format", "json", "--ca-file", state + "/pki/ca.pem", "--profile-auth", profile, "--timeout", "20s"}
	if r.user != "" {
		args = append(args, "--user", r.user)
	}
	args = append(args, r.args...)
	port := 0
	for _, e := range endpoints {
		if e.name == r.endpoint {
			port = e.port
			if e.addresses == nil {
				e.addresses = []string{"127.0.0.20"}
			}
			for _, a := range e.addresses {
				args = append(args, "--address", a)
			}
		}
	}
	args = append(args, fmt.Sprintf("https://mail.contoso.lab:%d/EWS/Exchange.asmx", port))
	cmd := exec.Command(program, args...)
	krb5, err := filepath.Abs("krb5.conf")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "EWSPROBE_PASSWORD="+r.password, "KRB5_CONFIG="+krb5)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, trouble.Bytes())
	}
	if code := map[string]int{"ok": 0, "warning": 1, "critical": 2, "unknown": 3}[got.Verdict.Status]; code != cmd.ProcessState.ExitCode() {
		t.Errorf("exit code %d with status %s", cmd.ProcessState.ExitCode(), got.Verdict.Status)
	}
	return got, append(out, trouble.Bytes()...)
}

func explain(result string) string {
	var b strings.Builder
	for i, f := range strings.Split(result, "\t") {
		fmt.Fprintf(&b, "\t%-11s %s\n", columns[min(i+3, len(columns)-1)], f)
	}
	return strings.TrimRight(b.String(), "\n")
}

// readTable splits at two or more spaces.
func readTable(t *testing.T) map[string]string {
	data, err := os.ReadFile(table)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var fields []string
		for f := range strings.SplitSeq(line, "  ") {
			if f = strings.TrimSpace(f); f != "" {
				fields = append(fields, f)
			}
		}
		if fields[0] == columns[0] {
			continue
		}
		if len(fields) != len(columns) {
			t.Fatalf("%s: %d columns in %q", table, len(fields), line)
		}
		key := strings.Join(fields[:3], "\t")
		if _, twice := want[key]; twice {
			t.Fatalf("%s: %q stands twice", table, key)
		}
		want[key] = strings.Join(fields[3:], "\t")
	}
	return want
}

func writeTable(t *testing.T, all []*row) {
	var b bytes.Buffer
	b.WriteString(legend)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n"+strings.Join(columns, "\t"))
	for i, r := range all {
		if i > 0 && all[i-1].group != r.group {
			fmt.Fprintln(w, strings.Repeat("\t", len(columns)-1))
		}
		fmt.Fprintln(w, r.key()+"\t"+r.result)
	}
	w.Flush()
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if err := os.WriteFile(table, []byte(strings.Join(lines, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
}
