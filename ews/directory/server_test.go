package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	account = "svc-crm@contoso.com"
	domain  = "contoso.com"
)

// check is what the tests hold a client's steps against: what was recorded, and
// how often each logon was settled.
type check struct {
	*Client
	vault *secret.Vault

	mu      sync.Mutex
	settled []evidence.Result
}

// newCheck is a client of the domain with the right password.
func newCheck(t *testing.T, change func(*Client)) *check {
	t.Helper()
	c := &check{vault: &secret.Vault{}}
	c.Client = &Client{
		Domain: domain, Realm: testkit.Realm, Credential: ews.Credential{User: account, Password: testkit.Password},
		Lookup: func(context.Context, string, string) ([]wire.Service, *evidence.Failure) {
			t.Error("DNS was asked")
			return nil, nil
		},
	}
	if change != nil {
		change(c.Client)
	}
	c.vault.AddText(c.Credential.Password)
	c.vault.AddCredential(c.Credential.User, c.Credential.Password)
	c.Recorder = ews.NewRecorder(c.vault, nil)
	t.Cleanup(func() { c.clean(t) })
	return c
}

// settle counts like a guard that has nothing proved.
func (c *check) settle(r evidence.Result) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled = append(c.settled, r)
	return r == evidence.Refused || r == evidence.Unfinished
}

// once fails the test unless each logon was settled once, as it was recorded.
func (c *check) once(t *testing.T, items ...evidence.Item) {
	t.Helper()
	var want []evidence.Result
	for _, i := range items {
		want = append(want, i.Logon.Result)
		if counts := i.Logon.Result == evidence.Refused || i.Logon.Result == evidence.Unfinished; i.Logon.Counted != counts {
			t.Errorf("%s is recorded as counted: %v", i.Logon.Result, i.Logon.Counted)
		}
	}
	if fmt.Sprint(c.settled) != fmt.Sprint(want) {
		t.Errorf("settled %v, want %v", c.settled, want)
	}
}

// clean fails the test if a secret is in the record: the password in any of the
// spellings that the vault knows, or what was hidden on the way.
func (c *check) clean(t *testing.T) {
	t.Helper()
	for _, item := range c.Recorder.Items() {
		raw, err := evidence.Encode(item)
		if err != nil {
			t.Fatal(err)
		}
		var texts func(any)
		texts = func(v any) {
			switch v := v.(type) {
			case string:
				if c.vault.Holds(v) {
					t.Errorf("%s holds a secret: %q", item.ID, v)
				}
			case []any:
				for _, e := range v {
					texts(e)
				}
			case map[string]any:
				for _, e := range v {
					texts(e)
				}
			}
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		texts(v)
		if strings.Contains(string(raw), c.Credential.Password) {
			t.Errorf("%s holds the password: %s", item.ID, raw)
		}
	}
}

// said is an item in a line: what went wrong, and how its logon ended.
func said(i evidence.Item) string {
	var s []string
	if k := i.Kerberos; k != nil {
		if k.Error != "" {
			s = append(s, k.Error)
		}
		if k.NTStatus != "" {
			s = append(s, k.NTStatus)
		}
		if k.Unasked {
			s = append(s, "unasked")
		}
		s = append(s, string(k.Problem))
	}
	if b := i.Bind; b != nil {
		if b.Result != nil {
			s = append(s, fmt.Sprint(*b.Result))
		}
		s = append(s, b.Data, string(b.Problem))
	}
	if i.Error != nil {
		s = append(s, fmt.Sprintf("%s in %s", i.Error.Code, i.Error.Phase))
	}
	if l := i.Logon; l != nil {
		s = append(s, string(l.Result))
	}
	return strings.Join(strings.Fields(strings.Join(s, " ")), " ")
}

// bounded is a context for what ends by itself.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// hasty is a context that ends before a controller's patience, and long after
// whatever a controller that answers takes on a busy machine.
func hasty(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// reset ends a connection with a TCP reset.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// pour writes piece over and over until the other side ends the connection.
func pour(c net.Conn, piece []byte) {
	for {
		if _, err := c.Write(piece); err != nil {
			return
		}
	}
}
