package bench

import (
	"fmt"
	"net"
	"os/exec"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

const oneWay = 50 * time.Millisecond

// latency measures a complete check through a network that needs 50 ms each way.
func (m *machine) latency() error {
	fmt.Println("(a) one check, 50 ms each way (wall time in round trips of 100 ms)")
	s, err := m.start()
	if err != nil {
		return err
	}
	far, err := delay(s.Address)
	if err != nil {
		return err
	}
	defer far.Close()
	address := far.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	url := "https://" + net.JoinHostPort(standin.Host, port) + "/EWS/Exchange.asmx"
	show := func(what string, u used) {
		fmt.Printf("  %-48s %6.0f ms  %.1f round trips\n", what, u.wall.Seconds()*1000, u.wall.Seconds()/(2*oneWay).Seconds())
	}
	u, err := m.run([]string{"EWSPROBE_PASSWORD=" + standin.Password}, m.program,
		"check", "--user", standin.UPN, "--impersonate", "--mailbox", standin.Mailbox, "--ca-file", s.CA, "--address", address, url)
	if err != nil {
		return err
	}
	show("ewsprobe check, Basic and NTLM, one mailbox", u)
	if _, err := exec.LookPath("curl"); err != nil {
		fmt.Println("  curl is not installed here: not compared")
		return s.end()
	}
	for _, scheme := range []string{"--basic", "--ntlm"} {
		u, err := m.run(nil, "curl", "-sS", scheme, "-o", "/dev/null", "--cacert", s.CA,
			"--connect-to", "::"+address, "-u", standin.UPN+":"+standin.Password,
			"-H", "Content-Type: text/xml", "--data", "<x/>", url)
		if err != nil {
			return err
		}
		show("curl "+scheme+", one logon", u)
	}
	return s.end()
}

// delay is a proxy that delivers everything late.
func delay(to string) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				testkit.Distant(near, to, oneWay)
			}()
		}
	}()
	return l, nil
}
