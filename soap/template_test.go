package soap

import (
	"bytes"
	"testing"
)

func TestQuickIsTheSame(t *testing.T) {
	for _, mailbox := range []string{"", "anna@contoso.com", "o'neil&co@contoso.com", "jürgen@contoso.com", "a<b>@contoso.com", "x\x01y@contoso.com", " a@contoso.com "} {
		for _, impersonate := range []bool{true, false} {
			c := Call{Mailbox: mailbox, Impersonate: impersonate}
			if !bytes.Equal(Quick(c, true), FindFolder(c)) || !bytes.Equal(Quick(c, false), GetFolder(c)) {
				t.Errorf("%q, impersonated %v: other bytes", mailbox, impersonate)
			}
		}
	}
}
