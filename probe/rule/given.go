package rule

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// givenFlags are the flags of the check that made the record, as a command that repeats
// it has to have them.
func givenFlags(t evidence.Target) []finding.Flag {
	g := evidence.Given{}
	if t.Given != nil {
		g = *t.Given
	}
	var list []finding.Flag
	add := func(name string, values ...string) {
		for _, value := range values {
			if value != "" {
				list = append(list, finding.Flag{Name: name, Value: argument(name, value)})
			}
		}
	}
	on := func(name string, is bool) {
		if is {
			list = append(list, finding.Flag{Name: name})
		}
	}
	if t.ProfileAuth != "basic" || g.Profile != "" {
		add("profile-auth", t.ProfileAuth)
	}
	if t.View != "inside" {
		add("view", t.View)
	}
	on("insecure", t.Insecure)
	on("current-user", t.CurrentUser)
	on("explain-rejection", t.Explain)
	add("autodiscover", t.Autodiscover)
	on("follow-autodiscover", t.FollowAutodiscover)
	on("cloud", t.Cloud && t.DynamicsURL == "" && t.Tenant == "" && g.TokenFile == "")
	add("dynamics-url", t.DynamicsURL)
	if g.Tenant == "" {
		add("tenant", t.Tenant)
	}
	v := reflect.ValueOf(g)
	for i := range v.NumField() {
		name := strings.ReplaceAll(v.Type().Field(i).Tag.Get("json"), "_", "-")
		switch value := v.Field(i).Interface().(type) {
		case string:
			add(name, value)
		case []string:
			add(name, value...)
		case bool:
			on(name, value)
		}
	}
	return list
}

// argument is a value as it stands in a command line of bash, of PowerShell and of
// cmd alike: as it is, or in quotes. One that could change the command in any of
// them is replaced.
func argument(name, value string) string {
	plain := func(r rune) bool { return ascii(r) || strings.ContainsRune("/._:+=-", r) }
	if !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value
	}
	harmless := func(r rune) bool { return plain(r) || anyLetter(r) || strings.ContainsRune(` \()[]{},;@~#&'`, r) }
	if strings.ContainsFunc(value, func(r rune) bool { return !harmless(r) || unicode.IsControl(r) }) || strings.HasSuffix(value, `\`) {
		return "<" + strings.ToUpper(name) + ">"
	}
	return `"` + value + `"`
}
