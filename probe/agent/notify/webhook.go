package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/outbound"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// webhook is a POST. Its address is a secret: who knows it can write into the
// channel. So no error names it, nor the host in it.
type webhook struct {
	*agentfile.Webhook
	version string
}

func (w webhook) send(ctx context.Context, key string, n Notification) error {
	to, err := hookAddress(ctx, w.URLFile)
	if err != nil {
		return err
	}
	client, err := outbound.Client(ctx, to, w.CAFile)
	if err != nil {
		return err
	}
	n.Schema = Schema
	body, err := evidence.Encode(n.Message)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address in url_file cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "ewsprobe/"+w.version)
	r.Header.Set("Idempotency-Key", key) // the same each time it is tried
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the webhook: %w", outbound.Why(err))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // some count a cut answer as a failure
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("the webhook answers with a redirect (%d), which is not followed; put the final address in url_file", code)
	default:
		return fmt.Errorf("the webhook answers %d %s", code, http.StatusText(code))
	}
}

// hookAddress reads the address of a web hook.
func hookAddress(ctx context.Context, file string) (*url.URL, error) {
	text, err := config.ReadSecret(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("url_file %w", err)
	}
	to, err := url.Parse(text)
	if err != nil || !agentfile.Secure(to) {
		return nil, errors.New("url_file does not contain one address like https://HOST/PATH (http is for loopback only)")
	}
	return to, nil
}
