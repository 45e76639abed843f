package main

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/guide"
)

// No link of the manual is dead, no anchor is there twice, and whatever there is to
// explain has one.
func TestManual(t *testing.T) {
	t.Parallel()
	page, err := manualPage(commands(stdio{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(page)))
	if err != nil {
		t.Fatal(err)
	}
	anchors, links := map[string]bool{}, map[string]int{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && (anchors[a.Val] || a.Val == ""):
				t.Errorf("the anchor %q is there twice", a.Val)
			case a.Key == "id":
				anchors[a.Val] = true
			case a.Key == "href" && n.Data == "a":
				links[a.Val]++
			}
		}
	}
	for link := range links {
		if inside, ok := strings.CutPrefix(link, "#"); ok {
			if !anchors[inside] {
				t.Errorf("the link to %s is dead", link)
			}
		} else if u, err := url.Parse(link); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q is no link of the web", link)
		}
	}
	for _, name := range guide.Names() {
		if links["#"+name] == 0 {
			t.Errorf("nothing leads to the guide %s", name)
		}
	}
	for _, e := range finding.Catalogue() {
		if !anchors[string(e.Code)] {
			t.Errorf("%s is missing", e.Code)
		}
	}
	if len(links) < 100 || !anchors["command-check"] || links["#basic-disabled"] < 2 {
		t.Errorf("%d links; to basic-disabled %d", len(links), links["#basic-disabled"])
	}
	if left := regexp.MustCompile(`\{(server|user|host|mailbox)\}|\{\{|ZgotmplZ`).FindString(string(page)); left != "" {
		t.Errorf("%s is left in it", left)
	}
}
