package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// The whole check is made once, and when: the letters are the answers of a server that is
// asked every three seconds, from o (ok) over w (warning) and c (critical) to u (unknown).
func TestWatchEnds(t *testing.T) {
	const bad = "owcu"
	for _, c := range []struct {
		name, answers string
		rounds        int // before the whole check
		better        bool
	}{
		{"Basic is switched on", "ccoo", 4, true},
		{"a restart in between", "ccuuoo", 6, true},
		{"a restart that changes nothing", "ccuuccc", 21, false},
		{"it restarts already", "uucc", 4, true},
		{"an answer that does not last", "ucucucoo", 8, true},
		{"one of two servers has changed", "cocococo", 21, false},
		{"ok, and restarted", "oouoo", 5, true},
		{"ok all the time", "o", 21, false},
		{"a warning less", "wwoo", 4, true},
		{"worse", "ccuu", 21, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, rounds, changes, whole := time.Now(), 0, 0, 0
				w := Watch{
					For: time.Minute,
					Evaluate: func(evidence.Record) Answer {
						letter := c.answers[min(rounds, len(c.answers))-1]
						if c.name == "one of two servers has changed" {
							letter = c.answers[rounds%2]
						}
						return Answer{Bad: strings.IndexByte(bad, letter), Code: string(letter)}
					},
					Show: func(_ Answer, changed bool) {
						if changed {
							changes++
						}
					},
					Whole: func(_ context.Context, got Config, better bool) (evidence.Record, error) {
						whole++
						if got.NoCredentials || !got.Explain || got.Timeout != time.Minute || better != c.better {
							t.Errorf("better %v, the check %+v", better, got)
						}
						return evidence.Record{Duration: 7}, errors.New("trouble")
					},
					ask: func(_ context.Context, got Config) (evidence.Record, error) {
						rounds++
						if !got.NoCredentials || got.Explain || got.Cloud != nil || got.Timeout > watchPatience {
							t.Errorf("asked with %+v", got)
						}
						return evidence.Record{}, nil
					},
				}
				rec, err := w.Run(t.Context(), Config{Explain: true, Timeout: time.Minute, Cloud: &Cloud{}})
				if rounds != c.rounds || whole != 1 || rec.Duration != 7 || err == nil {
					t.Errorf("%d rounds, %d whole checks, %v %v", rounds, whole, rec, err)
				}
				if took := time.Since(begun); took != min(time.Duration(c.rounds-1)*watchPause, time.Minute) || changes == 0 || changes > rounds {
					t.Errorf("took %s, %d changes", took, changes)
				}
			})
		})
	}
}

// Whoever stops it gets the last answer, and no logon is spent.
func TestWatchStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := Watch{
			For:      time.Hour,
			Evaluate: func(evidence.Record) Answer { return Answer{Bad: 2, Code: "critical"} },
			Show:     func(Answer, bool) { time.AfterFunc(time.Second, stop) },
			Whole: func(context.Context, Config, bool) (evidence.Record, error) {
				t.Error("the whole check is made")
				return evidence.Record{}, nil
			},
			ask: func(context.Context, Config) (evidence.Record, error) {
				return evidence.Record{Items: make([]evidence.Item, 3)}, nil
			},
		}
		if rec, err := w.Run(ctx, Config{Timeout: time.Second}); rec.Stopped != evidence.StoppedByUser || len(rec.Items) != 3 || err != nil {
			t.Errorf("%+v %v", rec, err)
		}
	})
}

// switched leads to the first of two servers until it is switched to the second.
type switched struct {
	mu sync.Mutex
	at []string
}

func (s *switched) Addresses(context.Context, string, string) ([]string, *evidence.Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at[:1], nil
}

func (s *switched) Service(context.Context, string) ([]string, *evidence.Failure) { return nil, nil }

// A password that is wrong reaches the server once the whole check begins, and not before.
func TestWatchSpendsNoLogonBefore(t *testing.T) {
	roots := x509.NewCertPool()
	var servers []*standin.Server
	addresses := &switched{}
	for _, b := range []standin.Behaviour{{NTLM: true}, {NTLM: true, Basic: true}} {
		s, err := standin.Start(b, standin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		roots.AppendCertsFromPEM(s.CA())
		servers, addresses.at = append(servers, s), append(addresses.at, s.Addresses()[0])
	}
	logons := func() (n int) {
		for _, s := range servers {
			n += s.View().BadLogons
		}
		return n
	}
	u := &url.URL{Scheme: "https", Host: net.JoinHostPort(standin.Host, "443"), Path: "/EWS/Exchange.asmx"}
	shown := 0
	w := Watch{
		For: time.Hour,
		Evaluate: func(rec evidence.Record) Answer {
			for _, item := range rec.Items {
				if item.Step == evidence.StepAnonymous && item.Response != nil && len(item.Response.Header("WWW-Authenticate")) > 1 {
					return Answer{Code: "Basic"}
				}
			}
			return Answer{Bad: 2, Code: "no Basic"}
		},
		Show: func(Answer, bool) {
			if n := logons(); n != 0 {
				t.Errorf("%d logons before the whole check", n)
			}
			if shown++; shown == 1 {
				addresses.mu.Lock()
				addresses.at = addresses.at[1:]
				addresses.mu.Unlock()
			}
		},
		Whole: func(ctx context.Context, c Config, better bool) (evidence.Record, error) {
			if n := logons(); n != 0 || !better {
				t.Errorf("%d logons before the whole check; better: %v", n, better)
			}
			return Run(ctx, c)
		},
	}
	_, err := w.Run(t.Context(), Config{
		URL: u, User: standin.UPN, Password: standin.WrongPassword, ProfileAuth: ProfileBasic, View: "inside", Extra: roots, Timeout: time.Minute,
		UserAgent: "ewsprobe/test", MaxRejections: 1, Resolver: addresses, Explain: true,
	})
	if n := logons(); n != 1 || shown != 3 || err != nil {
		t.Errorf("%d logons, %d answers: %v", n, shown, err)
	}
}
