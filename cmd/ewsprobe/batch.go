package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// batchMemory is where the collector begins to work harder in a batch: ten
// answers under way, and the numbers of hundreds of thousands of mailboxes.
const batchMemory = 44 << 20

func batchCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "batch",
		Usage:     "checks many mailboxes through one endpoint and one service account",
		ArgsUsage: "FILE.csv",
		Description: `FILE.csv is an export of the mailboxes of Dynamics (CSV, or JSON of the Web API), or any CSV with a column of
addresses (--column); - is standard input. Flags come before it. The endpoint is examined once; then one call is made for each
mailbox, as fast as the server allows. Results are printed as they come.

All mailboxes, as Dynamics reaches them:  ewsprobe batch --user svc-crm@contoso.com --impersonate --target mail.contoso.com mailboxes.csv
As the exported profile says:             ewsprobe batch --profile profile.csv mailboxes.csv
For a script, and to be gone on with:     ewsprobe batch ... --format json --resume state mailboxes.csv >> results.jsonl
As a page for others, without names:      ewsprobe batch ... --redact --save results.html mailboxes.csv

Exit code: the worst of all: 2 critical, 3 unknown or stopped, 1 warning, 0 ok.`,
		Flags:  batchFlags(),
		Action: func(c *cli.Context) error { return runBatch(c, std) },
	}
}

// batchFlags are those of check, without what a row says, and the batch's own.
func batchFlags() []cli.Flag {
	others := []string{"mailbox", "format", "save", "redact"}
	shared := slices.DeleteFunc(checkFlags(), func(f cli.Flag) bool { return slices.Contains(others, f.Names()[0]) })
	return append(shared,
		&cli.StringFlag{Name: "target", Usage: "the `TARGET` of check: an EWS URL, HOST or HOST:PORT; else the profile's URL"},
		&cli.StringFlag{Name: "column", Usage: "the `NAME` of the column that has the addresses; else that of Dynamics' export (emailaddress, Email Address)"},
		&cli.StringFlag{Name: "user-column", Usage: "each row has an account of its own: the `NAME` of the column with its name"},
		&cli.StringFlag{Name: "password-file-column", Usage: "the `NAME` of the column with the file that holds the password of the row's account"},
		&cli.StringFlag{Name: "password-dir", Usage: "the `FOLDER` that those files are in; nothing outside of it is read"},
		&cli.IntFlag{Name: "concurrency", Value: batch.DefaultConcurrency, Usage: "how many calls are under way at a time, at most"},
		&cli.DurationFlag{Name: "timeout-per-mailbox", Value: batch.DefaultPerMailbox, Usage: "how long a mailbox is tried while the server asks for patience or does not answer"},
		&cli.StringFlag{Name: "resume", Usage: "keep in the file `STATE` what was reported, and go on from there when run again"},
		&cli.StringFlag{Name: "shard", Usage: "check only part `i/n` of the rows: the same rows everywhere, duplicates together"},
		&cli.StringFlag{Name: "format", Value: "text", Usage: "what to print: " + oneOf(report.FormatNames(), "or") + "; text, json (one object per line) and csv come row by row"},
		&cli.StringSliceFlag{Name: "save", Usage: "also write the results to `FILE`, whose ending tells the format (.jsonl or " + oneOf(report.Extensions(), "or") + "); repeatable"},
		&cli.BoolFlag{Name: "redact", Usage: "numbered placeholders in the place of names, in every output; of the columns of the input only the addresses' is left"},
	)
}

func runBatch(c *cli.Context, std stdio) error {
	for _, flag := range []string{"resume", "shard"} {
		if c.Bool("redact") && c.IsSet(flag) {
			return usage("--redact and --%s exclude each other: the numbers of the placeholders hold for one run; join the results first, with ewsprobe merge --redact", flag)
		}
	}
	mask, std := unnamed(c, std)
	return withoutNames(batchWith(c, std, mask), mask)
}

func batchWith(c *cli.Context, std stdio, mask *report.Mask) error {
	cfg, err := configureBatch(c)
	if err != nil {
		return err
	}
	file, err := oneArgument(c, "FILE.csv")
	if err != nil {
		return err
	}
	if file == "-" && c.String("password-file") == "-" {
		return usage("FILE.csv and --password-file cannot both be standard input; put the password into a file or into EWSPROBE_PASSWORD")
	}
	input, err := openInput(c.Context, file, columns{c.String("column"), c.String("user-column"), c.String("password-file-column")}, std)
	if err != nil {
		return err
	}
	defer input.Close()
	passwords, err := openPasswords(c)
	if err != nil {
		return err
	}
	defer passwords.close()
	out, err := openOutputs(c, std, input, mask)
	if err != nil {
		return err
	}
	defer out.close()
	if cfg.State, err = openState(c, cfg, input, out); err != nil {
		return err
	}
	whole := true
	defer func() { cfg.State.Close(whole) }()
	if cfg.State.Cut() && c.String("format") == "json" {
		fmt.Fprintln(std.out) // behind a line that the kill cut off, where results are appended
	}
	if passwords != nil {
		cfg.Password = passwords.read
		err = takeMemory(&cfg.Probe)
		warnInsecure(cfg.Probe, std)
	} else {
		err = takePassword(c, &cfg.Probe, prompts(std, mask))
	}
	if err != nil {
		return err
	}
	// Whoever reads what goes to standard error may leave; that ends no run.
	signal.Ignore(syscall.SIGPIPE)
	shown := showProgress(std, input, cfg.Shard)
	if level := verbosity(c); level > 0 {
		tell := prompts(std, mask).follower(level)
		cfg.Probe.Follow = func(item evidence.Item) {
			if r := item.Request; r != nil && r.Mailbox != "" {
				item.ID = r.Mailbox // of many records, what tells them apart
			}
			shown.over(func() { tell(item) })
		}
	}
	if o := cfg.Probe.Outside(); o != nil {
		cfg.Outside = o.Mailbox
	}
	debug.SetMemoryLimit(batchMemory)
	debug.SetGCPercent(200) // below it, a twentieth of the work is saved
	cfg.Rows, cfg.Emit = input.rows, out.emit
	cfg.Known = func(r report.Row) { out.tally.Add(r, true) }
	cfg.Flush = func() (err error) {
		if !std.outTerm {
			return out.flush()
		}
		shown.over(func() { err = out.flush() })
		return err
	}
	cfg.Endpoint = func(rec evidence.Record, trouble error) {
		if trouble != nil {
			std.complain(trouble)
		}
		out.endpoint(rec)
	}
	cfg.Watch = shown.watch
	found, err := batch.Run(c.Context, cfg)
	shown.end()
	if err != nil {
		err = batchTrouble(err, file)
		std.complain(err)
		out.trouble, whole = err.Error(), false
	}
	if partial := input.partial(); partial != "" {
		std.complain(errors.New(partial))
		out.trouble = strings.TrimPrefix(out.trouble+". "+partial, ". ")
	}
	if note := input.table.Note(); note != "" {
		std.complain(errors.New(input.name + ": " + note))
	}
	summary, sumErr := out.summary(found)
	if sumErr != nil && err == nil {
		std.complain(fmt.Errorf("the results could not be written: %w", sumErr))
		err, whole = sumErr, false
	}
	if summary.Stopped == evidence.StoppedByUser || out.trouble != "" || len(out.lost) > 0 || err != nil {
		return exit(3)
	}
	if v := summary.Verdict; v != nil && v.Status.ExitCode() != 0 {
		return exit(v.Status.ExitCode())
	}
	return nil
}

