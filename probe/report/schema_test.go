package report

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// schemaOf what, the type that it is made of, and what it describes.
var schemaTypes = []struct {
	name        string
	of          reflect.Type
	title       string
	description string
}{
	{"report", reflect.TypeFor[Report](), Schema, "What `ewsprobe check --format json` prints and --save writes. Scalars that are not known are null, lists without members are []. Fields may be added."},
	{"row", reflect.TypeFor[Row](), RowSchema, "A line of `ewsprobe batch --format json`: one mailbox. Scalars that are not known are null, lists without members are []. Fields may be added."},
	{"summary", reflect.TypeFor[Summary](), SummarySchema, "The last line of `ewsprobe batch --format json` and of merge. Scalars that are not known are null, lists without members are []. Fields may be added."},
}

// The schemas are made of the types that are encoded, so that it cannot say
// something else; -update writes it. What a type does not say stands here.
var (
	// required are the fields that every version has written: what was added
	// later is missing in older reports.
	required = map[string]string{
		"Report":          "schema tool started duration_ms target verdict causes findings schemes server nodes attempts evidence",
		"Tool":            "name version",
		"Target":          "url host addresses mailbox user profile_auth impersonate view",
		"Verdict":         "code status cause confidence reason summary",
		"CauseReport":     "number status why evidence",
		"Finding":         "code status cause confidence addresses title detail evidence remedies",
		"Remedy":          "text command link",
		"Scheme":          "name realm params",
		"Server":          "product version front_end netbios_domain dns_domain dns_host os_build clock_skew_ms tenant oauth in_front extended_protection certificate",
		"RuleCertificate": "sha256 not_after issuer names",
		"Node":            "address schemes server",
		"Attempt":         "scheme account address result status channel_binding counted why",
		"Row":             "schema row line mailbox verdict causes findings duration_ms tries",
		"Summary":         "schema started duration_ms rows by_status by_code by_cause requests retries verdict endpoint",
		"Percentiles":     "p50 p90 p99 max",
		"SlowMailbox":     "mailbox took_ms",
		"BatchGroup":      "code status count",
		"Item":            "id step address connection request response tls error timing_ms",
	}
	statuses    = []any{"ok", "warning", "critical", "unknown"}
	confidences = []any{"confirmed", "likely", "undetermined"}
	bindings    = []any{"right", "none", "foreign", "zero", nil}
	// closed are the values of fields with a closed vocabulary.
	closed = map[string][]any{
		"Report.schema": {Schema}, "Row.schema": {RowSchema}, "Summary.schema": {SummarySchema}, "BatchGroup.status": statuses, "Verdict.status": statuses, "Finding.status": statuses, "Verdict.confidence": confidences, "Finding.confidence": confidences,
		"CauseReport.status": {"confirmed", "likely", "ruled-out", "not-applicable", "not-checked", "undetermined"},
		"Target.view":        {"inside", "public", nil}, "Target.profile_auth": {"basic", "ntlm", "negotiate", "oauth", "auto", nil},
		"Attempt.result": {"accepted", "refused", "unfinished", "skipped"}, "Attempt.channel_binding": bindings, "Logon.channel_binding": bindings,
		"Logon.result": {"accepted", "refused", "unfinished", "skipped"}, "Report.stopped": {evidence.StoppedByUser, nil}, "Server.extended_protection": {"off", "allow", "require", "bridged", nil},
	}
	patterns = map[string]string{"Verdict.code": "^[a-z][a-z0-9-]*$", "Finding.code": "^[a-z][a-z0-9-]*$", "BatchGroup.code": "^[a-z][a-z0-9-]*$", "Item.step": "^[a-z][a-z0-9-]*$"}
	// never are the texts that are not null.
	never = strings.Fields("Tool.name Tool.version Verdict.code Verdict.summary Finding.code Finding.title Item.id Item.step Remedy.text CauseReport.why Scheme.name Node.address BatchGroup.code")
	says  = map[string]string{
		"Report.schema": "Changes only when a field changes its meaning; added fields leave it.", "Report.started": "RFC 3339, UTC.", "Report.causes": "The six causes of KB 3212785, all, in their order.",
		"Report.findings": "The first is the verdict's own, except for ok, inconclusive, bad-usage and config-invalid.", "Report.schemes": "As offered to the anonymous request, in the server's order, names as sent.",
		"Report.server": "Of the first address that answered; every address is in nodes.", "Report.nodes": "One for each probed address.", "Report.attempts": "Every logon, sent or not sent.",
		"Report.evidence": "Requests and answers, one step each, without secrets.", "Report.dynamics": "What Dynamics recorded at its last test, from --profile.",
		"Verdict.code": "See `ewsprobe explain CODE`. Codes may be added, never renamed.", "Verdict.cause": "Of KB 3212785; null: none of them.", "Verdict.reason": "Why an account is refused. For not-checked: refused-in-run, if the account was refused during the batch.",
		"CauseReport.status": "not-checked never means no.", "Finding.evidence": "Identifiers of items of evidence.", "Finding.addresses": "Where it applies.",
		"Attempt.counted": "Counts against --max-rejections.", "Server.clock_skew_ms": "Server minus local.", "Item.connection": "Counts from 1 in order of opening.",
		"Row.row": "Counts the rows of data of the input from 1. Lines may come in another order.", "Row.line": "Where the record starts, the header being line 1.",
		"Row.mailbox": "Null: the row has no usable address.", "Row.user": "The row's own account (--user-column); null: the one of the run.", "Row.findings": "Codes.", "Row.ews_code": "The error code that EWS answered, if any.", "Row.causes": "The six causes of KB 3212785, all, in their order.", "Row.duplicate_of": "The row that was checked instead.",
		"Summary.started": "RFC 3339, UTC.", "Summary.rows": "Rows of data in the input, as far as it was read.", "Summary.reported": "Of these, reported by this run.", "Summary.resumed": "Reported by earlier runs (--resume).",
		"Summary.by_cause": "Rows for which a cause is confirmed or likely.", "Summary.verdict": "The worst of all; null: there was no row.", "Summary.groups": "Rows with the same verdict, the worst first.",
		"Summary.stopped": "Why it ended before the last row.", "Summary.incomplete": "Why these are not all rows of the input.", "Summary.notes": "What else to know about the run.", "Summary.endpoint": "The report of the check of the endpoint.",
		"BatchGroup.summary": "The sentence of the first of them.", "Summary.answers_ms": "Percentiles; null: no request was sent, or the rows come from several runs.",
		"Request.authorization": "A description, never the value.", "Item.timing_ms": "Null: that phase did not happen.",
	}
)

