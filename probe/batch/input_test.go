package batch

import (
	"io"
	"strings"
	"testing"
)

// How many rows there will be is an estimate until the file was read, and not known of
// a pipe.
func TestInputTotal(t *testing.T) {
	file := "emailaddress\n" + strings.Repeat("box@contoso.com\n", 1000)
	for _, c := range []struct {
		size        int64
		shard       Shard
		least, most int
		sure        bool
	}{
		{int64(len(file)), Shard{}, 1000, 1000, true},
		{int64(len(file)), Shard{1, 4}, 250, 250, false},
		{int64(len(file)) * 10, Shard{}, 9000, 11000, false},
		{-1, Shard{}, 0, 0, false},
	} {
		in, err := OpenInput(io.NopCloser(strings.NewReader(file)), "boxes.csv", c.size, Columns{})
		if err != nil {
			t.Fatal(err)
		}
		for range in.Rows {
		}
		if total, sure := in.Total(c.shard, 10); total < c.least || total > c.most || sure != c.sure || in.Count() != 1000 {
			t.Errorf("%+v: %d %v", c, total, sure)
		}
	}
}
