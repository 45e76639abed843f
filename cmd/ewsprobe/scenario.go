package main

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// line is the command line of a scenario's check, and where it goes.
type line struct {
	url       string
	discovery string // the Autodiscover endpoint
	addresses []string
	dc        string
	ca        []byte
	check     standin.Check
	cloud     string // where its cloud is
}

// lineTo is the check c against s, at every node if the check wants it.
func lineTo(s *standin.Server, c standin.Check) line {
	addresses := s.Addresses()
	if !c.EachNode {
		addresses = addresses[:1]
	}
	return line{url: s.URL(), discovery: s.AutodiscoverURL(), addresses: addresses, dc: s.Controller(), ca: s.CA(), check: c, cloud: s.CloudURL()}
}

// arguments are those of ewsprobe check. The files that they name are written into
// dir.
func (l line) arguments(dir string) (args []string, err error) {
	k := l.check
	flag := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name, value)
		}
	}
	on := func(name string, given bool) {
		if given {
			args = append(args, "--"+name)
		}
	}
	file := func(name, of, content string) {
		if content != "" && err == nil {
			of = filepath.Join(dir, of)
			err = os.WriteFile(of, []byte(content), 0o600)
			flag(name, of)
		}
	}
	if !k.NoCA && !k.PlainHTTP {
		file("ca-file", "ca.pem", string(l.ca))
	}
	on("insecure", k.Insecure)
	on("no-credentials", k.User == "" && k.HMA == "")
	if k.User != "" {
		flag("user", k.User)
		file("password-file", "password.txt", k.Password+"\n")
	}
	if k.Explain {
		on("explain-rejection", true)
		flag("dc", l.dc)
		flag("domain", standin.Domain)
	}
	file("profile", "profile.txt", k.Profile)
	flag("profile-auth", k.ProfileAuth)
	flag("view", k.View)
	target := l.url
	if k.ByAddress {
		target = k.Mailbox
	} else {
		flag("mailbox", k.Mailbox)
	}
	if k.Autodiscover {
		flag("autodiscover", l.discovery)
	}
	on("impersonate", k.Impersonate)
	if k.Timeout != 0 {
		flag("timeout", k.Timeout.String())
	}
	if k.HMA != "" {
		switch k.HMA {
		case standin.HMAToken:
			file("hma-token-file", "hma-token.txt", k.HMA.File())
		case standin.HMAClientSecret, standin.HMAWrongSecret:
			file("hma-client-secret-file", "hma-secret.txt", k.HMA.File())
		default:
			file("hma-certificate", "hma.pem", k.HMA.File())
		}
		if k.HMA != standin.HMAToken && !k.ReadDynamics { // else the profile says it
			flag("hma-client-id", standin.HMAApplicationID)
			flag("tenant", cmp.Or(k.Tenant, standin.Tenant))
			flag("entra-url", l.cloud)
		}
		flag("hma-resource", k.HMAResource)
	}
	if k.Cloud {
		on("cloud", true)
		for _, base := range []string{"entra-url", "exchange-online-url", "graph-url"} {
			flag(base, l.cloud)
		}
		if k.Dynamics || k.ReadDynamics {
			flag("dynamics-url", l.cloud)
		}
		if k.ReadDynamics {
			file("dynamics-token-file", "dynamics-token.txt", standin.DataverseToken)
		}
		flag("tenant", k.Tenant)
		if k.Token != "" {
			file("token-file", "token.txt", k.Token+"\n")
		}
		if k.Secret != "" {
			flag("client-id", standin.ApplicationID)
			file("client-secret-file", "secret.txt", k.Secret+"\r\n")
		}
	}
	for _, a := range l.addresses {
		flag("address", a)
	}
	if k.ReadDynamics {
		return args, err // the profile names the server
	}
	return append(args, target), err
}
