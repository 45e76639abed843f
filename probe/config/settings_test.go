package config

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestOneLineForEachKey: every line of Settings is a flag, a variable, a key of the
// agent's file, and has its help and its part of the schema, all by one declaration.
func TestOneLineForEachKey(t *testing.T) {
	fields := 0
	for i := range reflect.TypeFor[Settings]().NumField() {
		if f := reflect.TypeFor[Settings]().Field(i); f.Anonymous {
			fields += f.Type.NumField()
		}
	}
	names := map[string]bool{}
	for _, command := range []string{"check", "batch", "agent", "diagnose"} {
		s := New(command, "1.0")
		for _, k := range s.Keys.List {
			names[k.Name] = true
			value := map[bool]string{true: "1", false: "true"}[k.Value() == "N" || k.Value() == "DAYS" || k.counts()]
			switch {
			case len(k.Values) > 0:
				value = k.Values[0]
			case k.Value() == "TIME":
				value = "1m"
			case k.TakesValue() && value != "1":
				value = "x"
			}
			for source, read := range map[string]func(*Settings){
				"flag": func(s *Settings) { s.Keys.Parse([]string{k.Flag() + "=" + value}) },
				"variable": func(s *Settings) {
					s.Keys.Variables(func(v string) string { return map[string]string{k.Variable(): value}[v] })
				},
				"yaml": func(s *Settings) {
					var node yaml.Node
					if err := yaml.Unmarshal([]byte(k.YAML()+": "+map[bool]string{true: "[" + value + "]", false: value}[k.field.Kind() == reflect.Slice]), &node); err != nil {
						t.Fatal(err)
					}
					s.Keys.YAML(&node, Place{File: "f"}, nil)
				},
			} {
				s := New(command, "1.0")
				read(s)
				if err := s.Keys.Err(); err != nil || !s.Given(k.Name) {
					t.Errorf("%s: --%s by %s: %v", command, k.Name, source, err)
				}
			}
			if k.Help == "" || k.Group == "" || k.Schema()["type"] == nil || len(k.Help) > 120 {
				t.Errorf("--%s: help %q, group %q, schema %v", k.Name, k.Help, k.Group, k.Schema())
			}
		}
	}
	if len(names) != fields {
		t.Errorf("%d fields, %d keys", fields, len(names))
	}
	if _, err := json.Marshal(New("agent", "1.0").Keys.Schema()); err != nil {
		t.Error(err)
	}
}

func TestKebab(t *testing.T) {
	for field, want := range map[string]string{
		"ClientID": "client-id", "CAFile": "ca-file", "DynamicsURL": "dynamics-url", "DC": "dc", "NoUserAgentProbe": "no-user-agent-probe", "ExchangeOnlineURL": "exchange-online-url",
	} {
		if got := kebab(field); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

// A flag wins over a variable, a variable over a profile, a profile over the default.
func TestWhoWins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profile.csv")
	profile := "name,incomingserverlocation,incomingauthenticationprotocol,incomingusername,incomingcredentialretrieval\n" +
		"p,https://profile.contoso.com/EWS/Exchange.asmx,2,profile@contoso.com,1\n"
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line              string
		env               map[string]string
		auth, user, where string
	}{
		{"--user u h.example", nil, "basic", "u", "h.example"},
		{"--profile FILE", nil, "ntlm", "profile@contoso.com", "profile.contoso.com"},
		{"--profile FILE h.example", map[string]string{"EWSPROBE_PROFILE_AUTH": "negotiate"}, "negotiate", "profile@contoso.com", "h.example"},
		{"h.example --profile-auth basic", map[string]string{"EWSPROBE_PROFILE_AUTH": "negotiate", "EWSPROBE_USER": "v", "EWSPROBE_PROFILE": file}, "basic", "v", "h.example"},
		{"h.example --user f", map[string]string{"EWSPROBE_USER": "v", "EWSPROBE_VIEW": ""}, "basic", "f", "h.example"},
	} {
		cfg := configured(t, strings.ReplaceAll(c.line, "FILE", file), c.env)
		if cfg.ProfileAuth != c.auth || cfg.User != c.user || cfg.URL.Hostname() != c.where {
			t.Errorf("%s: %s, %s, %s", c.line, cfg.ProfileAuth, cfg.User, cfg.URL)
		}
	}
}

