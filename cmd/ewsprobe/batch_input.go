package main

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
)

// input is the file of a batch: which column has the addresses, and how far it
// was read.
type input struct {
	io.Closer
	name   string
	size   int64 // -1: not known
	at     atomic.Int64
	table  *dynamics.Table
	column int
}

// openInput reads as far as the header. A file without a column of addresses is
// refused before anything is sent.
func openInput(name, column string, std stdio) (*input, error) {
	file, size, err := openFile(name, std)
	if err != nil {
		return nil, unusable("%s cannot be read (%v)", name, err)
	}
	in := &input{Closer: file, name: name, size: size}
	table, err := dynamics.Open(&counting{file, &in.at}, column)
	if err != nil {
		return nil, unusable("%s cannot be used: %v", name, errors.Join(err, file.Close()))
	}
	in.table = table
	at, ok := -1, false
	if column != "" {
		if at, ok = table.Column(column); !ok {
			file.Close()
			return nil, unusable("%s has no column %q; it has %s", name, column, headerNames(table.Header))
		}
	} else if at, err = table.AddressColumn(); err != nil {
		file.Close()
		return nil, unusable("%s cannot be used: %v; or name the column with --column (it has %s)", name, err, headerNames(table.Header))
	}
	in.column = at
	return in, nil
}

func headerNames(header []string) string {
	const most = 20
	names := make([]string, 0, most)
	for _, h := range header[:min(len(header), most)] {
		names = append(names, oneLine(h))
	}
	if len(header) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// rows are the rows, each with what is wrong with it.
func (in *input) rows(yield func(batch.Row, error) bool) {
	for row, err := range in.table.Rows() {
		r := batch.Row{Number: row.Number, Line: row.Line, Cells: row.Cells}
		var bad *dynamics.Error
		switch {
		case errors.As(err, &bad):
			r.Problem = bad.Error()
		case err != nil:
			yield(r, &inputError{err})
			return
		default:
			r.Address, r.Problem = in.address(row)
		}
		if !yield(r, nil) {
			return
		}
	}
}

// address is the one of a row, or what is wrong with it.
func (in *input) address(row dynamics.Row) (address, problem string) {
	bad := func(text string) (string, string) {
		return "", (&dynamics.Error{Line: row.Line, Column: in.table.Header[in.column], Text: text}).Error()
	}
	address = strings.TrimSpace(row.Cells[in.column])
	switch {
	case address == "":
		return bad("there is no address")
	case !mailboxAddress.MatchString(address):
		return bad("this is no e-mail address; give one like anna@contoso.com")
	}
	return address, ""
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
