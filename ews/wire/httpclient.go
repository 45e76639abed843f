package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// NewHTTPClient makes an http.Client for a library that wants one. Each of its requests is
// handed to send, which uses a connection of this package and writes down what
// happened; a redirect is not followed, so no request is made again elsewhere.
func NewHTTPClient(send func(context.Context, Request) (Answer, *evidence.Failure)) *http.Client {
	return &http.Client{Transport: roundTripper(send), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type roundTripper func(context.Context, Request) (Answer, *evidence.Failure)

// errNotWhole: what the library would read is not what the server meant.
var errNotWhole = errors.New("the answer is not whole")

// RoundTrip is http.RoundTripper.
func (l roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	req := Request{Method: r.Method, URL: r.URL}
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if req.Body, err = io.ReadAll(io.LimitReader(r.Body, evidence.BodyRead)); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			switch name {
			case "Authorization":
				req.Authorization = value
			case "User-Agent":
				req.UserAgent = value
			default:
				req.Header = append(req.Header, [2]string{name, value})
			}
		}
	}
	answer, fail := l(r.Context(), req)
	switch p := answer.Response; {
	case fail != nil:
		return nil, fail
	case p == nil || p.Oversized || p.CutShort:
		return nil, errNotWhole
	}
	resp := &http.Response{
		StatusCode: answer.Response.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: r,
	}
	for _, h := range answer.Response.Headers {
		resp.Header.Add(h[0], h[1])
	}
	return resp, nil
}