func batchTrouble(err error, file string) error {
	var own *inputError
	if errors.As(err, &own) {
		return fmt.Errorf("%s cannot be read on (%w); the rows before it were checked", file, own.err)
	}
	return err
}

// configureBatch turns the flags into a configuration, without the password.
func configureBatch(c *cli.Context) (batch.Config, error) {
	b := batch.Config{Concurrency: c.Int("concurrency"), PerMailbox: c.Duration("timeout-per-mailbox")}
	if err := checkOwnAccounts(c); err != nil {
		return b, err
	}
	if _, err := chosenFormat(c); err != nil {
		return b, err
	}
	target, profile, err := batchSubject(c)
	if err != nil {
		return b, err
	}
	if b.Probe, err = configure(c, target); err != nil {
		return b, err
	}
	b.Probe.Profile = profile
	b.Impersonate, b.Probe.Impersonate = b.Probe.Impersonate, false
	if c.IsSet("user-column") {
		b.Probe.User = "" // nor the profile's
	}
	if c.IsSet("shard") {
		if b.Shard, err = batch.ParseShard(c.String("shard")); err != nil {
			return b, usage("--shard: %v", err)
		}
		if b.Shard.Of > 1 {
			// Each shard counts for itself, and all of them sign in with the account.
			if c.IsSet("max-rejections") && b.Probe.MaxRejections > 1 {
				return b, usage("--max-rejections %d: with more than one shard it is 1, because each shard counts for itself; leave it out", b.Probe.MaxRejections)
			}
			b.Probe.MaxRejections = 1
		}
	}
	switch {
	case b.Probe.FromAddress != "":
		return b, usage("--target has to be an EWS URL or a host: one endpoint serves all mailboxes; `ewsprobe check %s` finds it by Autodiscover", b.Probe.FromAddress)
	case b.Probe.NoCredentials:
		return b, usage("--no-credentials asks for no mailbox, so there is nothing for a batch to do; use `ewsprobe check --no-credentials`")
	case b.Probe.ProfileAuth == probe.ProfileOAuth:
		return b, usage("--profile-auth oauth: no mailbox can be asked for without a token; use `ewsprobe check`, which judges the endpoint")
	case b.Concurrency < 1 || b.Concurrency > 100:
		return b, usage("--concurrency %d is out of range; use 1 to 100 (Exchange allows 27 to an account by default)", b.Concurrency)
	case b.PerMailbox < time.Second || b.PerMailbox > 24*time.Hour:
		return b, usage("--timeout-per-mailbox %s is out of range; use 1s to 24h", b.PerMailbox)
	}
	return b, nil
}

// batchSubject is the endpoint: --target, or the URL of the profile.
func batchSubject(c *cli.Context) (target string, profile *evidence.Profile, err error) {
	target = c.String("target")
	file := c.String("profile")
	if file == "" {
		if target == "" {
			return "", nil, usage("--target is missing: at which endpoint; give the EWS URL or the host name, or --profile FILE")
		}
		return target, nil, nil
	}
	if profile, err = readProfile(c.Context, file); err != nil {
		return "", nil, profileUnreadable(file, err)
	}
	if target == "" {
		if target, _, err = profileTarget(profile, ""); err != nil {
			if errors.Is(err, errNoLocation) {
				err = fmt.Errorf("%w; give --target", errNoLocation)
			}
			return "", nil, unusable("--profile %s: %v", file, err)
		}
		if _, err := parseTarget(target); err != nil {
			return "", nil, unusable("--profile %s: the server location in it cannot be checked: %v", file, err)
		}
		profile.Taken = append(profile.Taken, "url")
	}
	return target, profile, fillFlags(c, profile)
}

// inputError is a failure to read on in the middle of the input.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }

// openFile opens FILE.csv, or standard input.
func openFile(ctx context.Context, name string, std stdio) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(std.in), -1, nil
	}
	f, err := openNamed(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	if !f.info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, f.info.Size(), nil
}