type object = map[string]any

// schemaOf makes the schema of a type; structs go into defs.
func schemaOf(t reflect.Type, where string, defs object) object {
	var s object
	switch {
	case t == reflect.TypeFor[time.Time]():
		s = object{"type": []any{"string", "null"}, "format": "date-time"}
	default:
		switch t.Kind() {
		case reflect.Pointer:
			inner := schemaOf(t.Elem(), where, defs)
			if ref, ok := inner["$ref"]; ok {
				return object{"anyOf": []any{object{"$ref": ref}, object{"type": "null"}}}
			}
			if one, ok := inner["type"].(string); ok {
				inner["type"] = []any{one, "null"}
			}
			return inner
		case reflect.String:
			s = object{"type": []any{"string", "null"}}
			if slices.Contains(never, where) {
				s = object{"type": "string"}
			}
		case reflect.Bool:
			s = object{"type": "boolean"}
		case reflect.Int, reflect.Int64:
			s = object{"type": "integer"}
		case reflect.Float64:
			s = object{"type": "number"}
		case reflect.Slice:
			s = object{"type": "array", "items": schemaOf(t.Elem(), where+"[]", defs)}
			if e := t.Elem(); e.Kind() == reflect.String {
				s["items"] = object{"type": "string"}
			}
		case reflect.Array:
			s = object{"type": "array", "items": object{"type": "string"}, "minItems": t.Len(), "maxItems": t.Len()}
		case reflect.Map:
			values := schemaOf(t.Elem(), where+"{}", defs)
			if t.Elem().Kind() == reflect.String {
				values = object{"type": "string"}
			}
			s = object{"type": "object", "additionalProperties": values}
		case reflect.Struct:
			s = object{"$ref": "#/$defs/" + define(t, defs)}
		default:
			panic("no schema for " + t.String())
		}
	}
	return s
}

