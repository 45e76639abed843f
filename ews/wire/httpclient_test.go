package wire

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestHTTPClient: a library's request arrives as it was meant, its answer comes back
// whole or not at all, and a redirect ends it.
func TestHTTPClient(t *testing.T) {
	for _, c := range []struct {
		name string
		give Answer
		fail *evidence.Failure
		want string // part of the error, "" none
	}{
		{"answered", Answer{Response: &evidence.Response{Status: 200, Headers: [][2]string{{"X-A", "1"}, {"X-A", "2"}}}, Body: []byte("hello")}, nil, ""},
		{"redirected", Answer{Response: &evidence.Response{Status: 307, Headers: [][2]string{{"Location", "https://elsewhere.example/"}}}, Body: []byte("hello")}, nil, ""},
		{"no answer", Answer{}, &evidence.Failure{Code: evidence.TimedOut, Text: "no answer within the time"}, "no answer within the time"},
		{"a broken answer", Answer{Response: &evidence.Response{Status: 200}}, &evidence.Failure{Code: evidence.TimedOut, Text: "late"}, "late"},
		{"cut short", Answer{Response: &evidence.Response{Status: 200, CutShort: true}, Body: []byte("he")}, nil, "not whole"},
		{"oversized", Answer{Response: &evidence.Response{Status: 200, Oversized: true}, Body: []byte("he")}, nil, "not whole"},
		{"nothing", Answer{}, nil, "not whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent []Request
			client := NewHTTPClient(func(_ context.Context, r Request) (Answer, *evidence.Failure) {
				sent = append(sent, r)
				return c.give, c.fail
			})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://host.example/x", strings.NewReader("a=b"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("User-Agent", "agent")
			req.Header.Set("Authorization", "Basic x")
			req.Header.Set("X-B", "2")
			req.Header.Set("X-A", "1")
			resp, err := client.Do(req)
			if len(sent) != 1 {
				t.Fatalf("%d requests", len(sent))
			}
			s := sent[0]
			if got := fmt.Sprintf("%s %s %s %s %s %v", s.Method, s.URL, s.Body, s.UserAgent, s.Authorization, s.Header); got != "POST https://host.example/x a=b agent Basic x [[X-A 1] [X-B 2]]" {
				t.Error(got)
			}
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if string(body) != "hello" || resp.StatusCode != c.give.Response.Status || len(resp.Header["X-A"]) != strings.Count(fmt.Sprint(c.give.Response.Headers), "X-A") {
				t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
			}
		})
	}
}
