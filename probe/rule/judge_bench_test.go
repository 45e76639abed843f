package rule

import "testing"

// BenchmarkJudge is a whole check with a finding, BenchmarkMailbox a row of a batch
// in order and one that is not.
func BenchmarkJudge(b *testing.B) {
	rec := record(ask("NTLM"), notSent("Basic", "not offered"))
	b.ReportAllocs()
	for b.Loop() {
		Judge(rec)
	}
}

func BenchmarkMailbox(b *testing.B) {
	for name, rec := range map[string]option{"in-order": logon("Basic", 200), "not-found": logon("Basic", 500, code("ErrorNonExistentMailbox"))} {
		b.Run(name, func(b *testing.B) {
			rec := record(mailbox("anna@contoso.com"), ask("Basic"), rec)
			b.ReportAllocs()
			for b.Loop() {
				Mailbox(rec)
			}
		})
	}
}
