package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

const pictureFile = "../../testdata/report.svg"

// The picture in the README is the report of a check of the stand-in as this version
// prints it, but for the address and the times. With -update it is drawn again.
func TestPicture(t *testing.T) {
	s, _ := standin.Find("basic-off")
	server := begin(t, s.Behaviour, standin.Options{})
	cfg, err := scenarioConfig(context.Background(), s.Check, server)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Given = &evidence.Given{}
	rec, err := probe.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.New(rec, version()).Render("text", report.Style{Width: 92, Colour: true, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range unsteady {
		text = u.pattern.ReplaceAll(text, []byte(u.instead))
	}
	shown := strings.NewReplacer(
		"127.0.0.1:PORT", "10.0.0.11:443", "valid until DATE", "valid until 2027-11-23", "TIME", "21:58:07 UTC", " [EVIDENCE]", "")
	drawn := picture(shown.
		Replace("$ ewsprobe check --user svc-crm@contoso.com mail.contoso.com\nPassword for svc-crm@contoso.com:\n" + string(text)))
	if *update {
		if err := os.WriteFile(pictureFile, drawn, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(pictureFile); err != nil || !bytes.Equal(kept, drawn) {
		t.Errorf("testdata/report.svg is not what a check prints (%v); go test -run TestPicture -update ./cmd/ewsprobe draws it again:\n%s",
			err, drawn)
	}
}

// picture draws what a terminal shows.
func picture(text string) []byte {
	const left, top, high = 16, 26, 18
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	wide := 0
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, line := range lines {
		wide = max(wide, len([]rune(plain.ReplaceAllString(line, ""))))
	}
	var b bytes.Buffer
	width, height := 2*left+wide*8, 2*left+len(lines)*high
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" `+
		`aria-label="A report of ewsprobe">`+"\n", width, height)
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#12161c"/>` + "\n")
	b.WriteString(`<g font-family="ui-monospace, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="#e6edf3">` + "\n")
	colours := map[string]string{"31": "#ff8e8a", "32": "#62cf78", "33": "#e8b44a", "35": "#cbaaff"}
	for i, line := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d">`, left, top+i*high)
		at := 0
		for _, m := range regexp.MustCompile("\x1b\\[1(?:;([0-9]+))?m(.*?)\x1b\\[0m").FindAllStringSubmatchIndex(line, -1) {
			escape(&b, line[at:m[0]])
			fill := ""
			if m[2] >= 0 {
				fill = ` fill="` + colours[line[m[2]:m[3]]] + `"`
			}
			fmt.Fprintf(&b, `<tspan font-weight="700"%s>`, fill)
			escape(&b, line[m[4]:m[5]])
			b.WriteString("</tspan>")
			at = m[1]
		}
		escape(&b, line[at:])
		b.WriteString("</text>\n")
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// escape writes a text whose blanks are kept, by every viewer.
func escape(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(strings.ReplaceAll(s, " ", "\u00a0")))
}
