package finding

import "testing"

// TestCheckCommand has what a remedy asks for and what the user gave, and the command
// that comes of both.
func TestCheckCommand(t *testing.T) {
	names := func(given ...Flag) Names {
		return Names{Host: "mail.contoso.com", Site: "mail.contoso.com", User: `CONTOSO\svc-crm`, Mailbox: "anna@contoso.com", Given: given}
	}
	const end = " mail.contoso.com"
	refused := names()
	refused.Refused, refused.Limit = true, 4
	cases := []struct {
		name   string
		remedy Remedy
		names  Names
		want   string
	}{
		{"anonymously", Remedy{Check: "--no-credentials"}, names(), "ewsprobe check --no-credentials" + end},
		{"as an account", Remedy{Check: "user"}, names(), `ewsprobe check --user "CONTOSO\svc-crm"` + end},
		{"for a mailbox", Remedy{Check: "user mailbox as-asked"}, names(), `ewsprobe check --user "CONTOSO\svc-crm" --mailbox "anna@contoso.com" --impersonate` + end},
		{"with what was given", Remedy{Check: "user"}, names(Flag{"ca-file", `"my ca.pem"`}, Flag{"address", "10.0.0.5"}), `ewsprobe check --user "CONTOSO\svc-crm" --ca-file "my ca.pem" --address 10.0.0.5` + end},
		{"no password without a logon", Remedy{Check: "--no-credentials"}, names(Flag{"password-file", "p.txt"}), "ewsprobe check --no-credentials" + end},
		{"without what is at fault", Remedy{Check: "--no-credentials", Without: "proxy"}, names(Flag{"proxy", "http://proxy:3128"}), "ewsprobe check --no-credentials" + end},
		{"the addresses that were given", Remedy{Check: "--no-credentials --each-address"}, names(Flag{"address", "10.0.0.5"}, Flag{"address", "10.0.0.6"}), "ewsprobe check --no-credentials --address 10.0.0.5 --address 10.0.0.6" + end},
		{"other addresses than the one that was given", Remedy{Check: "--no-credentials --each-address"}, names(Flag{"address", "10.0.0.5"}), "ewsprobe check --no-credentials --address IP" + end},
		{"after a refusal", Remedy{Check: "user"}, refused, `ewsprobe check --user "CONTOSO\svc-crm" --retry-refused --max-rejections 4` + end},
		{"a refusal does not matter without a logon", Remedy{Check: "--no-credentials"}, refused, "ewsprobe check --no-credentials" + end},
		{"https", Remedy{Check: "user", Target: "https"}, names(), `ewsprobe check --user "CONTOSO\svc-crm" https://mail.contoso.com/EWS/Exchange.asmx`},
		{"as asked without a mailbox", Remedy{Check: "user mailbox-if-given as-asked"}, Names{User: "svc", Host: "mail.contoso.com", Mailbox: "<MAILBOX>"}, `ewsprobe check --user "svc"` + end},
		{"without a sign-in", Remedy{Check: "user-if-given"}, Names{User: "<USER>", Host: "mail.contoso.com"}, "ewsprobe check --no-credentials" + end},
		{"an OAuth profile has no account", Remedy{Check: "user mailbox"}, Names{User: "<USER>", Host: "mail.contoso.com", Mailbox: "a@contoso.com", Given: Flags{{"profile-auth", "oauth"}}}, `ewsprobe check --mailbox "a@contoso.com" --profile-auth oauth` + end},
		{"NTLM needs an account, whatever the profile", Remedy{Check: "user --profile-auth ntlm"}, Names{User: "<USER>", Host: "mail.contoso.com", Given: Flags{{"profile-auth", "oauth"}}}, `ewsprobe check --user "<USER>" --profile-auth ntlm` + end},
		{"a URL to be put in", Remedy{Check: "--no-credentials", Target: "url"}, names(), "ewsprobe check --no-credentials https://HOST/EWS/Exchange.asmx"},
		{"of another host than the addresses", Remedy{Check: "--no-credentials", Target: "url"}, names(Flag{"address", "10.0.0.5"}), "ewsprobe check --no-credentials https://HOST/EWS/Exchange.asmx"},
		{"help", Remedy{Check: "--help", Target: "none"}, names(Flag{"ca-file", "ca.pem"}), "ewsprobe check --help"},
	}
	for _, c := range cases {
		if got := CheckCommand(c.remedy, c.names); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
}
