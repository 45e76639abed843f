// Package agentfile reads the configuration of the agent: one YAML file, which names
// others. All that is wrong is told at once, each with its file, line and column.
// Nothing here dials.
package agentfile

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// File is a configuration, valid and complete. Names of files in it are absolute.
type File struct {
	Keys

	Name        string // of the file
	Targets     []*Target
	Notify      []*Channel
	Peers       []*Peer
	Maintenance []*Window

	keys   *config.Keys
	loader *loader
}

// Keys are those of the file itself.
type Keys struct {
	Listen              string        `value:"HOST:PORT" default:"127.0.0.1:9719" help:"where it serves; beyond loopback only with web_config"`
	WebConfig           string        `value:"FILE" help:"TLS and users, in the format of the Prometheus exporter-toolkit"`
	Storage             string        `value:"FOLDER" help:"where runs are kept; else $STATE_DIRECTORY, else the user's state folder"`
	Retention           time.Duration `default:"400d" range:"1h 36500d" help:"how long runs and their records are kept; transitions stay"`
	MaxConcurrentChecks int           `default:"8" range:"1 1000" help:"how many runs at the same time"`
}

// Target is one endpoint that is checked on a schedule.
type Target struct {
	TargetKeys `group:"Target" in:"agent"`
	config.Settings

	Labels   map[string]string
	Check    probe.Config       // without the password
	Dynamics *probe.Environment // read before each whole check; nil: it is not
}

// TargetKeys are the keys of a target that a check has not.
type TargetKeys struct {
	Name              string        `value:"NAME" help:"its name in metrics, paths and commands: a-z, 0-9, . _ -, at most 63 characters"`
	MailboxesFile     string        `value:"FILE" help:"a CSV of mailboxes, which a batch checks every mailbox_interval"`
	FromDynamics      bool          `flag:"mailboxes-from-dynamics" help:"instead of mailboxes_file: those of server_profile in Dynamics"`
	Endpoint          string        `value:"NAME" help:"targets with the same word are compared on the page"`
	Interval          time.Duration `default:"15m" range:"1s 8760h" help:"how often the whole check runs, which signs in"`
	AnonymousInterval time.Duration `default:"1m" range:"1s 8760h" help:"how often a check without a credential runs"`
	MailboxInterval   time.Duration `default:"24h" range:"1s 8760h" help:"how often the mailboxes of mailboxes_file are checked"`
}

// Channel is who is notified, and of what.
type Channel struct {
	Name     string        `value:"NAME" help:"its name in metrics and logs"`
	EventLog bool          `help:"write to the Windows event log"`
	On       []string      `values:"critical unknown warning ok" help:"the statuses to send (default: critical, unknown, warning)"`
	After    int           `default:"2" range:"1 1000" help:"how many runs in a row must have the same status before it is sent"`
	Repeat   time.Duration `range:"1s 8760h" help:"how often to send it again while it lasts (default: never)"`
	Email    *Email
	Webhook  *Webhook

	keys *config.Keys
}

// Email is a channel's mail.
type Email struct {
	Smarthost    string   `value:"HOST:PORT" help:"the SMTP server"`
	From         string   `value:"ADDRESS" help:"the sender"`
	To           []string `help:"the recipients"`
	User         string   `value:"NAME" help:"the account at the SMTP server"`
	PasswordFile string   `secret:"FILE" help:"the password of user"`
	TLS          string   `default:"starttls" values:"starttls tls none" help:"how it is encrypted; none only to loopback or without a user"`
	CAFile       string   `value:"FILE" help:"also trust the certificates in FILE (PEM)"`
}

// Webhook is a channel's POST.
type Webhook struct {
	URLFile string `secret:"FILE" help:"the file with the address, which is a secret (https, or http on loopback)"`
	CAFile  string `value:"FILE" help:"also trust the certificates in FILE (PEM)"`
}

// Peer is another agent, whose targets stand beside those of the same endpoint.
type Peer struct {
	Name         string `value:"NAME" help:"its name on the page"`
	URL          string `value:"URL" help:"its address, https, or http on loopback"`
	User         string `value:"NAME" help:"a user in its web_config"`
	PasswordFile string `secret:"FILE" help:"the password of user"`
	CAFile       string `value:"FILE" help:"also trust the certificates in FILE (PEM)"`

	keys *config.Keys
}

// Find is the target of a name, nil if there is none.
func (f *File) Find(name string) *Target {
	for _, t := range f.Targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Secrets are the files with secrets that the configuration names.
func (f *File) Secrets() (files []string) {
	for _, ks := range f.loader.keys {
		files = append(files, ks.SecretFiles()...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}
