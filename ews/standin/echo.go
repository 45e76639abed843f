package standin

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// echoes are the shapes in which a careless server might show a client its own
// Authorization value: as it came, the token alone, decoded, and in hexadecimal.
func (a *authorization) echoes() []string {
	if a.raw == "" {
		return nil
	}
	_, token, _ := strings.Cut(a.raw, " ")
	token = strings.TrimSpace(token)
	shapes := []string{a.raw, token}
	if decoded, err := base64.StdEncoding.DecodeString(token); err == nil && len(decoded) > 0 {
		shapes = append(shapes, printable(decoded), hex.EncodeToString(decoded), strings.ToUpper(hex.EncodeToString(decoded)))
	}
	if a.password != "" {
		shapes = append(shapes, printable([]byte(a.password)))
	}
	return shapes
}

// printable keeps what may stand in a header line; the rest becomes a dot.
func printable(data []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '.'
		}
		return r
	}, string(data))
}

// echo repeats what was sent in every place where an answer has text. Nothing is
// kept: the answer goes back to whoever sent the value.
func (a *response) echo(sent *authorization) {
	shapes := sent.echoes()
	if len(shapes) == 0 {
		return
	}
	text := strings.Join(shapes, " | ")
	a.with("X-Echo", shapes...)
	a.with("X-FailureContext", "FrontEnd;401;"+text+";;;;")
	a.with("X-FEServer", shapes[len(shapes)-1])
	a.with("Set-Cookie", "exchangecookie="+shapes[0]+"; path=/")
	for i, value := range a.header["WWW-Authenticate"] {
		if isScheme(value, "Basic") {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
			a.header["WWW-Authenticate"][i] = `Basic realm="` + quoted + `"`
		}
	}
	if a.body == "" {
		a.withBody(htmlType, "<html><body>You sent "+escape(text)+"</body></html>")
	}
}
