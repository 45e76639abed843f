package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func readEnvironment(c *cli.Context, s *config.Settings, std stdio) error {
	env, err := s.Environment(c.Context)
	to, outErr := s.Output("", std.streams())
	if err := config.Join(err, outErr, none(c, "; to check one mailbox: `ewsprobe check --mailbox ADDRESS`")); err != nil {
		return err
	}
	started, out := time.Now(), outputTo(to, std)
	ctx, cancel := context.WithTimeout(c.Context, env.Timeout)
	defer cancel()
	env.Follow = out.follower()
	rec := environmentRecord(c.Context, env, started, env.Overview(ctx))
	r := report.NewEnvironment(out.mask.Record(rec), version())
	return out.give(r.Status(), func(f report.Format, s report.Style) ([]byte, error) { return f.Environment(r, s) })
}

// environmentRecord is the record of what was read of Dynamics, and nothing else.
func environmentRecord(ctx context.Context, env *probe.Environment, started time.Time, items []evidence.Item) evidence.Record {
	rec := evidence.Record{Started: started.UTC(), Duration: time.Since(started), Items: items, Target: env.Target()}
	if ctx.Err() != nil {
		rec.Stopped = evidence.StoppedByUser
	}
	return rec
}

// listOf opens the list of mailboxes that takes the place of FILE.csv. What cannot be
// read ends the command with what is missing.
func listOf(ctx context.Context, env *probe.Environment, profile string) (*probe.List, error) {
	list, err := env.Mailboxes(ctx, profile)
	var not *probe.NotListed
	switch {
	case err == nil:
		return list, nil
	case errors.As(err, &not) && !not.Wrong:
		return nil, unreadable(not.Items, env)
	}
	return nil, unusable("%v", err)
}

// unreadable is the refusal that says what of Dynamics could not be read.
func unreadable(items []evidence.Item, env *probe.Environment) error {
	v := report.New(evidence.Record{Items: items, Target: env.Target()}, version()).Findings
	if len(v) == 0 {
		return &refusal{code: "dynamics-unreadable", text: "Dynamics could not be read"}
	}
	return &refusal{code: "dynamics-unreadable", text: v[0].Summary + ". " + v[0].Detail}
}

// openList is openInput of a list that is read from Dynamics.
func openList(list *probe.List, env *probe.Environment) (*batch.Input, error) {
	in, err := batch.OpenInput(list, fmt.Sprintf("Dynamics, profile %q", list.Profile.Name), -1, batch.Columns{})
	var cut *probe.Unreadable
	var damaged *dynamics.Error
	switch {
	case err == nil:
		in.Profile = list.Profile.Name
		return in, nil
	case errors.As(err, &cut):
		return nil, unreadable([]evidence.Item{cut.Item}, env)
	case errors.As(err, &damaged) && damaged.Problem == dynamics.Empty:
		return nil, unusable("the profile %q has no active mailbox in Dynamics", list.Profile.Name)
	}
	return nil, unusable("%v", err)
}

// unreadableList says that the list broke off in the middle of a run.
func unreadableList(cut *probe.Unreadable, in *batch.Input) error {
	rows := "1 row"
	if n := in.Count(); n != 1 {
		rows = fmt.Sprintf("%d rows", n)
	}
	return fmt.Errorf("dynamics-unreadable: the list of mailboxes ended early, after %s (%w); the rows before that were checked", rows, cut)
}