// A flag puts aside what the environment says and it cannot go with.
func TestFlagAgainstVariable(t *testing.T) {
	env := map[string]string{"EWSPROBE_USER": "u", "EWSPROBE_PASSWORD_FILE": "p", "EWSPROBE_EACH_ADDRESS": "true", "EWSPROBE_KEYTAB": "nowhere"}
	cfg := configured(t, "--no-credentials --address 10.0.0.1 h.example", env)
	if cfg.EachAddress || !slices.Equal(cfg.Addresses, []string{"10.0.0.1:443"}) {
		t.Errorf("%v %v", cfg.EachAddress, cfg.Addresses)
	}
	if _, err := settled("--each-address --address 10.0.0.1 --no-credentials h.example", nil); err == nil {
		t.Error("two flags that exclude each other are taken")
	}
}

// Where the flags are, and what is none.
func TestFlags(t *testing.T) {
	for _, c := range []struct{ line, rest, user, problem string }{
		{"--user u h", "h", "u", ""},
		{"h --user u", "h", "u", ""},
		{"h --user=u -v -vv", "h", "u", ""},
		{"-user u h", "h", "u", ""},
		{"--user u -- --h", "--h", "u", ""},
		{"--user u - -2147220956", "- -2147220956", "u", ""},
		{"--user u --user w h", "h", "w", ""},
		{"--timeout -5s --user u h", "h", "u", "--timeout -5s is out of range; use 1s to 1h"},
		{"h --user", "h", "", "--user needs a value"},
		{"--usr u h", "h", "", "there is no flag --usr; did you mean --user?"},
		{"-u x:S3cret h", "h", "", "there is no flag -u; use --user"},
		{"-a x:S3cret h", "h", "", "there is no flag -a; use --user"},
		{"-H h", "h", "", "there is no flag -H; give the EWS URL or the host name without a flag"},
		{"--user ${NAME} h", "h", "", "--user contains the variable ${NAME}, which nothing has replaced; give its value"},
		{"--ntlm h", "h", "", "there is no flag --ntlm; use --profile-auth ntlm"},
		{"/user:x h", "h", "", "flags begin with two hyphens; type --user"},
		{"--xyzzy h", "h", "", "there is no flag --xyzzy; see `ewsprobe check --help-all`"},
		{"-z h", "h", "", "there is no flag -z; see `ewsprobe check --help-all`"},
		{"--user= h", "h", "", "--user is empty; give a value, or leave the flag out"},
		{"--impersonate true --user u h", "h", "u", ""},
		{"h --user u \\", "h", "u", `\ stands alone: it continues a line in another shell, not in this one; write the command in one line`},
		{"--impersonate=maybe h", "h", "", `--impersonate "maybe" is neither true nor false`},
		{"--password S3cret h", "S3cret h", "", "no flag takes the password, because process lists are public; use --password-file FILE, EWSPROBE_PASSWORD or the prompt"},
	} {
		s := New("check", "1.0")
		rest := strings.Join(s.Keys.Parse(strings.Fields(c.line)), " ")
		problem := ""
		if err := s.Keys.Err(); err != nil {
			problem = err.Error()
		}
		if rest != c.rest || s.User != c.user || problem != c.problem {
			t.Errorf("%s: rest %q, user %q: %s", c.line, rest, s.User, problem)
		}
		if strings.Contains(c.line, "-vv") && s.Verbose != 3 {
			t.Errorf("%s: %d", c.line, s.Verbose)
		}
	}
}

// Everything that is wrong with a target of the agent's file is told at once, each
// with its place, in the names of that file.
func TestYAML(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"target: mail.contoso.com\nuser: svc\ntimeout: 45s\naddress: [10.0.0.1]\ncert_warn: 10\nimpersonate: true\nmailbox: anna@contoso.com", ""},
		{"target: h.example\nno_credentials: yes\nuser: 5", "(1) f:2:17: no_credentials must be true or false; (2) f:3:7: user must be text (put it in quotes)"},
		{"target: h.example\nuser: u\nusr: w", "f:3:1: there is no key usr; did you mean user?"},
		{"target: h.example\nuser: u\nuser: w", "f:3:1: user is given twice"},
		{"target: h.example\nuser: u\ntimeout:", "f:3:1: timeout has no value"},
		{"target: h.example\nuser: u\ntimeout: 30", "f:3:10: timeout must be a time with a unit, like 30s or 2m"},
		{"target: h.example\nuser: u\ntimeout: 2h", "f:3:10: timeout 2h is out of range; use 1s to 1h"},
		{"target: h.example\nuser: u\nprofile_auth: kerberos", `f:3:15: profile_auth "kerberos" is unknown; use basic, ntlm, negotiate, oauth or auto`},
		{"target: h.example\nuser: u\naddress: 10", "f:3:10: address must be text or a list of texts"},
		{"target: h.example\nuser: u\nca-file: x", "f:3:1: there is no key ca-file; did you mean ca_file?"},
		{"target: h.example\nuser: A/u\nca_file: nowhere.pem", "(1) f:2:7: user contains a slash; give A\\u or user@domain; (2) f:3:10: ca_file nowhere.pem cannot be read (no such file or folder)"},
		{"name: other\ntarget: h.example\nuser: u", ""},
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(c.text), &node); err != nil {
			t.Fatal(err)
		}
		s := New("agent", "1.0")
		s.Keys.YAML(&node, Place{File: "f"}, func(key string, _ *yaml.Node) bool { return key == "name" })
		_, err := s.Config(context.Background(), func(string) string { return "" })
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
		var p Problems
		if errors.As(err, &p) && !p.Invalid() {
			t.Errorf("%s: not config-invalid", c.text)
		}
	}
}

