package batch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Row is a row of the input.
type Row struct {
	Number  int // counts from 1
	Line    int // on which it starts, the header being line 1
	Cells   []string
	Address string
	Account Account
	Problem string // why it cannot be used; "" it can
}

// Account is the one that a row names for itself; the zero value is the run's.
type Account struct{ User, PasswordFile string }

func (a Account) named() bool { return a.User != "" }

// key is that of what the row asks for: the same mailbox by another account is
// another question.
func (r Row) key() key {
	switch {
	case r.Problem != "":
		return keyOf(r.Problem)
	case r.Account.named():
		return keyOf(strings.Join([]string{r.Address, r.Account.User, r.Account.PasswordFile}, "\x00"))
	}
	return keyOf(r.Address)
}

// found is the row with what was found.
func (r Row) found(t *report.Template) report.Row {
	return t.Fill(report.Row{Number: r.Number, Line: r.Line, Mailbox: r.Address, User: r.Account.User, Cells: r.Cells})
}

// key is what all spellings of an address have in common. Exchange compares
// addresses without case.
type key [16]byte

func keyOf(address string) key {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return key(sum[:16])
}

// check is a short form that tells whether a row still has the address it had.
func (k key) check() uint32 { return binary.BigEndian.Uint32(k[8:12]) | 1 }

// Shard is one of several parts of any input. The zero value is the whole.
type Shard struct{ Index, Of int }

// ParseShard reads "2/5": the second of five.
func ParseShard(s string) (Shard, error) {
	i, n, ok := strings.Cut(s, "/")
	index, err := strconv.Atoi(strings.TrimSpace(i))
	of, err2 := strconv.Atoi(strings.TrimSpace(n))
	if !ok || err != nil || err2 != nil || index < 1 || of < 1 || index > of || of > 10000 {
		return Shard{}, fmt.Errorf("%q is not a shard; give it like 1/4, from 1/4 to 4/4", s)
	}
	return Shard{index, of}, nil
}

// Has says whether a row belongs to the shard. An address is in the same shard
// everywhere and always (SHA-256 of its lower case), so that its duplicates are
// checked once. Rows that name their accounts go by these, so that only one shard
// signs in with each; a row without an address goes by its number.
func (s Shard) Has(r Row) bool {
	if s.Of < 2 {
		return true
	}
	if r.Problem != "" {
		return r.Number%s.Of == s.Index-1
	}
	k := keyOf(r.Address)
	if r.Account.named() {
		k = keyOf(r.Account.User)
	}
	return int(binary.BigEndian.Uint64(k[:8])%uint64(s.Of)) == s.Index-1
}

func (s Shard) String() string {
	if s.Of < 2 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// seen knows every address that was met: 24 bytes each, whatever was found.
type seen struct {
	mu      sync.Mutex
	met     map[key]found
	waiting map[key][]Row // duplicates of what is under way
	held    int           // rows in it
	room    chan struct{} // closed when some were settled
}

// found is where the result of an address is.
type found struct {
	shape int32 // number of the template, 0 where it is not kept, or the below
	row   int32
}

const underWay int32 = -1

// addressState is what is known of an address.
type addressState int

const (
	fresh addressState = iota // to be asked for; it is under way now
	known                     // its shape is there
	waits                     // it is under way, and the row was kept
)

// most is how many duplicates wait at a time. Beyond it reading waits: a file of
// one address is as long as one of many.
const most = 1000

func newSeen() *seen {
	return &seen{met: map[key]found{}, waiting: map[key][]Row{}, room: make(chan struct{})}
}

// look says what is known of a row's address.
func (s *seen) look(ctx context.Context, k key, row Row) (shape int32, first int, is addressState) {
	for {
		s.mu.Lock()
		f, ok := s.met[k]
		switch {
		case !ok || f.shape == 0:
			s.met[k] = found{underWay, int32(row.Number)}
			s.mu.Unlock()
			return 0, 0, fresh
		case f.shape != underWay:
			s.mu.Unlock()
			return f.shape, int(f.row), known
		case s.held < most || ctx.Err() != nil:
			s.waiting[k] = append(s.waiting[k], row)
			s.held++
			s.mu.Unlock()
			return 0, 0, waits
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// settle notes the result of an address and returns the rows that waited for it.
func (s *seen) settle(k key, row int, shape int32) []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[k] = found{shape, int32(row)}
	rows := s.waiting[k]
	if rows != nil {
		delete(s.waiting, k)
		s.held -= len(rows)
		close(s.room)
		s.room = make(chan struct{})
	}
	return rows
}
