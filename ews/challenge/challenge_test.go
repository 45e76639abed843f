package challenge

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/testdata/captures"
)

// brief writes challenges as Scheme{token}(name=value;…), one after the other.
func brief(cs []Challenge) string {
	var all []string
	for _, c := range cs {
		s := c.Scheme
		if c.Token != "" {
			s += "{" + c.Token + "}"
		}
		var params []string
		for _, p := range c.Params {
			params = append(params, p.Name+"="+p.Value)
		}
		if params != nil {
			s += "(" + strings.Join(params, ";") + ")"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// TestParse has one field value per line and what it offers.
func TestParse(t *testing.T) {
	cases := []struct{ name, value, want string }{
		{"bare scheme", `Negotiate`, `Negotiate`},
		{"joined", `Negotiate, NTLM`, `Negotiate NTLM`},
		{"joined without a space", `Negotiate,NTLM`, `Negotiate NTLM`},
		{"joined with spaces and tabs", " Negotiate\t ,\tNTLM ", `Negotiate NTLM`},
		{"odd case", `negotiate,BASIC realm="x"`, `negotiate BASIC(realm=x)`},
		{"realm", `Basic realm="mail.contoso.com"`, `Basic(realm=mail.contoso.com)`},
		{"two parameters", `Basic realm="msrpc realm", charset="utf-8"`, `Basic(realm=msrpc realm;charset=utf-8)`},
		{"parameter, then scheme", `Basic realm="x",Negotiate`, `Basic(realm=x) Negotiate`},
		{"bearer with basic at its end", `Bearer a="b", uri="https://x/authorize",Basic Realm=""`, `Bearer(a=b;uri=https://x/authorize) Basic(Realm=)`},
		{"bearer without quotes", `Bearer authorization_uri=https://x.example/oauth2/authorize, resource_id=https://y.example/`, `Bearer(authorization_uri=https://x.example/oauth2/authorize;resource_id=https://y.example/)`},
		{"bearer with spaces between", `Bearer authorization_uri=https://x?a=b&c=d resource_id="y" error=z`, `Bearer(authorization_uri=https://x?a=b&c=d;resource_id=y;error=z)`},
		{"unquoted value of several words", `Basic realm=My Mail Server, NTLM`, `Basic(realm=My Mail Server) NTLM`},
		{"unquoted value with a comma", `Bearer trusted_issuers=1@a,2@b, error=c`, `Bearer(trusted_issuers=1@a;error=c)`},
		{"comma in quotes", `Basic realm="a, NTLM", Negotiate`, `Basic(realm=a, NTLM) Negotiate`},
		{"escaped quote", `Basic realm="a \"b\", c\\", NTLM`, `Basic(realm=a "b", c\) NTLM`},
		{"parameters without a separator", `Bearer a="b"c="d"`, `Bearer(a=b;c=d)`},
		{"spaces around the equals sign", `Basic realm = "x" , NTLM`, `Basic(realm=x) NTLM`},
		{"same name twice", `Basic realm="a", realm="b"`, `Basic(realm=a;realm=b)`},

		{"NTLM message", `NTLM TlRMTVNTUAACAAAA+/==`, `NTLM{TlRMTVNTUAACAAAA+/==}`},
		{"message, then scheme", `Negotiate oYG1MIG=, Basic realm="x"`, `Negotiate{oYG1MIG=} Basic(realm=x)`},
		{"message, then scheme without a space", `NTLM TlRM,Negotiate`, `NTLM{TlRM} Negotiate`},
		{"message of no known scheme", `X abc=`, `X{abc=}`},
		{"message with parameters", `Negotiate abc=, realm="x"`, `Negotiate{abc=}(realm=x)`},
		{"message and a stray word", `NTLM abc def, Basic`, `NTLM Basic`},

		{"empty value quoted", `Basic realm=""`, `Basic(realm=)`},
		{"empty value", `Basic realm=`, `Basic(realm=)`},
		{"empty value, then scheme", `Basic realm= , NTLM`, `Basic(realm=) NTLM`},
		{"empty value, then parameter", `Bearer client_id= error="x"`, `Bearer(client_id=;error=x)`},
		{"empty value of digest", `digest nonce=,NTLM`, `digest(nonce=) NTLM`},

		{"empty", ``, ``},
		{"blank", `  `, ``},
		{"only commas", `, ,,`, ``},
		{"stray commas", `,,Negotiate,, ,NTLM,`, `Negotiate NTLM`},
		{"quote not closed", `Basic realm="x, NTLM`, `Basic(realm=x, NTLM)`},
		{"quote not closed, escape at the end", `Basic realm="x\`, `Basic(realm=x)`},
		{"parameter without a scheme", `realm="x", NTLM`, `NTLM`},
		{"no token as scheme", `"Basic", <b>, Basic:, Neg/otiate, NTLM`, `NTLM`},
		{"quoted junk with a comma", `"a, Basic", NTLM`, `NTLM`},
		{"junk after the scheme", `Basic @@@ realm="x" foo y=z, NTLM`, `Basic(realm=x;y=z) NTLM`},
		{"equals signs", `= == ,=, NTLM`, `NTLM`},
		{"unusual scheme", `X-Custom!, NTLM`, `X-Custom! NTLM`},
		{"control characters", "Basic realm=\"a\x00\x1b[31m\r\nb\"", `Basic(realm=a  [31m  b)`},
		{"Latin-1", "Basic realm=\"B\xfcro\"", `Basic(realm=Büro)`},
		{"UTF-8", `Basic realm="Büro"`, `Basic(realm=Büro)`},
	}
	for _, c := range cases {
		cs := Parse([]string{c.value})
		if got := brief(cs); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.value, got, c.want)
		}
		if diff := cmp.Diff(cs, Parse([]string{joined(cs)})); diff != "" {
			t.Errorf("%s: %s does not round-trip:\n%s", c.name, c.value, diff)
		}
	}
}

// joined puts challenges on one line.
func joined(cs []Challenge) string {
	var all []string
	for _, c := range cs {
		all = append(all, written(c))
	}
	return strings.Join(all, ", ")
}

// TestParseLines: lines come in order and do not reach into each other.
func TestParseLines(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  string
	}{
		{"none", nil, ``},
		{"a line each", []string{`Negotiate`, `NTLM`, `Basic realm="x"`}, `Negotiate NTLM Basic(realm=x)`},
		{"parameter alone on a line", []string{`Basic realm="x"`, `charset="y"`, `NTLM`}, `Basic(realm=x) NTLM`},
		{"quote not closed", []string{`Basic realm="x`, `NTLM`}, `Basic(realm=x) NTLM`},
	}
	for _, c := range cases {
		if got := brief(Parse(c.lines)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestLimits: what is over a limit is cut or dropped, the rest stays.
func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	if got := len(Parse([]string{strings.Repeat("NTLM,", 100), "Basic"})); got != MaxChallenges {
		t.Errorf("%d challenges, want %d", got, MaxChallenges)
	}
	if got := len(Parse([]string{"Basic " + strings.Repeat("a=b,", 100)})[0].Params); got != MaxParams {
		t.Errorf("%d parameters, want %d", got, MaxParams)
	}
	if got, _ := Parse([]string{`Basic realm="` + long(MaxValue-1) + `üü"`})[0].Param("realm"); got != long(MaxValue-1) {
		t.Errorf("value of %d bytes", len(got))
	}
	for n, want := range map[int]int{MaxToken: MaxToken, MaxToken + 1: 0} {
		cs := Parse([]string{"NTLM " + long(n) + ", Basic"})
		if len(cs) != 2 || len(cs[0].Token) != want {
			t.Errorf("token of %d bytes: %d challenges, want 2 and a token of %d", n, len(cs), want)
		}
	}
	if got := brief(Parse([]string{long(MaxName+1) + ` a="b", Basic ` + long(MaxName+1) + `="c", d="e"`})); got != "Basic(d=e)" {
		t.Errorf("long names: %s", got)
	}
	if got := len(Parse([]string{"Basic realm=x" + strings.Repeat(" ", MaxLine) + ", NTLM"})); got != 1 {
		t.Errorf("long line: %d challenges, want 1", got)
	}
}

// TestLookups: names are found in any case.
func TestLookups(t *testing.T) {
	cs := Parse([]string{`nEgOtIaTe, Basic Realm="", realm="second"`})
	basic, ok := Find(cs, "basic")
	if !ok || !basic.Is("BASIC") || basic.Is("Bearer") {
		t.Errorf("Find basic: %+v, %v", basic, ok)
	}
	if value, ok := basic.Param("REALM"); !ok || value != "" {
		t.Errorf("Param: %q, %v", value, ok)
	}
	if value, ok := basic.Param("charset"); ok || value != "" {
		t.Errorf("missing Param: %q, %v", value, ok)
	}
	if c, ok := Find(cs, "NTLM"); ok || c.Scheme != "" {
		t.Errorf("missing scheme: %+v, %v", c, ok)
	}
}

// TestTime: lines made to be read over and over are read in one go.
func TestTime(t *testing.T) {
	for _, unit := range []string{" ", ",", "a ", "a  =", `"`, `\"`, "a=", "a= b ", "=", "@ ", "NTLM abc ", "\xff"} {
		line := "Basic realm=" + strings.Repeat(unit, MaxLine/len(unit))
		start := time.Now()
		Parse([]string{line})
		if took := time.Since(start); took > time.Second {
			t.Errorf("%q repeated: %v", unit, took)
		}
	}
}

// capture is what this test needs of a recorded answer.
type capture struct {
	ID      string      `json:"id"`
	Headers [][2]string `json:"headers"`
}

// readCaptures returns the recorded answers, all of them.
func readCaptures(tb testing.TB) []capture {
	tb.Helper()
	return captures.Read[capture](tb)
}

// values returns the challenge lines of a capture, of a server or a proxy.
func (c capture) values() []string {
	var values []string
	for _, h := range c.Headers {
		if strings.EqualFold(h[0], "WWW-Authenticate") || strings.EqualFold(h[0], "Proxy-Authenticate") {
			values = append(values, h[1])
		}
	}
	return values
}

// written is the challenge in one canonical form, values always quoted:
// `Basic realm="mail.contoso.com"`. Parse reads a challenge that it returned
// back from it unchanged, also from several joined by ", ".
func written(c Challenge) string {
	var b strings.Builder
	b.WriteString(c.Scheme)
	if c.Token != "" {
		b.WriteString(" " + c.Token)
	}
	for i, p := range c.Params {
		if i > 0 || c.Token != "" {
			b.WriteByte(',')
		}
		b.WriteString(" " + p.Name + `="` + quote.Replace(p.Value) + `"`)
	}
	return b.String()
}

// quote escapes what ends or escapes within a quoted-string.
var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
