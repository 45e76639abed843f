package finding

import (
	"reflect"
	"testing"
)

func TestExplainLogons(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-30 08:15:00 10.0.0.11 POST /EWS/Exchange.asmx - 443 - 10.0.0.5 CRM/9.2 - 401 1 1909 15": "account locked out",
		"401 1 2148074252 15": "name or password",
		"401 2 5 15":          "no credential",
		"401 1 3221226036 15": "account locked out", // 0xC0000234
		"Status: 0xC000006D Sub Status: 0xC0000064":                                               "no such user",
		"80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data 533, v3839": "account disabled",
		"Event 4771 Kerberos pre-authentication failed. Failure Code: 0x18":                       "wrong password",
		"kinit: Client's credentials have been revoked":                                           "the state of the account",
		"GSSException (Mechanism level: Client not found in Kerberos database (6))":               "no such user",
		"SEC_E_LOGON_DENIED":        "name or password",
		"STATUS_ACCOUNT_LOCKED_OUT": "account locked out",
		"System error 1909: the referenced account is currently locked out": "account locked out",
		"Status: 0xC00000DC":                                    "not for the account",
		"KDC_ERR_PREAUTH_FAILED":                                "wrong password",
		"Logon failure (1330)":                                  "password expired",
		"The trust relationship failed, error 1789":             "not for the account",
		"Email Server Error Code: Exchange server returned 401": "",
		"on port 1326 of the host":                              "",
	} {
		got := ""
		if list := ExplainLogons(text); len(list) == 1 {
			got = list[0].Title
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Two sentences of Windows in one text are explained in the same order each time.
func TestLogonsHaveOneOrder(t *testing.T) {
	text := "Account restrictions are preventing this user from signing in. No logon servers available. Account is currently disabled."
	first := ExplainLogons(text)
	if len(first) < 2 {
		t.Fatalf("%d explanations", len(first))
	}
	for range 50 {
		if again := ExplainLogons(text); !reflect.DeepEqual(again, first) {
			t.Fatalf("%v, and before %v", again, first)
		}
	}
}
