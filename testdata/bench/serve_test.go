package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// served is what a server tells when it ends.
type served struct {
	Address   string `json:"address"`
	CA        string `json:"ca"`
	Mailboxes int    `json:"mailboxes"` // that were answered
	Calls     int    `json:"calls"`     // with which
	Throttled int    `json:"throttled"`
	Most      int    `json:"most"`
	Early     int    `json:"early"`
	BadLogons int    `json:"bad_logons"`
}

// serve plays an Exchange with many mailboxes in a process of its own until it is
// told to end. It prints where it is, and at the end what it has seen.
func serve(args []string) error {
	f := flag.NewFlagSet("serve", flag.ExitOnError)
	c := &standin.Crowd{}
	listen := f.String("listen", "127.0.0.1:0", "")
	schemes := f.String("schemes", "both", "both, basic or ntlm")
	dir := f.String("dir", os.TempDir(), "where the certificate of the authority is written")
	f.IntVar(&c.Mailboxes, "mailboxes", 1000000, "")
	f.IntVar(&c.Denied, "denied", 0, "")
	f.IntVar(&c.DropEvery, "drop-every", 0, "")
	f.IntVar(&c.ForgetEvery, "forget-every", 0, "")
	f.IntVar(&c.RefuseAfter, "refuse-after", 0, "")
	f.IntVar(&c.Refusals, "refusals", 0, "")
	f.IntVar(&c.BusyEvery, "busy-every", 0, "")
	f.DurationVar(&c.BusyFor, "busy-for", 0, "")
	f.IntVar(&c.PauseAfter, "pause-after", 0, "")
	f.DurationVar(&c.Delay, "delay", 0, "")
	f.Float64Var(&c.Throttle.Rate, "rate", 0, "")
	f.IntVar(&c.Throttle.Burst, "burst", 1, "")
	f.IntVar(&c.Throttle.Most, "most", 0, "")
	f.DurationVar(&c.Throttle.Pause, "pause", time.Second, "")
	how := f.String("how", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	c.Throttle.How = standin.ThrottleForm(*how)
	b := standin.Behaviour{Basic: *schemes != "ntlm", NTLM: *schemes != "basic", Negotiate: *schemes != "basic", Crowd: c}
	s, err := standin.Start(b, standin.Options{Listen: *listen})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	told := served{Address: s.Addresses()[0], CA: filepath.Join(*dir, fmt.Sprintf("ca-%d.pem", os.Getpid()))}
	if err := os.WriteFile(told.CA, s.CA(), 0o600); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(told); err != nil {
		return err
	}
	<-ctx.Done()
	view := s.Crowd()
	told.Mailboxes, told.Throttled, told.Early = len(view.Served), view.Throttled, view.Early
	told.Most, told.BadLogons = view.Most, s.View().BadLogons
	for _, n := range view.Served {
		told.Calls += n
	}
	return out.Encode(told)
}
