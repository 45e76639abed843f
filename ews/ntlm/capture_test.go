package ntlm

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/testdata/captures"
)

// capture is a recorded type 2 message and what is in it.
type capture struct {
	ID      string      `json:"id"`
	Kind    string      `json:"kind"`
	Headers [][2]string `json:"headers"`
	Decoded decoded     `json:"decoded"`
}

// decoded are the fields of a message. Truncated: it is malformed.
type decoded struct {
	Flags     string            `json:"flags"`
	Challenge string            `json:"challenge"`
	Target    string            `json:"target"`
	Version   string            `json:"version"`
	AV        map[string]string `json:"av"`
	Truncated bool              `json:"truncated"`
}

// readCaptures returns the recorded type 2 messages.
func readCaptures(tb testing.TB) []capture {
	tb.Helper()
	messages := slices.DeleteFunc(captures.Read[capture](tb), func(c capture) bool { return c.Kind != "ntlm-type2" })
	if len(messages) < 8 {
		tb.Fatalf("%d type 2 messages read, want at least 8", len(messages))
	}
	return messages
}

// token is the base64 parameter of the challenge.
func (c capture) token() string {
	for _, h := range c.Headers {
		if scheme, token, ok := strings.Cut(h[1], " "); ok && (scheme == "NTLM" || scheme == "Negotiate") {
			return token
		}
	}
	return ""
}

// message is the capture's type 2 message.
func (c capture) message(tb testing.TB) []byte {
	tb.Helper()
	raw, err := DecodeToken(c.token())
	if err != nil {
		tb.Fatalf("%s: %v", c.ID, err)
	}
	return raw
}

// summary writes a challenge in the captures' own form.
func summary(c Challenge) decoded {
	d := decoded{Flags: fmt.Sprintf("0x%08x", c.Flags), Challenge: hex.EncodeToString(c.Nonce[:]), Target: c.TargetName, Version: c.Version, AV: map[string]string{}}
	for name, value := range map[string]string{
		"NbDomain": c.NbDomain, "NbComputer": c.NbComputer, "DnsDomain": c.DNSDomain, "DnsComputer": c.DNSName, "DnsTree": c.DNSTree,
	} {
		if value != "" {
			d.AV[name] = value
		}
	}
	if !c.Time.IsZero() {
		d.AV["Timestamp"] = c.Time.Truncate(time.Microsecond).Format(time.RFC3339Nano)
	}
	return d
}

// TestCaptures decodes every recorded type 2 message; the malformed one is
// refused with its reason, and no type 3 is made for it.
func TestCaptures(t *testing.T) {
	for _, c := range readCaptures(t) {
		got, err := Decode(c.message(t))
		if c.Decoded.Truncated {
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "its target name claims bytes 56 to 68 of 47") {
				t.Errorf("%s: error %v, want the reason", c.ID, err)
			}
			if m, err := AuthenticateMessage(c.message(t), "u", "p", nil); err == nil {
				t.Errorf("%s: answered with a type 3 of %d bytes", c.ID, len(m))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		if diff := cmp.Diff(c.Decoded, summary(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID, diff)
		}
	}
}

// TestDecodeToken has one parameter of a WWW-Authenticate value per line.
func TestDecodeToken(t *testing.T) {
	raw := "NTLMSSP\x00\x02\x00\x00\x00four"
	padded := base64.StdEncoding.EncodeToString([]byte(raw + "!!"))
	cases := []struct {
		name, token string
		want        string
		err         error
	}{
		{"message", base64.StdEncoding.EncodeToString([]byte(raw)), raw, nil},
		{"padded", padded, raw + "!!", nil},
		{"padding forgotten", strings.TrimRight(padded, "="), raw + "!!", nil},
		{"too much padding", padded + "=", raw + "!!", nil},
		{"only half a signature", "TlRMTQ==", "NTLM", nil},
		{"not base64", "TlRMTVNTUAACAAAA!", "", ErrNotNTLM},
		{"base64 for URLs", strings.Repeat("-_", 20), "", ErrNotNTLM},
		{"without an end", strings.Repeat("TlRM", 20000), "", ErrMalformed},
	}
	for _, c := range cases {
		got, err := DecodeToken(c.token)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}
