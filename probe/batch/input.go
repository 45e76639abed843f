package batch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Input is the table of a batch: which columns are used, and how far it was read.
type Input struct {
	io.Closer
	Name    string
	Profile string // whose mailboxes are meant; "" all
	Header  []string
	Column  int // of the addresses

	user, passwordFile int          // of the account that each row names; -1: none
	secret             []int        // columns of passwords, which no result repeats
	size               int64        // -1: not known
	at                 atomic.Int64 // bytes that were read
	count              atomic.Int64 // rows in them
	table              *dynamics.Table
	aside              map[string]int
}

// Columns are those that flags name.
type Columns struct{ Address, User, PasswordFile string }

// OpenInput reads as far as the header. A file without a column of addresses is
// refused before anything is sent. What it cannot use it closes; the error begins with
// the name.
func OpenInput(file io.ReadCloser, name string, size int64, named Columns) (*Input, error) {
	in := &Input{Closer: file, Name: name, size: size, user: -1, passwordFile: -1}
	if err := in.open(file, named); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return in, nil
}

func (in *Input) open(file io.Reader, named Columns) (err error) {
	if in.table, err = dynamics.Open(&counting{file, &in.at}, named.Address); err != nil {
		return fmt.Errorf("cannot be used: %w", err)
	}
	in.Header = in.table.Header
	for _, c := range []struct {
		name string
		at   *int
	}{{named.Address, &in.Column}, {named.User, &in.user}, {named.PasswordFile, &in.passwordFile}} {
		if c.name == "" {
			continue
		}
		at, ok := in.table.Column(c.name)
		if !ok {
			return fmt.Errorf("has no column %q; it has %s", c.name, headerNames(in.Header))
		}
		*c.at = at
	}
	if named.Address == "" {
		if in.Column, err = in.table.AddressColumn(); err != nil {
			return fmt.Errorf("cannot be used: %w; name the column of the addresses with --column (it has %s), or export it from Exchange: "+
				"Get-Mailbox -ResultSize Unlimited | Select-Object DisplayName,PrimarySmtpAddress | "+
				"Export-Csv mailboxes.csv -NoTypeInformation -Encoding UTF8", err, headerNames(in.Header))
		}
	}
	if in.user < 0 { // an account and a password of other rows' columns would be sent
		in.table.Needed = in.Column + 1
	}
	for i, name := range in.Header {
		if dynamics.NamesPassword(name) && i != in.passwordFile {
			in.secret = append(in.secret, i)
		}
	}
	if in.table.Empty() {
		return errors.New("has a header and no rows; export the mailboxes again")
	}
	return nil
}

// About tells the runs of this table from others.
func (in *Input) About() []string {
	return append([]string{fmt.Sprint(in.Column, in.user, in.passwordFile)}, in.Header...)
}

// Total is how many rows there will be in a shard, and whether that is sure; 0: not
// known. What was not read yet is taken to be like what was; read rows were.
func (in *Input) Total(shard Shard, read int) (rows int, sure bool) {
	at, count := in.at.Load(), in.count.Load()
	switch {
	case in.size <= 0 || at == 0 || count == 0:
		return 0, false
	case shard.Of < 2 && at >= in.size:
		return int(count), true
	}
	all := float64(count) / float64(min(at, in.size)) * float64(in.size) / float64(max(shard.Of, 1))
	return max(int(all), read), false
}

// Count is how many rows were read.
func (in *Input) Count() int { return int(in.count.Load()) }

// Partial says why the file itself is not all there is; "" where it is, as far as
// it was read.
func (in *Input) Partial() string {
	if !in.table.More() {
		return ""
	}
	return in.Name + " is only one page of the Web API's answer (it has @odata.nextLink): " +
		"the mailboxes of the other pages were not checked; export all pages"
}

// Notes are what the reader of the results should know of how the table was read.
func (in *Input) Notes() []string {
	return slices.DeleteFunc([]string{in.table.Note(), in.leftOut()}, func(s string) bool { return s == "" })
}

