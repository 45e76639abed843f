package finding

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestKinds: every code of ServiceError is explained in the forms in which it is
// pasted, and every pattern is of use.
func TestKinds(t *testing.T) {
	names := slices.Concat(serviceErrors()[1:], []string{"ErrorRecoverableItemsAccessDenied", "ErrorFolderPropertyRequestFailed"})
	unlisted := at[string](sharedText, "why", "unlisted-code")
	for _, name := range names {
		for _, form := range []string{
			"exchangelib.errors.NAME: The message.",
			"<m:MessageText>The message.</m:MessageText><m:ResponseCode>NAME</m:ResponseCode>",
			`<faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:NAME</faultcode>`,
			`{"ResponseCode":"NAME","ResponseClass":"Error"}`,
		} {
			found := MatchAlert(strings.ReplaceAll(form, "NAME", name))
			if len(found) != 1 || strings.Contains(found[0].Meaning, unlisted) {
				t.Errorf("%s as %q: %+v", name, form, found)
			}
		}
	}
	for _, k := range kinds() {
		checkPlain(t, k.Says)
		checkNames(t, k.Says)
		for _, pattern := range k.Names {
			if !slices.ContainsFunc(names, func(name string) bool { fits, _ := path.Match(pattern, name); return fits }) {
				t.Errorf("no code is %s", pattern)
			}
		}
		for name, text := range maps.All(k.Texts) {
			if c, _ := lookupKind(name); c.Says != k.Says {
				t.Errorf("%s is of another kind", name)
			}
			found := MatchAlert("Microsoft.Exchange.WebServices.Data.ServiceResponseException: The " + text + ".")
			if len(found) != 1 || found[0].Key != name {
				t.Errorf("%q: %+v, want %s", text, found, name)
			}
		}
	}
}

func TestServiceErrorNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"Exchange.server returned 363 error":               "throttled",
		"Exchange.server returned 25 error":                "ErrorCalendarFolderIsInvalidForCalendarView",
		"Exchange.server returned 247 error":               "ErrorIrresolvableConflict",
		"Exchange.server returned 403 error":               "forbidden",
		"We use Exchange Server 2019, CU 14, on 2 servers": "client-error",
	} {
		found := MatchAlert(text)
		if len(found) != 1 || found[0].Key != want {
			t.Errorf("%q: %+v, want %q", text, found, want)
		}
	}
}
