package standin

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// slowPace is the time between two bytes of HazardSlow.
const slowPace = time.Second

// harm does to the client what the behaviour's hazard says. Each hazard ends when
// the client goes away or the server is closed, and needs next to no memory here.
func (n *node) harm(w http.ResponseWriter, r *http.Request, c *connection) {
	switch n.behaviour.Hazard {
	case HazardHang:
		hang(r, n.server.closing)
	case HazardReset:
		if conn := hijack(w); conn != nil {
			c.reset()
		}
	case HazardSlow:
		n.writeRaw(w, n.sendSlowly)
	case HazardHuge: // a SOAP answer whose body has no end
		n.repeat(w, okLines+"\r\n"+beginOfBody, strings.Repeat("<Padding>all work and no play</Padding>", 1000))
	case HazardEndlessHeaders:
		n.repeat(w, unauthorizedLine, strings.Repeat("X-Padding: all work and no play\r\n", 1000))
	case HazardGarbage: // a TLS record inside TLS, more or less
		n.repeat(w, "\x16\x03\x01\x00\xa5\x00\xff\xfe\r\n\x00\x07garbage\r\n\r\n\x80\x81\x82", "")
	case HazardLyingLength:
		n.repeat(w, okLines+"Content-Length: 100000\r\n\r\n"+beginOfBody, "")
	case HazardXMLBomb:
		n.exchangeResponse(http.StatusOK).withBody(xmlType, xmlBomb()).write(w)
	}
}

// hang waits until the client has gone or the server is closed.
func hang(r *http.Request, closing <-chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-closing:
	}
	panic(http.ErrAbortHandler) // net/http's way to drop a connection without an answer
}

// hijack takes the connection away from net/http, nil if that fails.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	return conn
}

// writeRaw lets a function write to the bare connection, and closes it then.
func (n *node) writeRaw(w http.ResponseWriter, write func(io.Writer) error) {
	conn := hijack(w)
	if conn == nil {
		return
	}
	// An error means that the client has gone, which is how these end.
	_ = write(conn)
	_ = conn.Close()
}

const (
	unauthorizedLine = "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-IIS/10.0\r\n"
	okLines          = "HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/10.0\r\nContent-Type: " + xmlType + "\r\n"
	beginOfBody      = xmlDeclaration + `<s:Envelope xmlns:s="` + soapNamespace + `"><s:Body>`
)

// sendSlowly sends an answer that never gets anywhere, byte by byte.
func (n *node) sendSlowly(to io.Writer) error {
	ticker := time.NewTicker(slowPace)
	defer ticker.Stop()
	text := unauthorizedLine + "X-Slow: "
	for i := 0; ; i++ {
		octet := byte('.')
		if i < len(text) {
			octet = text[i]
		}
		if _, err := to.Write([]byte{octet}); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-n.server.closing:
			return net.ErrClosed
		}
	}
}

// repeat writes start and then the same block, if there is one, until the client
// has gone.
func (n *node) repeat(w http.ResponseWriter, start, block string) {
	n.writeRaw(w, func(to io.Writer) error {
		_, err := io.WriteString(to, start)
		for err == nil && block != "" && !n.server.closed() {
			_, err = io.WriteString(to, block)
		}
		return err
	})
}

// xmlBomb would grow to some gigabytes if its entities were expanded.
func xmlBomb() string {
	var bomb strings.Builder
	bomb.WriteString(xmlDeclaration + `<!DOCTYPE s:Envelope [<!ENTITY a0 "all work and no play">`)
	for i := 1; i <= 9; i++ {
		fmt.Fprintf(&bomb, `<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	bomb.WriteString(`]><s:Envelope xmlns:s="` + soapNamespace + `"><s:Body>&a9;</s:Body></s:Envelope>`)
	return bomb.String()
}
