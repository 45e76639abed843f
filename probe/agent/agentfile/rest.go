package agentfile

import (
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

func (f *File) checkListener() {
	host, port, err := net.SplitHostPort(f.Listen)
	if _, ok := address.Port(port); err != nil || !ok && port != "0" || host != "" && !address.IsIP(host) && !address.IsHost(host) {
		f.keys.Invalid("{listen} %q is not an address; give it like 127.0.0.1:9719 or :9719", f.Listen)
	} else if !address.IsLoopback(host) && f.WebConfig == "" {
		f.keys.Invalid("{listen} %s can be reached from other machines, where anyone could start checks; "+
			"give web_config with users and TLS, or listen on 127.0.0.1", f.Listen)
	}
	if f.WebConfig != "" {
		if _, err := os.ReadFile(config.ReadableFile(f.WebConfig)); err != nil {
			f.keys.Invalid("{web-config} %s cannot be read (%s)", f.WebConfig, config.Reason(err))
		}
	}
}

// Invalid notes what another package finds wrong with what a key of the file says.
func (f *File) Invalid(key, why string) {
	f.keys.Invalid("{" + key + "} " + strings.ReplaceAll(why, "%", "%%"))
}

func (l *loader) channel(node *yaml.Node) *Channel {
	c := &Channel{}
	kinds := 0
	c.keys = l.read(c, node, func(_ *config.Keys, key string, value *yaml.Node) bool {
		null := value.ShortTag() == "!!null"
		switch {
		case key == "email" && !null:
			c.Email = &Email{}
			l.email(c.Email, value)
		case key == "webhook" && !null:
			c.Webhook = &Webhook{}
			l.webhook(c.Webhook, value)
		case key != "email" && key != "webhook":
			return false
		}
		kinds++
		return true
	})
	if c.EventLog {
		kinds++
		if runtime.GOOS != "windows" {
			c.keys.Invalid("{event-log} needs Windows; use email or webhook here")
		}
	}
	if kinds != 1 {
		c.keys.Invalid("a channel needs exactly one of email, webhook and event_log; this one has %d", kinds)
	}
	if !c.keys.Given("on") {
		c.On = []string{"critical", "unknown", "warning"}
	}
	return c
}

func (l *loader) email(e *Email, node *yaml.Node) {
	ks := l.read(e, node, nil)
	ks.Require("smarthost", "from", "to")
	host, port, err := net.SplitHostPort(e.Smarthost)
	if _, ok := address.Port(port); ks.Given("smarthost") && (err != nil || !ok || host == "") {
		ks.Invalid("{smarthost} %q is not HOST:PORT; give it like smtp.contoso.com:587", e.Smarthost)
	}
	if ks.Given("from") && !address.IsMailbox(e.From) {
		ks.Invalid("{from} %q is not an email address", e.From)
	}
	for _, to := range e.To {
		if !address.IsMailbox(to) {
			ks.Invalid("{to} %q is not an email address", to)
		}
	}
	if ks.Given("to") && len(e.To) == 0 {
		ks.Invalid("{to} is empty; give at least one address")
	}
	l.signIn(ks, e.User, e.PasswordFile)
	if e.TLS == "none" && e.User != "" && !address.IsLoopback(host) {
		ks.Invalid("{tls} none would send the password of %s unencrypted; use starttls or tls", e.User)
	}
	l.certificates(ks, e.CAFile)
}

func (l *loader) webhook(w *Webhook, node *yaml.Node) {
	ks := l.read(w, node, nil)
	ks.Require("url-file")
	if w.URLFile != "" {
		if why := l.secretURL(w.URLFile); why != "" {
			ks.Invalid("{url-file} %s %s", w.URLFile, why)
		}
	}
	l.certificates(ks, w.CAFile)
}

// secretURL says what is wrong with the address in a file, without showing it.
func (l *loader) secretURL(name string) string {
	text, err := config.ReadSecret(l.ctx, name)
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return "contains no URL; put only the address of the webhook in it"
	case !Secure(u):
		return "contains an address that is not https; http is for loopback only"
	}
	return ""
}

// Secure says whether what is sent to an address goes over TLS, or stays on this
// machine.
func Secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && address.IsLoopback(u.Hostname())
}

// signIn looks at a user and the file of their password.
func (l *loader) signIn(ks *config.Keys, user, file string) {
	switch {
	case user == "" && file != "":
		ks.Invalid("{password-file} needs user")
	case user != "" && file == "":
		ks.Invalid("{user} has no password; give password_file")
	case file != "":
		if _, err := config.ReadSecret(l.ctx, file); err != nil {
			ks.Invalid("{password-file} %s %v", file, err)
		}
	}
}

func (l *loader) certificates(ks *config.Keys, name string) {
	if name == "" {
		return
	}
	if err := config.AddCertificates(l.ctx, x509.NewCertPool(), name); err != nil {
		ks.Invalid("{ca-file} %v", err)
	}
}

func (l *loader) peer(node *yaml.Node) *Peer {
	p := &Peer{}
	ks := l.read(p, node, nil)
	p.keys = ks
	ks.Require("url")
	u, err := url.Parse(p.URL)
	if p.URL != "" && (err != nil || u.Host == "" || u.User != nil || !Secure(u) || u.RawQuery != "" || u.Fragment != "") {
		ks.Invalid("{url} %q is not the address of an agent; give it like https://agent-dmz:9719 (http is for loopback only)", p.URL)
	}
	l.signIn(ks, p.User, p.PasswordFile)
	l.certificates(ks, p.CAFile)
	return p
}

func (l *loader) window(node *yaml.Node) *Window {
	w := &Window{}
	w.keys = l.read(w, node, nil)
	w.keys.Require("from", "for")
	if key, wrong := w.parse(); wrong != "" && w.From != "" {
		w.keys.Invalid("{"+key+"} %q %s", map[string]string{"from": w.From, "time-zone": w.TimeZone}[key], wrong)
	}
	return w
}
