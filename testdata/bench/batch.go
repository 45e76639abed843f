package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/soap"
)

const connections = 10

// batch runs ewsprobe batch over the first rows mailboxes.
func (m *machine) batch(s *server, rows int, more ...string) (used, error) {
	file, err := m.file(rows)
	if err != nil {
		return used{}, err
	}
	_, port, _ := net.SplitHostPort(s.Address)
	args := append([]string{
		"batch", "--user", standin.UPN, "--impersonate", "--format", "json", "--ca-file", s.CA, "--address", s.Address,
		"--target", "https://" + net.JoinHostPort(standin.Host, port) + "/EWS/Exchange.asmx", "--concurrency", fmt.Sprint(connections),
	}, more...)
	u, err := m.run([]string{"EWSPROBE_PASSWORD=" + standin.Password}, m.program, append(args, file)...)
	if err != nil {
		return u, err
	}
	if n := bytes.Count(u.out, []byte(`"schema":"ewsprobe/row/1"`)); n != rows {
		return u, fmt.Errorf("%d rows were reported of %d", n, rows)
	}
	return u, nil
}

// bare is a loop of net/http that sends the same bytes over as many connections
// and reads the answers, without looking at them.
func bare(s *server, rows int) (time.Duration, error) {
	raw, err := os.ReadFile(s.CA)
	if err != nil {
		return 0, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: standin.Host}, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
	}}
	var next atomic.Int64
	var failed atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range connections {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(rows); i = next.Add(1) {
				body := soap.FindFolder(soap.Call{Mailbox: fmt.Sprintf("box%d@contoso.com", i), Impersonate: true})
				req, err := http.NewRequest(http.MethodPost, "https://"+s.Address+"/EWS/Exchange.asmx", bytes.NewReader(body))
				if err != nil {
					failed.Add(1)
					continue
				}
				req.Header.Set("Content-Type", "text/xml; charset=utf-8")
				req.Header.Set("Accept", "text/xml")
				req.SetBasicAuth(standin.UPN, standin.Password)
				resp, err := client.Do(req)
				if err != nil {
					failed.Add(1)
					continue
				}
				_, err = io.Copy(io.Discard, resp.Body)
				if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
					failed.Add(1)
				}
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	if n := failed.Load(); n > 0 {
		return took, fmt.Errorf("the bare loop failed %d times", n)
	}
	return took, nil
}

// exchangelib does the same with python3-exchangelib, one mailbox after the other
// in as many threads; false where it is not installed.
const exchangelibScript = `
import sys, concurrent.futures as f
from exchangelib import Account, Configuration, Credentials, IMPERSONATION, BASIC, Build, Version
from exchangelib.protocol import BaseProtocol, NoVerifyHTTPAdapter
BaseProtocol.HTTP_ADAPTER_CLS = NoVerifyHTTPAdapter
c = Configuration(service_endpoint=sys.argv[1], credentials=Credentials(sys.argv[2], sys.argv[3]), auth_type=BASIC, version=Version(Build(15, 2)), max_connections=10)
def one(i):
    a = Account('box%d@contoso.com' % i, config=c, autodiscover=False, access_type=IMPERSONATION)
    return a.inbox.name
with f.ThreadPoolExecutor(10) as p:
    list(p.map(one, range(1, int(sys.argv[4]) + 1)))
`

func (m *machine) throughput() error {
	const rows, few = 10000, 300
	fmt.Printf("(b) mailboxes per second, %d connections, Basic\n", connections)
	for _, delay := range []string{"0s", "10ms"} {
		s, err := m.start("-schemes", "basic", "-delay", delay)
		if err != nil {
			return err
		}
		n := rows
		if delay != "0s" {
			n = rows / 2
		}
		var loop, own used
		best := func(a, b used) used {
			if a.wall == 0 || b.wall < a.wall {
				return b
			}
			return a
		}
		for range 3 { // turn and turn about, the best of each: others use this machine too
			took, err := bare(s, n)
			if err != nil {
				return err
			}
			loop = best(loop, used{wall: took})
			u, err := m.batch(s, n)
			if err != nil {
				return err
			}
			own = best(own, u)
		}
		perSecond := func(d time.Duration, n int) float64 { return float64(n) / d.Seconds() }
		fmt.Printf("  server takes %-5s  bare loop %7.0f/s   ewsprobe %7.0f/s   ratio %.2f   CPU per mailbox %s\n",
			delay, perSecond(loop.wall, n), perSecond(own.wall, n), loop.wall.Seconds()/own.wall.Seconds(), (own.cpu / time.Duration(n)).Round(time.Microsecond))
		if exec.Command("python3", "-c", "import exchangelib").Run() != nil {
			fmt.Println("  exchangelib is not installed here: not compared")
		} else {
			u, err := m.run(nil, "python3", "-c", exchangelibScript, "https://"+s.Address+"/EWS/Exchange.asmx", standin.UPN, standin.Password, fmt.Sprint(few))
			if err != nil {
				return err
			}
			fmt.Printf("                      exchangelib %5.0f/s (with its start)   ewsprobe is %.1f times as fast\n", perSecond(u.wall, few), perSecond(own.wall, n)/perSecond(u.wall, few))
		}
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) memory() error {
	fmt.Println("(c) memory (largest resident set)")
	s, err := m.start("-schemes", "basic", "-denied", "10")
	if err != nil {
		return err
	}
	for _, rows := range []int{1000, 10000, 100000} {
		u, err := m.batch(s, rows)
		if err != nil {
			return err
		}
		page, err := m.batch(s, rows, "--save", filepath.Join(m.dir, "results.html"), "--save", filepath.Join(m.dir, "results.xml"))
		if err != nil {
			return err
		}
		hidden, err := m.batch(s, rows, "--redact", "--save", filepath.Join(m.dir, "results.html"))
		if err != nil {
			return err
		}
		fmt.Printf("  %7d rows  %5.1f MiB   with HTML and JUnit saved %5.1f MiB   with HTML saved and --redact %5.1f MiB\n", rows, float64(u.memory)/1024, float64(page.memory)/1024, float64(hidden.memory)/1024)
	}
	return s.end()
}

func (m *machine) throttled() error {
	fmt.Println("(d) a server that allows 200 calls a second")
	for _, c := range []struct {
		what string
		args []string
	}{
		{"ErrorServerBusy, 0.5 s, bucket of 100", []string{"-burst", "100", "-pause", "500ms"}},
		{"ErrorServerBusy, 0.5 s, bucket of 20", []string{"-burst", "20", "-pause", "500ms"}},
		{"503 with Retry-After 1 s, bucket of 200", []string{"-burst", "200", "-pause", "1s", "-how", "retry-after"}},
		{"503 with Retry-After 1 s, bucket of 20", []string{"-burst", "20", "-pause", "1s", "-how", "retry-after"}},
	} {
		const rows = 8000
		s, err := m.start(append([]string{"-schemes", "basic", "-rate", "200"}, c.args...)...)
		if err != nil {
			return err
		}
		u, err := m.batch(s, rows)
		if err != nil {
			return err
		}
		var sum struct {
			DurationMS float64 `json:"duration_ms"`
			Retries    int     `json:"retries"`
		}
		lines := bytes.Split(bytes.TrimSpace(u.out), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &sum); err != nil {
			return err
		}
		if err := s.end(); err != nil {
			return err
		}
		fmt.Printf("  %-42s %5.1f %% of what it allows, %d complaints, %d of %d mailboxes answered, %d bad logons\n",
			c.what, rows/200.0/(sum.DurationMS/1000)*100, s.Throttled, s.Mailboxes, rows, s.BadLogons)
	}
	return nil
}
