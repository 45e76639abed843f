package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	addr "github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// input is the file of a batch: which columns are used, and how far it was read.
type input struct {
	io.Closer
	name   string
	size   int64        // -1: not known
	at     atomic.Int64 // bytes that were read
	count  atomic.Int64 // rows in them
	table  *dynamics.Table
	column int
	// Of the account that each row names; -1: none.
	user, passwordFile int
	profile            string // whose mailboxes are meant; "" all
	aside              map[string]int
}

// columns are those that flags name.
type columns struct{ address, user, passwordFile string }

// openInput reads as far as the header. A file without a column of addresses is
// refused before anything is sent.
func openInput(ctx context.Context, name string, named columns, std stdio) (*input, error) {
	file, size, err := openFile(ctx, name, std)
	if err != nil {
		return nil, unusable("%s cannot be read (%s)", name, config.Reason(err))
	}
	in := &input{Closer: file, name: name, size: size, user: -1, passwordFile: -1}
	table, err := dynamics.Open(&counting{file, &in.at}, named.address)
	if err != nil {
		return nil, unusable("%s cannot be used: %v", name, errors.Join(err, file.Close()))
	}
	in.table = table
	for _, c := range []struct {
		name string
		at   *int
	}{{named.address, &in.column}, {named.user, &in.user}, {named.passwordFile, &in.passwordFile}} {
		if c.name == "" {
			continue
		}
		at, ok := table.Column(c.name)
		if !ok {
			file.Close()
			return nil, unusable("%s has no column %q; it has %s", name, c.name, headerNames(table.Header))
		}
		*c.at = at
	}
	if named.address == "" {
		if in.column, err = table.AddressColumn(); err != nil {
			file.Close()
			return nil, unusable("%s cannot be used: %v; name the column of the addresses with --column (it has %s), or export it from Exchange: "+
				"Get-Mailbox -ResultSize Unlimited | Select-Object DisplayName,PrimarySmtpAddress | "+
				"Export-Csv mailboxes.csv -NoTypeInformation -Encoding UTF8",
				name, err, headerNames(table.Header))
		}
	}
	if table.Empty() {
		file.Close()
		return nil, unusable("%s has a header and no rows; export the mailboxes again", name)
	}
	return in, nil
}

// partial says why the file itself is not all there is; "" where it is, as far as
// it was read.
func (in *input) partial() string {
	if !in.table.More() {
		return ""
	}
	return in.name + " is only one page of the Web API's answer (it has @odata.nextLink): " +
		"the mailboxes of the other pages were not checked; export all pages"
}

func headerNames(header []string) string {
	const most = 20
	names := make([]string, 0, most)
	for _, h := range header[:min(len(header), most)] {
		names = append(names, strconv.Quote(report.Clean(oneLine(h), 60)))
	}
	if len(header) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// leaveOut counts a row whose mailbox has nothing to do with the profile.
func (in *input) leaveOut(row dynamics.Row) bool {
	why, other := in.table.Aside(row, in.profile)
	if why == "" {
		return false
	}
	if in.aside == nil {
		in.aside = map[string]int{}
	}
	switch why {
	case dynamics.AsideInactive:
		in.aside["inactive"]++
	case dynamics.AsideNoSync:
		in.aside["every delivery method is None"]++
	case dynamics.AsideNoMailbox:
		in.aside["no mailbox but "+strconv.Quote(report.Clean(other, 60))]++
	case dynamics.AsideOtherProfile:
		in.aside["the server profile is "+strconv.Quote(report.Clean(other, 60))]++
	}
	return true
}

// leftOut says how many rows were left out, and why; "" none.
func (in *input) leftOut() string {
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

// rows are the rows, each with what is wrong with it. Those that are left out are
// not counted.
func (in *input) rows(yield func(batch.Row, error) bool) {
	number := 0
	for row, err := range in.table.Rows() {
		in.count.Add(1)
		if err == nil && in.leaveOut(row) {
			continue
		}
		number++
		r := batch.Row{Number: number, Line: row.Line, Cells: row.Cells}
		var bad *dynamics.Error
		switch {
		case errors.As(err, &bad):
			r.Problem = bad.Error()
		case err != nil:
			yield(r, fmt.Errorf("reading %s failed (%w); the rows before that were checked", in.name, err))
			return
		default:
			r.Address, r.Problem = in.address(row)
			if r.Problem == "" && in.user >= 0 {
				r.Account, r.Problem = in.account(row)
			}
		}
		if !yield(r, nil) {
			return
		}
	}
}

// address is the one of a row, or what is wrong with it.
func (in *input) address(row dynamics.Row) (address, problem string) {
	address = addr.Clean(row.Cells[in.column])
	switch {
	case address == "":
		return "", in.problem(row, in.column, "the address is empty")
	case dynamics.IsTypeName(address):
		return "", in.problem(row, in.column,
			"PowerShell wrote the name of a type ("+report.Clean(address, 60)+") instead of the address; export PrimarySmtpAddress")
	case !addr.IsMailbox(address):
		return "", in.problem(row, in.column, "not an email address: write it as NAME@DOMAIN")
	}
	return address, ""
}

// account is whom a row is asked for by, or what is wrong with it.
func (in *input) account(row dynamics.Row) (account batch.Account, problem string) {
	account = batch.Account{User: strings.TrimSpace(row.Cells[in.user]), PasswordFile: strings.TrimSpace(row.Cells[in.passwordFile])}
	switch {
	case account.User == "":
		return account, in.problem(row, in.user, "the account is empty")
	case addr.BadAccount(account.User) != "":
		return account, in.problem(row, in.user, "the account "+addr.BadAccount(account.User))
	case account.PasswordFile == "":
		return account, in.problem(row, in.passwordFile, "the password file is empty")
	}
	return account, ""
}

func (in *input) problem(row dynamics.Row, column int, text string) string {
	return (&dynamics.Error{Line: row.Line, Column: in.table.Header[column], Text: text}).Error()
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
