package wire

import (
	"bytes"
	"net"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// headerCapture sits between a connection and its reader. While an answer's header is
// being read it keeps a copy, because http.Header forgets the order and the
// spelling of fields, which are the server's fingerprint, and it ends a header
// that does not end by itself.
type headerCapture struct {
	conn      net.Conn
	raw       bytes.Buffer
	capturing bool
	err       error // the first of this answer: textproto drops it behind a partial line, and then reads on
}

func (m *headerCapture) capture() {
	m.raw.Reset()
	m.err = nil
	m.capturing = true
}

func (m *headerCapture) Read(p []byte) (int, error) {
	if m.capturing && m.raw.Len() > evidence.HeaderRead {
		m.err = errHeaderTooLarge
		return 0, m.err
	}
	n, err := m.conn.Read(p)
	if m.err == nil {
		m.err = err
	}
	if m.capturing {
		m.raw.Write(p[:n])
	}
	return n, err
}

// header returns the fields of the captured header and stops capturing.
func (m *headerCapture) header() [][2]string {
	m.capturing = false
	raw := m.raw.Bytes()
	length, _ := headerEnd(raw)
	_, rest, more := strings.Cut(string(raw[:length]), "\n") // the first is the status line
	fields := make([][2]string, 0, min(bytes.Count(raw[:length], []byte("\n")), 32))
	kept := 0
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		line = strings.TrimRight(line, "\r")
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			// obs-fold (RFC 9112 5.2): the value goes on.
			if len(fields) > 0 {
				fields[len(fields)-1][1] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		// Beyond what is kept, only challenges are: one that is missing would
		// read as a scheme that is not offered.
		if kept += len(line); kept > evidence.HeaderKept && !strings.EqualFold(name, "WWW-Authenticate") {
			continue
		}
		if ok {
			fields = append(fields, [2]string{name, strings.TrimSpace(value)})
		}
	}
	return fields
}

// headerEnd finds the empty line: the length of the header without it, and
// where the body begins.
func headerEnd(raw []byte) (length, body int) {
	for i := 0; ; {
		next := bytes.IndexByte(raw[i:], '\n')
		if next < 0 {
			return len(raw), len(raw)
		}
		i += next + 1
		switch rest := raw[i:]; {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i - 1, i + 2
		case bytes.HasPrefix(rest, []byte("\n")):
			return i - 1, i + 1
		}
	}
}
