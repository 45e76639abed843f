package bench

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/soap"
)

// bare is a loop of net/http in a process of its own, as ewsprobe is in one. It
// sends the same bytes over as many connections and reads the answers, without
// looking at them: its arguments are the server's address, the file with the
// certificate of its authority, and how many mailboxes there are.
func bare(args []string) error {
	if len(args) != 3 {
		return errors.New("bare wants an address, a file and a number")
	}
	raw, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	rows, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: standin.Host}, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
	}}
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(rows); i = next.Add(1) {
				if err := post(client, args[0], i); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	workers.Wait()
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("the bare loop failed %d times", n)
	}
	return nil
}

func post(client *http.Client, address string, i int64) error {
	body := soap.FindFolder(soap.Call{Mailbox: fmt.Sprintf("box%d@contoso.com", i), Impersonate: true})
	req, err := http.NewRequest(http.MethodPost, "https://"+address+"/EWS/Exchange.asmx", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("Accept", "text/xml")
	req.SetBasicAuth(standin.UPN, standin.Password)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return err
}