func headerNames(header []string) string {
	const most = 20
	names := make([]string, 0, most)
	for _, h := range header[:min(len(header), most)] {
		names = append(names, strconv.Quote(report.Clean(strings.Join(strings.Fields(h), " "), 60)))
	}
	if len(header) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// leaveOut counts a row whose mailbox has nothing to do with the profile.
func (in *Input) leaveOut(row dynamics.Row) bool {
	why := in.table.Aside(row, in.Profile)
	if why == "" {
		return false
	}
	if in.aside == nil {
		in.aside = map[string]int{}
	}
	in.aside[why]++
	return true
}

// leftOut says how many rows were left out, and why; "" none.
func (in *Input) leftOut() string {
	var list []string
	total := 0
	for _, why := range slices.Sorted(maps.Keys(in.aside)) {
		total += in.aside[why]
		list = append(list, fmt.Sprintf("%d (%s)", in.aside[why], why))
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("rows left out, because Dynamics does not use this profile for them: %s", strings.Join(list, ", "))
}

// Rows are the rows, each with what is wrong with it. Those that are left out are
// not counted.
func (in *Input) Rows(yield func(Row, error) bool) {
	number := 0
	for row, err := range in.table.Rows() {
		in.count.Add(1)
		if err == nil && in.leaveOut(row) {
			continue
		}
		number++
		r := Row{Number: number, Line: row.Line, Cells: row.Cells}
		var bad *dynamics.Error
		switch {
		case errors.As(err, &bad):
			r.Problem = bad.Error()
		case err != nil:
			yield(r, fmt.Errorf("reading %s failed (%w); the rows before that were checked", in.Name, err))
			return
		default:
			r.Address, r.Problem = in.address(row)
			if r.Problem == "" && in.user >= 0 {
				r.Account, r.Problem = in.account(row)
			}
		}
		for _, i := range in.secret {
			if i < len(r.Cells) && r.Cells[i] != "" {
				r.Cells[i] = "[withheld]"
			}
		}
		if !yield(r, nil) {
			return
		}
	}
}

// address is the one of a row, or what is wrong with it.
func (in *Input) address(row dynamics.Row) (mailbox, problem string) {
	mailbox = address.Clean(row.Cells[in.Column])
	switch {
	case mailbox == "":
		return "", in.problem(row, in.Column, "the address is empty")
	case dynamics.IsTypeName(mailbox):
		return "", in.problem(row, in.Column,
			"PowerShell wrote the name of a type ("+report.Clean(mailbox, 60)+") instead of the address; export PrimarySmtpAddress")
	case strings.Count(mailbox, "@") > 1 && strings.ContainsAny(mailbox, ",; \t\r\n"):
		return "", in.problem(row, in.Column, "the cell has several addresses; give each one a row")
	case !address.IsMailbox(mailbox):
		// An example would be redacted as one of their mailboxes.
		return "", in.problem(row, in.Column, "not an email address: "+cmp.Or(address.Strange(mailbox), "write it as NAME@DOMAIN"))
	}
	return mailbox, ""
}

// account is whom a row is asked for by, or what is wrong with it.
func (in *Input) account(row dynamics.Row) (account Account, problem string) {
	account = Account{User: strings.TrimSpace(row.Cells[in.user]), PasswordFile: strings.TrimSpace(row.Cells[in.passwordFile])}
	switch {
	case account.User == "":
		return account, in.problem(row, in.user, "the account is empty")
	case address.BadAccount(account.User) != "":
		return account, in.problem(row, in.user, "the account "+address.BadAccount(account.User))
	case account.PasswordFile == "":
		return account, in.problem(row, in.passwordFile, "the password file is empty")
	}
	return account, ""
}

func (in *Input) problem(row dynamics.Row, column int, text string) string {
	return (&dynamics.Error{Line: row.Line, Column: in.Header[column], Text: text}).Error()
}

// counting knows how much was read.
type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
