package redact_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	. "github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// judged is what must not change: the verdict, the causes, the findings.
func judged(rec evidence.Record) []string {
	r := report.New(rec, "test")
	list := []string{string(r.Verdict.Code), string(r.Verdict.Status), string(r.Verdict.Confidence), r.Verdict.Reason, fmt.Sprint(r.Verdict.Cause)}
	for _, f := range r.Findings {
		list = append(list, string(f.Code)+" "+string(f.Status)+" "+string(f.Confidence)+" "+strings.Join(f.Evidence, ","))
	}
	for _, c := range r.Causes {
		list = append(list, string(c.Status))
	}
	return list
}

func TestSavedRecords(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/records/*.json")
	if len(files) == 0 {
		t.Fatal("no records")
	}
	names := regexp.MustCompile(`(?i)contoso|svc-crm|anna|\bEX0\d|10\.0\.0\.|17fb0e15|ebbcc00d`)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := report.Load(raw)
		if err != nil {
			t.Fatal(err)
		}
		before, err := evidence.Encode(rec.Items)
		if err != nil {
			t.Fatal(err)
		}
		clean := New().Record(rec)
		if diff := cmp.Diff(judged(rec), judged(clean)); diff != "" {
			t.Errorf("%s is judged otherwise (-whole +redacted):\n%s", file, diff)
		}
		if after, _ := evidence.Encode(rec.Items); string(after) != string(before) {
			t.Errorf("%s: the record itself was changed", file)
		}
		out, err := report.New(clean, "test").JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range names.FindAllIndex(out, -1) {
			t.Errorf("%s keeps %s", file, out[max(0, m[0]-60):min(len(out), m[1]+30)])
		}
		again, err := report.Load(out)
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", file, err)
		}
		if diff := cmp.Diff(judged(rec), judged(again)); diff != "" {
			t.Errorf("%s, read again, is judged otherwise:\n%s", file, diff)
		}
	}
}

// Every text that a record can hold, those of later versions included, is
// replaced or of a closed form: a canary in it is gone.
func TestEveryTextIsReplaced(t *testing.T) {
	for _, canary := range []string{
		"CANARY7", "canary7.corp.example", "canary7@canary7.example", `CANARY7\canary7`, "https://canary7.example/canary7?canary7=1", "203.0.113.77", "CN=canary7, O=Canary7",
		"c0ffee00-1111-2222-3333-c0ffee0c0ffe", "S-1-5-21-100-200-300-1105", "NTLM canary7=\"canary7\"", "a sentence with CANARY7 in it", "canary7.prod.outlook.com", "canary7.mail.onmicrosoft.com",
		"Error-canary7", "c4na/ry7+c4nary7==", "x:canary7:y", "Ünïcanary7", "canary7;canary7,canary7|canary7", "2001:db8:c0ff:ee::7",
	} {
		var rec evidence.Record
		fill(reflect.ValueOf(&rec).Elem(), canary)
		clean := New().Record(rec)
		var look func(path string, v reflect.Value)
		look = func(path string, v reflect.Value) {
			switch v.Kind() {
			case reflect.String:
				if s := strings.ToLower(v.String()); regexp.MustCompile(`canary7|c4na|c0ff|203\.0\.113\.77|100-200-300`).MatchString(s) {
					t.Errorf("%s keeps %q of %q", path, v.String(), canary)
				} else if s == "" {
					if !strings.HasSuffix(path, ".Body") {
						t.Errorf("%s: nothing is left of %q", path, canary)
					}
				}
			case reflect.Pointer:
				if !v.IsNil() {
					look(path, v.Elem())
				}
			case reflect.Slice, reflect.Array:
				for i := range v.Len() {
					look(path+"[]", v.Index(i))
				}
			case reflect.Struct:
				for i := range v.NumField() {
					if v.Type() != reflect.TypeFor[time.Time]() {
						look(path+"."+v.Type().Field(i).Name, v.Field(i))
					}
				}
			}
		}
		look("Record", reflect.ValueOf(clean))
	}
}

// And no report of such a record shows it, in whichever format.
func TestNoReportShowsACanary(t *testing.T) {
	for _, canary := range []string{"Canary7", "canary7.corp.example", "canary7@canary7.example", "203.0.113.77", "0xcb00714d", "3405803853"} {
		var rec evidence.Record
		fill(reflect.ValueOf(&rec).Elem(), canary)
		rec.Started = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		item := rec.Items[0]
		rec.Items = nil
		steps := []evidence.Step{
			evidence.StepResolve, evidence.StepAnonymous, evidence.StepEmptyBearer, evidence.StepNTLMNegotiate, evidence.StepLogon, evidence.StepSkipped, evidence.StepSignedIn,
			evidence.StepKDCAsk, evidence.StepKDCLogon, evidence.StepTicket, evidence.StepDirectoryBind, evidence.StepAutodiscoverSCP, evidence.StepAutodiscoverAsk,
			evidence.StepAutodiscoverLogon, evidence.StepCloudLocation, evidence.StepCloudGraphUser, evidence.StepProfile,
		}
		for i, step := range steps {
			one := item
			one.ID, one.Step = fmt.Sprintf("e%d", i+1), step
			response := *item.Response
			response.Status = []int{200, 401, 403, 503}[i%4]
			one.Response = &response
			if i%3 == 0 {
				one.Error = nil
			}
			rec.Items = append(rec.Items, one)
		}
		for _, auth := range []string{"basic", "ntlm", "oauth"} {
			rec.Target.ProfileAuth, rec.Target.URL = auth, "https://canary7.example/EWS/Exchange.asmx"
			shown := report.New(New().Record(rec), "test")
			for _, f := range report.Formats {
				out, err := shown.Render(f.Name, report.Style{})
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range regexp.MustCompile(`(?i)canary7|203\.0\.113\.77|cb00714d|3405803853`).FindAllIndex(out, 3) {
					t.Errorf("%s, %s shows %q of %q", auth, f.Name, out[max(0, m[0]-80):min(len(out), m[1]+20)], canary)
				}
			}
		}
	}
}

func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		if v.Type() == reflect.TypeFor[evidence.Detail]() { // it can hold others of its kind
			inner := evidence.Detail{Code: evidence.DetailCode(text), Args: []string{text}}
			v.Set(reflect.ValueOf(evidence.Detail{Code: evidence.DetailCode(text), Args: []string{text}, Inner: []evidence.Detail{inner}}))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

// What a sentence names is redacted by its kind, whatever the sentence.
func TestEverySentenceIsRedacted(t *testing.T) {
	raw, err := os.ReadFile("../../ews/evidence/detail.txt")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for line := range strings.Lines(string(raw)) {
		code, _, _ := strings.Cut(line, "\t")
		d := evidence.Detail{Code: evidence.DetailCode(code), Inner: []evidence.Detail{{Code: "system", Args: []string{"dial canary7", "connect-refused"}}}}
		for range d.Code.ArgKinds() {
			d.Args = append(d.Args, "canary7.example")
		}
		codes++
		i := New().Item(evidence.Item{ID: "e1", Logon: &evidence.Logon{Detail: &d}, Error: &evidence.Failure{Code: evidence.ConnectRefused, Text: "dial canary7"}})
		if all := fmt.Sprintf("%s %+v", i.Logon.Why, *i.Logon.Detail); strings.Contains(all, "canary7") || string(i.Logon.Detail.Code) != code || i.Logon.Why == "" {
			t.Errorf("%s: %s", code, all)
		}
		if i.Error.Text != "connection refused" {
			t.Errorf("%q", i.Error.Text)
		}
	}
	if codes < 90 {
		t.Errorf("only %d codes", codes)
	}
}

// Every header that the rules know keeps what they look at.
func TestWhoAnsweredStays(t *testing.T) {
	for _, h := range [][2]string{
		{"Server", "Microsoft-IIS/10.0"},
		{"Server", "nginx/1.22 (canary7)"},
		{"Server", "BigIP"},
		{"Server", "cloudflare"},
		{"Server", "Apache/2.4.62 (Debian)"},
		{"X-FEServer", "EX01"},
		{"X-OWA-Version", "15.2.1544.11"},
		{"X-ServerApplication", "Exchange/15.20.7897.021"},
		{"X-CalculatedBETarget", "ex02.canary7.local"},
		{"X-CalculatedBETarget", "AM0PR09MB2882.EURPRD09.PROD.OUTLOOK.COM"},
		{"X-EWS-Policy-Reason", "EWS is disabled for this user or tenant"},
		{"X-NanoProxy", "1,1"},
		{"X-MailboxGuid", "c0ffee00-1111-2222-3333-c0ffee0c0ffe"},
		{"Via", "1.1 proxy.canary7.example"},
		{"CF-RAY", "7a"},
		{"Proxy-Support", "Session-Based-Authentication"},
		{"Set-Cookie", "MRHSession=[value not kept]"},
		{"Set-Cookie", "BIGipServerpool_canary7=[value not kept]"},
		{"Set-Cookie", "TS01a2b3c4=[value not kept]"},
		{"Set-Cookie", "NSC_canary7=[value not kept]"},
		{"Set-Cookie", "EdgeAccessCookie=[value not kept]"},
		{"Location", "https://login.microsoftonline.com/c0ffee00-1111-2222-3333-c0ffee0c0ffe/oauth2/authorize?client_id=x"},
		{"Location", "https://sts.canary7.example/adfs/ls/?wa=wsignin1.0&wtrealm=canary7"},
		{"Location", "https://mail.canary7.example/owa/auth/logon.aspx?url=https://mail.canary7.example/EWS"},
		{"Location", "/my.policy"},
		{"Location", "https://vpn.canary7.example/vpn/index.html"},
		{"Location", "https://tmg.canary7.example/CookieAuth.dll?GetLogon?curl=Z2FEWS"},
		{"Location", "https://uag.canary7.example/InternalSite/canary7.asp"},
		{"Location", "https://portal.canary7.example/canary7-login.php?next=canary7"},
		{"Location", "https://idp.canary7.example/canary7?SAMLRequest=canary7"},
		{"Location", "https://idp.canary7.example/canary7?wa=wsignin1.0"},
		{"Location", "https://www.canary7.example/canary7/"},
		{"Location", "/canary7"},
		{"WWW-Authenticate", "Kerberos"},
		{"WWW-Authenticate", `Basic realm="mail.canary7.example"`},
		{"WWW-Authenticate", `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1"`},
		{"WWW-Authenticate", `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@c0ffee00-1111-2222-3333-c0ffee0c0ffe", authorization_uri="https://login.windows.net/common/oauth2/authorize"`},
	} {
		was := &evidence.Response{Status: 401, Headers: [][2]string{h}}
		r := New()
		is := r.Item(evidence.Item{Response: was}).Response
		if len(is.Headers) != 1 || strings.Contains(strings.ToLower(is.Headers[0][1]), "canary7") || is.Headers[0][0] != h[0] {
			t.Errorf("%v became %v", h, is.Headers)
		}
		a, b := front.Identify(was), front.Identify(is)
		if a.Exchange != b.Exchange || a.Online != b.Online || a.Version != b.Version || a.Device != b.Device || (a.FrontEnd == "") != (b.FrontEnd == "") || (a.BackEnd == "") != (b.BackEnd == "") {
			t.Errorf("%v: %+v became %+v by %v", h, a, b, is.Headers)
		}
		if a, b := front.SignIn(was.First("Location")), front.SignIn(is.First("Location")); a != b {
			t.Errorf("%v: the page %q became %q by %v", h, a, b, is.Headers)
		}
	}
}

// Each sign in the list of devices tells the same device without names, also where the
// record is redacted once more.
func TestDevicesStay(t *testing.T) {
	list, err := os.ReadFile("../../ews/front/devices.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		device := strings.Split(strings.TrimSpace(line), "\t")
		for _, sign := range device[min(len(device), 2):] {
			name, value, part := strings.Cut(sign, "~")
			switch {
			case !part && !strings.Contains("tmg f5-asm", name):
				value = "canary7"
			case name == "location" && strings.HasPrefix(value, "login."):
				value = "https://" + value + "/canary7"
			case name == "location":
				value = "https://canary7.example/" + strings.TrimPrefix(value, "/") + "?canary7"
			case name == "set-cookie":
				value += "canary7=[value not kept]"
			case name != "www-authenticate":
				value = "canary7 " + value
			}
			was := &evidence.Response{Status: 302, Headers: [][2]string{{name, value}}}
			is := New().Item(evidence.Item{Response: was}).Response
			again := New().Item(evidence.Item{Response: is}).Response
			if a, b := front.Identify(was).Device, front.Identify(is).Device; a != b || strings.Contains(is.Headers[0][1], "canary7") {
				t.Errorf("%s: %q became %q by %v", sign, a, b, is.Headers)
			}
			if !cmp.Equal(is, again) {
				t.Errorf("%s: %v became %v", sign, is.Headers, again.Headers)
			}
		}
	}
}

// However many addresses there are, each has one of its own.
func TestManyAddresses(t *testing.T) {
	r, seen := New(), map[string]bool{}
	for i := range 100_000 {
		seen[r.Host(fmt.Sprintf("10.%d.%d.%d", i/65536, i/256%256, i%256))] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d placeholders", len(seen))
	}
}

// Redacted twice it is the same.
func TestTwice(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/records/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	once := New().Record(rec)
	a, _ := json.Marshal(once)
	b, _ := json.Marshal(New().Record(once))
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Error(diff)
	}
}

// A placeholder that was given out stays: rows of a batch are judged by a record
// without names, and their sentences pass once more.
func TestPlaceholdersStay(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/records/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := New()
	once := r.Record(rec)
	a, _ := json.Marshal(once)
	b, _ := json.Marshal(r.Record(once))
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Error(diff)
	}
	for _, f := range report.New(once, "test").Findings {
		if again := r.Text(f.Summary + f.Detail); again != f.Summary+f.Detail {
			t.Errorf("%s\nbecomes %s", f.Summary+f.Detail, again)
		}
	}
	// What only looks like one is none.
	if got := New().User("account-1@domain-1.example"); got != "account-1@domain-1.example" {
		t.Error(got)
	}
	if got := New().User("account-7@domain-7.example"); got != "account-1@domain-1.example" {
		t.Error(got)
	}
	if got := New().User("\ue000"); got != "\ue000" {
		t.Errorf("%q", got)
	}
}
