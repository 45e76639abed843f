package report

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// records are saved checks of the stand-in; beside each stand the texts made of
// it for a pipe, for a terminal of 80 and for one of 40 columns.
func records(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/records/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	return files
}

func load(t *testing.T, file string) Report {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Load(raw)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return New(rec, "0.0.0-test")
}

func TestTextGolden(t *testing.T) {
	for _, file := range records(t) {
		for ending, style := range map[string]Style{".txt": {}, ".80.txt": {Width: 80}, ".40.txt": {Width: 40}} {
			name := strings.TrimSuffix(file, ".json") + ending
			t.Run(filepath.Base(name), func(t *testing.T) {
				got := shown(load(t, file), "text", style)
				if *update {
					if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("text differs from %s (-want +got); -update rewrites it:\n%s", name, diff)
				}
				for _, line := range strings.Split(got, "\n") {
					// Commands, links and names are never broken: they are to be copied.
					if style.Width > 0 && utf8.RuneCountInString(line) > style.Width && strings.Count(strings.TrimSpace(line), " ") > 0 &&
						!isCommand(line) {
						t.Errorf("wider than %d columns: %q", style.Width, line)
					}
				}
			})
		}
	}
}

func isCommand(line string) bool {
	line = strings.TrimSpace(line)
	for _, verb := range []string{"ewsprobe ", "Get-", "Set-", "New-", "Test-", "Select-"} {
		if strings.HasPrefix(line, verb) {
			return true
		}
	}
	return false
}

// The first line is the answer, whatever reads it.
func TestTextBeginsWithTheAnswer(t *testing.T) {
	for _, file := range records(t) {
		r := load(t, file)
		first, _, _ := strings.Cut(shown(r, "text", Style{}), "\n")
		if want := strings.ToUpper(string(r.Verdict.Status)) + "  " + string(r.Verdict.Code) + "  "; !strings.HasPrefix(first, want) {
			t.Errorf("%s begins %q, want %q", file, first, want)
		}
	}
}

// A usual fault is one look at a terminal; with -v nothing of it is left out.
func TestTextInAGlance(t *testing.T) {
	for _, name := range []string{
		"basic-off", "wrong-password", "ep-bridged-basic", "impersonation-denied", "untrusted-certificate", "redirect-form",
		"exchange-online", "insecure", "profile-at-online", "slow-logon",
	} {
		r := load(t, "../../testdata/records/"+name+".json")
		got := shown(r, "text", Style{Width: 80})
		n := 0 // as a terminal shows them, which breaks long commands
		for line := range strings.Lines(got) {
			n += max(1, (utf8.RuneCountInString(line)-1+79)/80)
		}
		if n > 40 {
			t.Errorf("%s has %d lines:\n%s", name, n, got)
		}
		lines := strings.Split(strings.TrimSpace(got), "\n")
		if last, want := lines[len(lines)-1],
			strings.ToUpper(string(r.Verdict.Status))+"  "+string(r.Verdict.Code)+"  "; !strings.HasPrefix(last, want) {
			t.Errorf("%s ends with %q, not with the verdict", name, last)
		}
		whole := strings.Join(strings.Fields(shown(r, "text", Style{Width: 80, Whole: true})), " ")
		for _, m := range r.Findings[0].Remedies {
			if !strings.Contains(whole, strings.Join(strings.Fields(m.Text), " ")) || !strings.Contains(whole, m.Link) {
				t.Errorf("%s: -v leaves out %q", name, m.Text)
			}
		}
		if strings.Contains(whole, "add -v; ") || !strings.Contains(got, "add -v; what it means: ewsprobe explain "+string(r.Verdict.Code)) {
			t.Errorf("%s: where the rest is:\n%s", name, got)
		}
	}
}

// What is folded ends where a reader would stop.
func TestFold(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Short.", "Short."},
		{"The first at 10.0.0.11:443 ends here. The second goes on and on.", "The first at 10.0.0.11:443 ends here."},
		{"One sentence, that lists its reasons: the first, the second, the third.", "One sentence, that lists its reasons …"},
		{"Eine Ursache ist das Änderungsdatum (siehe Anhang), und noch mehr davon.", "Eine Ursache ist das Änderungsdatum …"},
		{strings.Repeat("ä", 60), strings.Repeat("ä", 44) + "…"},
	} {
		if got := fold(c.text, 45); got != c.want {
			t.Errorf("%q became %q, want %q", c.text, got, c.want)
		}
	}
}

