package finding

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// filled is Params with a value everywhere.
func filled() Params {
	var p Params
	fill(reflect.ValueOf(&p).Elem())
	return p
}

func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("value")
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*evidence.Detail]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

// everySentence calls with each template that is executed over Params, and where
// it stands.
func everySentence(with func(where, text string)) {
	for _, d := range catalogue() {
		for variant, s := range d.entry().Sentences {
			with(string(d.Code)+" "+variant+" summary", s.Summary)
			with(string(d.Code)+" "+variant+" detail", s.Detail)
		}
	}
	for _, c := range causeList() {
		for variant, text := range c.Why {
			with(c.Title+" "+variant, text)
		}
	}
	for variant, text := range shared().Why {
		with("every cause "+variant, text)
	}
}

// Every template must be executable, whatever is known, and what it makes is a
// sentence.
func TestSentencesCanBeMade(t *testing.T) {
	for name, p := range map[string]Params{"everything is known": filled(), "little is known": {
		Schemes: []string{"Basic"}, Agents: []string{"a"}, Passed: []string{"b"}, Problems: []string{"c"}, Errors: []string{"d"},
		Differences: []Difference{{}}, Contradictions: []Contradiction{{}}, Plans: []Plan{{}}, Query: &evidence.Item{Cloud: &evidence.Cloud{}},
	}} {
		everySentence(func(where, text string) {
			got := strings.ReplaceAll(render(text, &p), ".NET", "NET")
			if strings.Contains(got, "There is an error") || strings.Contains(got, "<no value>") {
				t.Errorf("%s, %s: %s", where, name, got)
			}
			if name == "everything is known" && text != "" && strings.ContainsAny(got[:1], ".,;: ") {
				t.Errorf("%s begins with a mark: %s", where, got)
			}
			for _, bad := range []string{"mend ", "all the same", "anew", "judg", " leg ", " legs", " .", " ,", " ;", "..", "( ", " )", "{{"} {
				if name == "everything is known" && strings.Contains(got, bad) {
					t.Errorf("%s: %q in %s", where, bad, got)
				}
			}
		})
	}
}

func TestSentencesAreWhole(t *testing.T) {
	for _, d := range catalogue() {
		for variant, s := range d.entry().Sentences {
			if s.Summary == "" || strings.HasSuffix(s.Summary, ".") {
				t.Errorf("%s %s: summary %q", d.Code, variant, s.Summary)
			}
			stopped := d.Code == "inconclusive" && variant != Usual || d.Code == "ok"
			p := filled()
			if detail := render(s.Detail, &p); (detail == "") != stopped || !stopped && !strings.HasSuffix(detail, ".") {
				t.Errorf("%s %s: detail %q", d.Code, variant, detail)
			}
		}
	}
	for name := range phrases() {
		// A struct inside a struct is printed with two braces and a blank.
		if got := Phrase(name, Params{}); strings.Contains(strings.ReplaceAll(got, "{{ ", ""), "{{") {
			t.Errorf("phrase %s: %s", name, got)
		}
	}
}

// A parameter that no template names is never read, and a phrase that none names
// is never said.
func TestParametersAndPhrasesAreUsed(t *testing.T) {
	fields, phrasesUsed := map[string]bool{}, map[string]bool{}
	note := func(text string) {
		tree, err := compile(text)
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		walk(tree.Root, fields, phrasesUsed)
	}
	everySentence(func(_, text string) { note(text) })
	for name := range phrases() {
		tree, err := compile(fmt.Sprintf("{{template %q .}}", name))
		if err != nil {
			t.Fatal(err)
		}
		walk(tree.Lookup(name).Root, fields, phrasesUsed)
		if strings.HasPrefix(name, "accept") || name == "attempt" || name == "part" || name == "request" || name == "step" || strings.HasPrefix(name, "dynamics-") || strings.HasPrefix(name, "trace-") {
			phrasesUsed[name] = true // made by package rule
		}
	}
	for name := range phrases() {
		if !phrasesUsed[name] {
			t.Errorf("nothing says the phrase %s", name)
		}
	}
	known := map[string]bool{}
	var types func(reflect.Type)
	types = func(of reflect.Type) {
		for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range of.NumField() {
			name := of.Field(i).Name
			if !known[of.Name()+name] {
				known[of.Name()+name], known[name] = true, true
				types(of.Field(i).Type)
			}
			if of == reflect.TypeFor[Params]() && !fields[name] {
				t.Errorf("no template names the parameter %s", name)
			}
		}
	}
	types(reflect.TypeFor[Params]())
	types(reflect.TypeFor[Part]())
	types(reflect.TypeFor[Accepted]())
	types(reflect.TypeFor[Trace]())
	types(reflect.TypeFor[evidence.Item]())
	for _, method := range []string{"IsZero", "AtDirectory", "Answered", "Autodiscover", "UPN", "Name", "Minutes", "Format", "First", "Foreign"} {
		known[method] = true
	}
	for name := range fields {
		if !known[name] {
			t.Errorf("a template names %s, which is no parameter", name)
		}
	}
}

// walk notes the fields and the templates that a template names.
func walk(n parse.Node, fields, templates map[string]bool) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			walk(p, fields, templates)
		}
	}
	branch := func(b parse.BranchNode) {
		pipe(b.Pipe)
		walk(b.List, fields, templates)
		walk(b.ElseList, fields, templates)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			walk(c, fields, templates)
		}
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.IfNode:
		branch(n.BranchNode)
	case *parse.RangeNode:
		branch(n.BranchNode)
	case *parse.WithNode:
		branch(n.BranchNode)
	case *parse.TemplateNode:
		templates[n.Name] = true
		pipe(n.Pipe)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			for i, a := range c.Args {
				if s, ok := a.(*parse.StringNode); ok && i == 1 && c.Args[0].String() == "phrase" {
					templates[s.Text] = true
				}
				walk(a, fields, templates)
			}
		}
	case *parse.FieldNode:
		for _, f := range n.Ident {
			fields[f] = true
		}
	case *parse.VariableNode:
		for _, f := range n.Ident[1:] {
			fields[f] = true
		}
	case *parse.ChainNode:
		walk(n.Node, fields, templates)
		for _, f := range n.Field {
			fields[f] = true
		}
	}
}

func TestReasonsAreThoseOfTheLookalikes(t *testing.T) {
	for _, l := range lookalikes() {
		if _, ok := reasons()[l.Reason]; l.Reason != "" && !ok {
			t.Errorf("reasons.yaml has no %s", l.Reason)
		}
	}
	for name, r := range reasons() {
		if r.Title == "" || !slices.ContainsFunc(lookalikes(), func(l Lookalike) bool { return l.Reason == name }) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Making a sentence must cost little beside a check, and less beside a row.
func BenchmarkSay(b *testing.B) {
	p := filled()
	for b.Loop() {
		Say("credentials-rejected", "", p)
	}
}