// Every default holds in every command, also of keys that it has not.
func TestDefaults(t *testing.T) {
	for _, command := range []string{"check", "batch", "agent"} {
		s := New(command, "1.0")
		if s.Timeout != 30*time.Second || s.MaxRejections != 2 || s.CertWarn != 30 || s.ProfileAuth != "basic" || s.Format != "text" || s.UserAgent != "ewsprobe/1.0" || s.Concurrency != 10 {
			t.Errorf("%s: %+v", command, s)
		}
	}
}

// Which commands have a key: those of its group, others beside them, or its own.
func TestCommandsOfKeys(t *testing.T) {
	for key, want := range map[string]string{
		"user": "check batch agent", "entra-url": "check batch agent dynamics", "dynamics-client-id": "check batch agent dynamics",
		"server-profile": "batch agent", "save": "check batch diagnose dynamics", "baseline": "check batch diagnose agent", "watch": "check",
	} {
		for _, command := range []string{"check", "batch", "agent", "dynamics", "diagnose"} {
			has := New(command, "1.0").Keys.Find(key) != nil
			if has != slices.Contains(strings.Fields(want), command) {
				t.Errorf("%s has --%s: %v", command, key, has)
			}
		}
	}
}

// A reason has the same words on every system: Windows has other numbers for the network.
func TestReason(t *testing.T) {
	for err, want := range map[error]string{
		fs.ErrNotExist: "no such file or folder", fs.ErrPermission: "permission denied", errors.New("it is a folder"): "it is a folder",
		syscall.EADDRINUSE: "the port is in use", syscall.Errno(10048): "the port is in use",
		syscall.EADDRNOTAVAIL: "this machine does not have the address", syscall.Errno(10049): "this machine does not have the address",
	} {
		if got := Reason(&fs.PathError{Op: "listen", Path: "x", Err: err}); got != want {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// A mailbox that is given as it was copied is the same one wherever it is read.
func TestMailboxAsCopied(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRw.c2ln"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New("check", "1.0")
	s.Argument(s.Keys.Parse([]string{
		"--mailbox", "Anna Smith <anna@contoso.com>", "--no-credentials", "--dynamics-url", "https://contoso.crm4.dynamics.com", "--dynamics-token-file", token,
	}))
	auto := true
	s.TakeDynamics(&evidence.Profile{AutoDiscover: &auto})
	e, err := s.Environment(t.Context())
	if err != nil || e.Mailbox != "anna@contoso.com" {
		t.Errorf("%+v, %v", e, err)
	}
	cfg, err := s.Config(t.Context(), func(string) string { return "" })
	if err != nil || cfg.Mailbox != "anna@contoso.com" || cfg.FromAddress != "anna@contoso.com" {
		t.Errorf("%q, %q, %v", cfg.Mailbox, cfg.FromAddress, err)
	}
}

// The path of a secret, which other programs take in a variable, is not sent as the password.
func TestPathInThePasswordVariable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("Summer2026x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		file: "EWSPROBE_PASSWORD is the path of a file, not the password; use --password-file for it", file + "x": "", "/Summer/2026": "", "/": "", "%Summer%": "", "a${b}": "",
		"$(Password)": "EWSPROBE_PASSWORD contains a variable, which nothing has replaced; give its value, or save the password in a file and use --password-file",
	} {
		text, err := PasswordSources{Env: func(string) string { return value }}.Read(t.Context(), "", "svc")
		if want != "" && (value != file || filepath.Separator == '/') {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v", value, err)
			}
		} else if text != value || err != nil {
			t.Errorf("%s: %q, %v", value, text, err)
		}
	}
}