// An attempt has the time of the day here, in a whole report that of UTC.
func TestTimeOfAttempts(t *testing.T) {
	r := load(t, "../../testdata/records/wrong-password.json")
	zone := time.FixedZone("CET", 3600)
	if got := shown(r, "text", Style{Zone: zone}); !strings.Contains(got, "401  22:58:07 CET  refused") {
		t.Error(got)
	}
	for format, style := range map[string]Style{"text": {Zone: zone, Whole: true}, "html": {}, "markdown": {}} {
		if got := shown(r, format, style); !strings.Contains(got, "2026-11-23 21:58:07") {
			t.Errorf("%s has no time in UTC: %s", format, got)
		}
	}
}

// What Autodiscover answered is there where the line is folded; its URL is cut first.
func TestFoldedAutodiscover(t *testing.T) {
	r := load(t, "../../testdata/records/wrong-password.json")
	item := r.Evidence[0]
	const url, offers = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml", "401  offers Negotiate, NTLM, Basic"
	item.Step, item.Request = evidence.StepAutodiscoverAsk, &evidence.Request{URL: url}
	r.Evidence = []evidence.Item{item}
	for tight, want := range map[int]string{0: url + ": " + offers, folding: offers + " …"} {
		if got := fold(rows("seen-autodiscover", view{r, Style{tight: tight}})[0][1], limitsOf["fact"][tight]); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// Saving, loading and judging again changes nothing.
func TestJSONRoundTrip(t *testing.T) {
	for _, file := range records(t) {
		once, err := load(t, file).JSON()
		if err != nil {
			t.Fatal(err)
		}
		rec, err := Load(once)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := New(rec, "0.0.0-test").JSON()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(once), string(twice)); diff != "" {
			t.Errorf("%s (-once +twice):\n%s", file, diff)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	good, err := os.ReadFile(records(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("the record does not hold %s", old)
		}
		return strings.Replace(string(good), old, new, 1)
	}
	tests := []struct {
		name, raw string
		want      error
	}{
		{"empty", "", ErrDamaged},
		{"cut", string(good[:len(good)/2]), ErrDamaged},
		{"two in one", string(good) + string(good), ErrDamaged},
		{"not JSON", "CRITICAL  basic-disabled", ErrForeign},
		{"other JSON", `{"schema": "nmap/1"}`, ErrForeign},
		{"no schema", `{}`, ErrForeign},
		{"a list", `[]`, ErrForeign},
		{"a batch row", `{"schema": "ewsprobe/row/1"}`, ErrForeign},
		{"from the future", `{"schema": "ewsprobe/report/2"}`, ErrNewer},
		{"no evidence", `{"schema": "ewsprobe/report/1", "started": "2026-11-23T12:00:00Z"}`, ErrDamaged},
		{"unknown profile", edit(`"profile_auth": "`, `"profile_auth": "x`), ErrDamaged},
		{"doubled identifier", edit(`"id": "e2"`, `"id": "e1"`), ErrDamaged},
		{"text for a number", edit(`"connection": 1`, `"connection": "one"`), ErrDamaged},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load([]byte(c.raw))
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// A logon at a domain controller has no HTTP answer: what it is called must be
// what the controller said.
func TestLoadBelievesControllersOnly(t *testing.T) {
	raw, err := os.ReadFile(records(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	code := func(n int) *int { return &n }
	ldaps := func(result evidence.Result, b *evidence.Bind) evidence.Item {
		return evidence.Item{Step: evidence.StepDirectoryBind, Bind: b, Logon: &evidence.Logon{Scheme: evidence.SchemeLDAPS, Result: result}}
	}
	kdc := func(result evidence.Result, k *evidence.Kerberos) evidence.Item {
		return evidence.Item{Step: evidence.StepKDCLogon, Kerberos: k, Logon: &evidence.Logon{Scheme: evidence.SchemeKerberos, Result: result}}
	}
	for _, c := range []struct {
		name string
		item evidence.Item
		good bool
	}{
		{"accepted bind", ldaps(evidence.Accepted, &evidence.Bind{Result: code(0)}), true},
		{"refused bind", ldaps(evidence.Refused, &evidence.Bind{Result: code(49), Data: "775"}), true},
		{"bind not sent", ldaps(evidence.Skipped, nil), true},
		{"bind without an answer", ldaps(evidence.Unfinished, &evidence.Bind{Problem: evidence.NoAnswer}), true},
		{"accepted without an answer", ldaps(evidence.Accepted, &evidence.Bind{}), false},
		{"accepted, and refused", ldaps(evidence.Accepted, &evidence.Bind{Result: code(49)}), false},
		{"refused, and accepted", ldaps(evidence.Refused, &evidence.Bind{Result: code(0)}), false},
		{"accepted without anything", ldaps(evidence.Accepted, nil), false},
		{"ticket-granting ticket", kdc(evidence.Accepted, &evidence.Kerberos{EncType: "aes256-cts-hmac-sha1-96"}), true},
		{"key refused", kdc(evidence.Refused, &evidence.Kerberos{Code: 24, Error: "KDC_ERR_PREAUTH_FAILED"}), true},
		{"accepted with an error", kdc(evidence.Accepted, &evidence.Kerberos{Error: "KDC_ERR_PREAUTH_FAILED", EncType: "x"}), false},
		{"accepted without a ticket", kdc(evidence.Accepted, &evidence.Kerberos{}), false},
		{"refused without an error", kdc(evidence.Refused, &evidence.Kerberos{}), false},
		{"a result of another kind", kdc("perhaps", &evidence.Kerberos{}), false},
		{"an Autodiscover logon in disguise", evidence.Item{
			Step: evidence.StepLogon, Response: &evidence.Response{Status: 200},
			Discovery: &evidence.Discovery{Form: "pox"}, Logon: &evidence.Logon{Scheme: "Basic", Result: evidence.Accepted},
		}, false},
		{"an EWS logon in disguise", evidence.Item{Step: evidence.StepLogon, Logon: &evidence.Logon{
			Scheme:    "Negotiate",
			Mechanism: evidence.MechanismKerberos, Result: evidence.Accepted,
		}}, false},
	} {
		c.item.ID, c.item.Address, c.item.At = "e99", "10.0.0.5:636", rec.Started
		with := rec
		with.Items = append(slices.Clone(rec.Items), c.item)
		forged := New(rec, "test")
		forged.Evidence = with.Items
		saved, err := forged.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(saved); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.good {
			continue
		}
		// Alone it is no check of EWS, and no reason to fall.
		with.Items = []evidence.Item{c.item}
		alone := New(with, "test")
		if shown(alone, "text", Style{}); alone.Verdict.Status == finding.OK || len(alone.Nodes) > 0 {
			t.Errorf("%s alone: %+v, %+v", c.name, alone.Verdict, alone.Nodes)
		}
	}
}

func TestRefused(t *testing.T) {
	raw, err := Refused("bad-usage", load(t, records(t)[0]).Target, "no such flag", "0.0.0-test", load(t, records(t)[0]).Started).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"code": "bad-usage"`, `"status": "unknown"`, `"findings": []`, `"evidence": []`, `"cause": null`} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("%s is missing in\n%s", part, raw)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":               "plain",
		"\x1b[31mred\x1b[0m":  "?[31mred?[0m",
		"two\r\nlines":        "two  lines",
		"C1 \u009b31m":        "C1 ?31m",
		"right\u202eto left":  "right?to left",
		"zero\u200bwidth":     "zero?width",
		"Größe, 地址":           "Größe, 地址",
		"0123456789 too long": "0123456789 too long",
	} {
		if got := Clean(in, 100); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Clean("0123456789", 4); got != "0123…" {
		t.Errorf("cut: %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b]0;title\x07", 10)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, min(limit, 1000))
		got := Clean(s, limit)
		if utf8.RuneCountInString(got) > limit+1 {
			t.Errorf("%d characters, limit %d", utf8.RuneCountInString(got), limit)
		}
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 {
				t.Errorf("control character %q is left", r)
			}
		}
	})
}

// Whatever a file holds, loading and rendering it ends, and invents nothing.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/records/*.json")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := Load(raw)
		if err != nil {
			return
		}
		r := New(rec, "fuzz")
		if r.Verdict.Code == finding.Code("") || len(r.Causes) != 6 {
			t.Errorf("a report without a verdict or without six causes")
		}
		for _, f := range Formats {
			if _, err := f.Report(r, Style{Width: 40}); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	})
}

// A record may hold a step without what the step is about: what there is
// is told, or the file refused, and nothing falls.
func TestHollowSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	raw, err := os.ReadFile(records(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	steps := []evidence.Step{
		evidence.StepResolve, evidence.StepAddressFamily, evidence.StepAnonymous, evidence.StepEmptyBearer,
		evidence.StepUserAgent, evidence.StepNTLMNegotiate, evidence.StepKeepTest,
		evidence.StepLogon, evidence.StepSkipped, evidence.StepLegacySuites, evidence.StepProfile, evidence.StepDataverseTLS,
		evidence.StepSignedIn, evidence.StepFindController,
		evidence.StepKDCAsk, evidence.StepKDCLogon, evidence.StepTicket, evidence.StepDirectoryBind,
		evidence.StepAutodiscoverResolve, evidence.StepAutodiscoverService, evidence.StepAutodiscoverAsk,
		evidence.StepAutodiscoverLookup, evidence.StepAutodiscoverNTLM, evidence.StepAutodiscoverLogon,
		evidence.StepAutodiscoverSkipped, evidence.StepCloudLocation, evidence.StepCloudDomainTenant,
		evidence.StepCloudDynamics, evidence.StepCloudGraphUser, evidence.StepCloudGraphDeleted, evidence.StepCloudGraphSettings, "unheard-of",
	}
	for _, step := range steps {
		for _, item := range []evidence.Item{
			{},
			{Response: &evidence.Response{}},
			{Request: &evidence.Request{Purpose: evidence.OwnInbox}},
			{TLS: &evidence.TLS{}},
			{TLS: &evidence.TLS{Certificate: &evidence.Certificate{}}},
			{NTLM: &evidence.NTLM{}},
			{EWS: &evidence.EWS{}},
			{Kerberos: &evidence.Kerberos{}},
			{Bind: &evidence.Bind{}},
			{Discovery: &evidence.Discovery{}},
			{Resolution: &evidence.Resolution{}},
			{Cloud: &evidence.Cloud{}},
			{Error: &evidence.Failure{}},
			{Logon: &evidence.Logon{Result: evidence.Skipped}},
			{Logon: &evidence.Logon{Result: evidence.Unfinished}},
		} {
			for _, address := range []string{"", "10.0.0.11:443"} {
				item.ID, item.Step, item.Address = "e99", step, address
				with := rec
				with.Items = append(slices.Clone(rec.Items), item)
				if validate(with) != nil {
					continue
				}
				func() {
					defer func() {
						if p := recover(); p != nil {
							t.Errorf("%s at %q with %+v: %v", step, address, item, p)
						}
					}()
					r := New(with, "test")
					for _, f := range []string{"text", "html"} {
						if _, err := r.Render(f, Style{}); err != nil {
							t.Errorf("%s as %s: %v", step, f, err)
						}
					}
				}()
			}
		}
	}
}

// A record is a file that somebody sent: none of its texts, names and
// identifiers may steer a terminal.
func TestTextIsHarmless(t *testing.T) {
	for _, file := range records(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// An escape sequence goes in front of every text of the record that is
		// not one of a fixed set.
		doctored := regexp.MustCompile(`": "([^"\\]+)"`).ReplaceAllStringFunc(string(raw), func(m string) string {
			value := m[4 : len(m)-1]
			if fixedText.MatchString(value) {
				return m
			}
			return `": "\u001b[31m` + value + `"`
		})
		rec, err := Load([]byte(doctored))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if got := shown(New(rec, "0.0.0-test"), "text", Style{Width: 80}); strings.ContainsRune(got, '\x1b') {
			i := strings.IndexRune(got, '\x1b')
			t.Errorf("%s: an escape reaches the terminal: %q", file, got[max(0, i-60):min(len(got), i+60)])
		}
	}
}

// What Load insists on, and times.
var fixedText = regexp.MustCompile(`^(ewsprobe/report/1|https?://.*|basic|ntlm|auto|inside|accepted|refused|unfinished|skipped|` +
	`interrupted|\d{4}-\d\d-\d\dT.*)$`)
