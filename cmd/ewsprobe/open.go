package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// opened is a file that the user named, open for reading.
type opened struct {
	io.Reader
	io.Closer
	info fs.FileInfo
}

// openNamed opens a file that the user named. To open a pipe waits for somebody
// who writes to it, and to read it waits for what he writes: both end with ctx,
// and what waits is left behind.
func openNamed(ctx context.Context, name string) (*opened, error) {
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := os.Open(name)
		done <- result{f, err}
	}()
	var f *os.File
	select {
	case <-ctx.Done():
		return nil, errStopped
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		f = r.f
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.Mode().IsRegular() {
		return &opened{f, f, info}, nil
	}
	return &opened{&leaving{ctx: ctx, in: f}, f, info}, nil
}
