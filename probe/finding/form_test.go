package finding

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where a text is said to have no match of a form, it has none.
func TestForm(t *testing.T) {
	files, err := filepath.Glob("../../testdata/field/*.yaml")
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	left := map[string]bool{}
	for i := 0; i < len(files); i += 20 {
		raw, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(raw), strings.ToUpper(string(raw)), foldAlert(string(raw))} {
			for name, e := range forms() {
				if form(name, text) != nothing() {
					continue
				}
				left[name] = true
				if m := e.regexp().FindString(text); m != "" || e.regexp().MatchString(text) {
					t.Errorf("%s: %s has %q", files[i], name, m)
				}
			}
		}
	}
	if len(left) < len(forms())/2 {
		t.Errorf("only %d of %d forms are ever left out", len(left), len(forms()))
	}
	if nothing().MatchString("") || nothing().MatchString("a") {
		t.Error("nothing matches")
	}
}

// BenchmarkExplain explains a megabyte: a log of IIS, and the same message again and again.
func BenchmarkExplain(b *testing.B) {
	for name, line := range map[string]string{
		"log": "2026-11-02 03:%02d:07 10.0.0.5 POST /EWS/Exchange.asmx - 443 - 10.0.0.%[1]d " +
			"ExchangeServicesClient/15.00.1395.000 - 401 1 2148074254 %[1]d\r\n",
		"trace": "System.ServiceModel.Security.MessageSecurityException: The HTTP request is unauthorized with client authentication " +
			"scheme 'Ntlm'. The authentication header received from the server was 'Negotiate,NTLM'. The remote server returned an " +
			"error: (401) Unauthorized.\n   at System.Net.HttpWebRequest.GetResponse() in c:\\x\\y.cs:line %d\n",
	} {
		var text strings.Builder
		for i := 0; text.Len() < 1<<20; i++ {
			fmt.Fprintf(&text, line, i%60)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				if numbers, alerts := Explain(text.String()); len(numbers)+len(alerts) == 0 {
					b.Fatal("nothing is known")
				}
				ReadPasted(text.String())
			}
		})
	}
}