// typeName is the type's name; two packages have a Certificate.
func typeName(t reflect.Type) string {
	if t.Name() == "Certificate" && strings.HasSuffix(t.PkgPath(), "/rule") {
		return "RuleCertificate"
	}
	return t.Name()
}

func define(t reflect.Type, defs object) string {
	name := typeName(t)
	if _, ok := defs[name]; ok {
		return name
	}
	properties := object{}
	s := object{"type": "object", "properties": properties}
	defs[name] = s
	if list := strings.Fields(required[name]); len(list) > 0 {
		s["required"] = list
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		where := name + "." + key
		p := schemaOf(f.Type, where, defs)
		if f.Tag.Get("null") == "zero" {
			p["type"] = []any{"integer", "null"}
		}
		if values, ok := closed[where]; ok {
			p = object{"enum": values}
		}
		if pattern, ok := patterns[where]; ok {
			p["pattern"] = pattern
		}
		if where == "Report.causes" || where == "Row.causes" {
			p["minItems"], p["maxItems"] = 6, 6
		}
		if where == "CauseReport.number" {
			p["minimum"], p["maximum"] = 1, 6
		}
		if words, ok := says[where]; ok {
			p["description"] = words
		}
		properties[key] = p
	}
	return name
}

func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	for _, one := range schemaTypes {
		t.Run(one.name, func(t *testing.T) {
			file := one.name + "-1.schema.json"
			defs := object{}
			define(one.of, defs)
			whole := defs[one.of.Name()].(object)
			delete(defs, one.of.Name())
			whole["$schema"], whole["$id"], whole["title"] = "https://json-schema.org/draft/2020-12/schema", "https://github.com/ewsprobe/ewsprobe/blob/main/probe/report/"+file, one.title
			whole["description"] = one.description
			whole["$defs"] = defs
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(whole); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			committed, ok := SchemaDocument(one.name)
			if diff := cmp.Diff(string(committed), b.String()); diff != "" || !ok {
				t.Errorf("%s is not that of the types (-committed +types); -update writes it:\n%s", file, diff)
			}
		})
	}
	for _, name := range []string{"other", "", "../report/report", "*"} {
		if _, ok := SchemaDocument(name); ok {
			t.Errorf("there is no schema %q", name)
		}
	}
	if len(SchemaNames) != len(schemaTypes) {
		t.Errorf("%v have a schema", SchemaNames)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const schemaFile = "report.json"
	raw, _ := SchemaDocument("report")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validates(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// Saved reports, which former versions wrote, and what is made of them now.
func TestSchemaHolds(t *testing.T) {
	s := compiled(t)
	for _, file := range records(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validates(t, s, raw); err != nil {
			t.Errorf("%s as it was saved: %v", file, err)
		}
		now, err := load(t, file).JSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := validates(t, s, now); err != nil {
			t.Errorf("%s as it is written now: %v", file, err)
		}
	}
	refused, err := Refused("bad-usage", evidence.Target{}, "no such flag", "0.0.0-test", load(t, records(t)[0]).Started).JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := validates(t, s, refused); err != nil {
		t.Errorf("a refused run: %v", err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	good, err := load(t, records(t)[0]).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"schema": "ewsprobe/report/1"`, `"schema": "ewsprobe/report/2"`},
		{`"status": "critical"`, `"status": "bad"`},
		{`"confidence": "confirmed"`, `"confidence": "sure"`},
		{`"causes"`, `"cause_list"`},
		{`"number": 6`, `"number": 7`},
		{`"duration_ms": `, `"duration_ms": "x", "d": `},
		{`"started": "20`, `"started": "yesterday, 20`},
		{`"id": "e1"`, `"id": null`},
		{`"evidence": [`, `"proof": [`},
		{`"result": "accepted"`, `"result": "wonderful"`},
		{`"addresses": [`, `"addresses": null, "a": [`},
	} {
		if !bytes.Contains(good, []byte(c[0])) {
			t.Fatalf("the report holds no %s", c[0])
		}
		if err := validates(t, s, bytes.ReplaceAll(good, []byte(c[0]), []byte(c[1]))); err == nil {
			t.Errorf("%s is taken", c[1])
		}
	}
}
