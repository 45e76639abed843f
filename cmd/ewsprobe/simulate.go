package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

type simulateFlags struct {
	Scenario    string `value:"NAME" default:"basic-off" help:"which one to play; --list shows them"`
	Listen      string `value:"ADDRESS" default:"127.0.0.1:0" help:"where to listen"`
	AllowRemote bool   `help:"allow an address that is not this machine's own"`
	List        bool   `help:"list the scenarios"`
}

func simulateCommand(std stdio) *cli.Command {
	f := &simulateFlags{}
	return &cli.Command{
		Name:  "simulate",
		Usage: "runs the stand-in Exchange front end, for trying out and training",
		UsageText: examples(
			"Extended Protection in front of a device that re-encrypts", "ewsprobe simulate --scenario ep-bridged",
			"What it can play", "ewsprobe simulate --list",
		),
		Flags: flagsOf(config.KeysOf(f, "simulate")),
		Action: func(c *cli.Context) error {
			if err := none(c, "; name the scenario with --scenario NAME"); err != nil {
				return err
			}
			if f.List {
				var rows [][]string
				for _, s := range standin.Scenarios() {
					rows = append(rows, []string{s.Name, s.Title})
				}
				fmt.Fprint(std.out, report.Table(0, std.fit(0, rows)))
				return nil
			}
			return simulate(c.Context, *f, std)
		},
	}
}

func simulate(ctx context.Context, f simulateFlags, std stdio) error {
	s, ok := standin.Find(f.Scenario)
	if !ok {
		return usage("there is no scenario %q; `ewsprobe simulate --list` shows them", f.Scenario)
	}
	var mu sync.Mutex
	server, err := standin.Start(s.Behaviour, standin.Options{
		Listen: f.Listen, AllowRemote: f.AllowRemote,
		OnRequest: func(r standin.Request) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(std.out, requestLine(r))
		},
	})
	if err != nil {
		return usage("the stand-in cannot listen on %s (%s); choose another address with --listen", f.Listen, config.Reason(err))
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "ewsprobe-simulate-")
	if err != nil {
		return unusable("no temporary folder for the certificate (%v)", err)
	}
	defer os.RemoveAll(dir)
	args, err := scenarioArgs(s.Check, server, dir)
	if err != nil {
		return unusable("%v", err)
	}
	try := "ewsprobe check"
	for _, a := range args {
		try += " " + quoteArgument(a)
	}
	if crowd := s.Behaviour.Crowd; crowd != nil {
		file := filepath.Join(dir, "mailboxes.csv")
		if err := os.WriteFile(file, []byte(mailboxTable(crowd.Mailboxes)), 0o600); err != nil {
			return unusable("%v", err)
		}
		try += "\n  " + tryBatch(s.Check, server, dir, file)
	}
	mu.Lock()
	fmt.Fprintf(std.out, "%s: %s\n\nIn another terminal:\n\n  %s\n\nCtrl-C ends it. Requests:\n", s.Name, s.Title, try)
	mu.Unlock()
	<-ctx.Done()
	v := server.View()
	fmt.Fprintf(std.out, "\n%d requests on %d connections, %d good and %d bad logons\n",
		len(v.Requests), v.Connections, v.GoodLogons, v.BadLogons)
	return nil
}

// scenarioArgs is the check of a scenario as a command line. The files that it names
// are written into dir.
func scenarioArgs(k standin.Check, server *standin.Server, dir string) (args []string, err error) {
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
		file("ca-file", "ca.pem", string(server.CA()))
	}
	on("insecure", k.Insecure)
	on("no-credentials", k.User == "" && k.HMA == "")
	if k.User != "" {
		flag("user", k.User)
		file("password-file", "password.txt", k.Password+"\n")
	}
	if k.Explain {
		on("explain-rejection", true)
		flag("dc", server.Controller())
		flag("domain", standin.Domain)
	}
	file("profile", "profile.txt", k.Profile)
	flag("profile-auth", k.ProfileAuth)
	flag("view", k.View)
	target := server.URL()
	if k.ByAddress {
		target = k.Mailbox
	} else {
		flag("mailbox", k.Mailbox)
	}
	if k.Autodiscover {
		flag("autodiscover", server.AutodiscoverURL())
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
			flag("entra-url", server.CloudURL())
		}
		flag("hma-resource", k.HMAResource)
	}
	if k.Cloud {
		on("cloud", true)
		for _, base := range []string{"entra-url", "exchange-online-url", "graph-url"} {
			flag(base, server.CloudURL())
		}
		if k.Dynamics || k.ReadDynamics {
			flag("dynamics-url", server.CloudURL())
		}
		if k.ReadDynamics {
			file("dynamics-token-file", "dynamics-token.txt", standin.DataverseToken)
		}
		flag("tenant", k.Tenant)
		file("token-file", "token.txt", k.Token)
		if k.Secret != "" {
			flag("client-id", standin.ApplicationID)
			file("client-secret-file", "secret.txt", k.Secret)
		}
	}
	addresses := server.Addresses()
	if !k.EachNode {
		addresses = addresses[:1]
	}
	for _, a := range addresses {
		flag("address", a)
	}
	if k.ReadDynamics {
		return args, err // the profile names the server
	}
	return append(args, target), err
}

// tryBatch is a batch of all its mailboxes.
func tryBatch(k standin.Check, server *standin.Server, dir, file string) string {
	ca, password := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password.txt")
	return fmt.Sprintf("ewsprobe batch --ca-file %s --user %s --password-file %s --impersonate --address %s --target %s %s",
		quoteArgument(ca), quoteArgument(k.User), quoteArgument(password), server.Addresses()[0], server.URL(), quoteArgument(file))
}

// mailboxTable names the mailboxes of a crowd as an export of Dynamics does.
func mailboxTable(n int) string {
	var b strings.Builder
	b.WriteString("name,emailaddress\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "Box %d,%s\n", i, standin.CrowdMailbox(i))
	}
	return b.String()
}

func quoteArgument(s string) string {
	for _, r := range s {
		if r == '\\' || r == ' ' {
			return `"` + s + `"`
		}
	}
	return s
}

// requestLine tells of one request; what the caller chose is made harmless.
func requestLine(r standin.Request) string {
	line := fmt.Sprintf("%s  node %d connection %d  %-12s %-14s", r.At.Format("15:04:05.000"), r.Node, r.Connection, r.Message, r.Outcome)
	if r.Status != 0 {
		line += fmt.Sprintf("  %d", r.Status)
	}
	if r.Account != "" {
		line += fmt.Sprintf("  as %q", r.Account)
	}
	if r.Binding != "" {
		line += "  binding " + r.Binding
	}
	if r.Operation != "" {
		line += fmt.Sprintf("  %s %s", r.Operation, r.Mailbox)
	}
	return report.Clean(line, 300)
}
