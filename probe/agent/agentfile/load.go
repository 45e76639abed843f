package agentfile

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// largest is far above what thousands of targets need.
const largest = 8 << 20

// Load reads the configuration and the files that it names. The error is
// config.Problems, in the order of the file.
func Load(ctx context.Context, name, version string, getenv func(string) string) (*File, error) {
	root, place, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	place.Belongs = belongs
	l := &loader{ctx: ctx, version: version, getenv: getenv, place: place}
	f := l.file(root)
	f.Name, f.loader = name, l
	f.Storage = cmp.Or(f.Storage, l.storage())
	if f.Storage == "" {
		f.keys.Invalid("{storage} is missing, and this user has no default folder; give storage: FOLDER")
	}
	return f, f.Err()
}

// open reads the file as YAML, and says where that was. The error is config.Problems.
func open(ctx context.Context, name string) (*yaml.Node, config.Place, error) {
	place := config.Place{File: name}
	fail := func(line int, text string) (*yaml.Node, config.Place, error) {
		return nil, place, config.Problems{{Position: config.Position{File: name, Line: line, Column: 1}, Text: text, Invalid: true}}
	}
	var err error
	if place.Dir, err = filepath.Abs(filepath.Dir(name)); err != nil {
		return fail(1, err.Error())
	}
	text := ""
	raw, err := config.Read(ctx, name, largest)
	if err == nil {
		text, err = config.Decode(raw)
	}
	if err != nil {
		return fail(0, name+" "+err.Error())
	}
	root, line, wrong := parse(text)
	if wrong != "" {
		return fail(line, wrong)
	}
	return root, place, nil
}

// parse reads one document, or says what is wrong in which line.
func parse(text string) (document *yaml.Node, line int, wrong string) {
	var root, next yaml.Node
	reader := strings.NewReader(text)
	d := yaml.NewDecoder(reader)
	switch err := d.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, 1, "the configuration is empty; `ewsprobe agent example` prints one to start with"
	case err != nil:
		line := 1
		if found := regexp.MustCompile(`^yaml: line (\d+):`).FindStringSubmatch(err.Error()); found != nil {
			line, _ = strconv.Atoi(found[1])
		}
		read := text[:len(text)-reader.Len()]
		line, why := syntax(text, err.Error(), strings.Count(read, "\n"), line)
		return nil, line, "this is not YAML: " + why
	}
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, max(next.Line, 1), "a second document starts here; only one is allowed"
	}
	return &root, 0, ""
}

// loader reads one file.
type loader struct {
	ctx      context.Context
	version  string
	getenv   func(string) string
	place    config.Place
	defaults *yaml.Node
	keys     []*config.Keys // of all mappings
}

func (l *loader) storage() string {
	if dir, _, _ := strings.Cut(l.getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	dir, _ := lockout.DefaultDir(l.getenv)
	return dir
}

// Err are all problems, each once: what is wrong with the defaults is wrong with each
// target.
func (f *File) Err() error {
	var all config.Problems
	for _, ks := range f.loader.keys {
		found, _ := ks.Err().(config.Problems)
		all = append(all, slices.DeleteFunc(found, func(p config.Problem) bool { return slices.Contains(all, p) })...)
	}
	slices.SortStableFunc(all, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return config.Join(all)
}

// read reads a mapping into the keys of a struct; nil: it is no mapping.
func (l *loader) read(into any, node *yaml.Node, also func(*config.Keys, string, *yaml.Node) bool) *config.Keys {
	ks := config.KeysOf(into, "agent")
	l.keys = append(l.keys, ks)
	ks.YAML(node, l.place, func(key string, value *yaml.Node) bool { return also != nil && also(ks, key, value) })
	return ks
}

// each reads the mappings of a list.
func each(ks *config.Keys, key string, node *yaml.Node, read func(*yaml.Node)) {
	switch {
	case node.ShortTag() == "!!null":
	case node.Kind != yaml.SequenceNode:
		ks.At(node, "%s must be a list", key)
	default:
		for _, item := range node.Content {
			read(item)
		}
	}
}

func (l *loader) file(root *yaml.Node) *File {
	f := &File{}
	var targets *yaml.Node // are read when the defaults are known, wherever they stand
	f.keys = l.read(&f.Keys, root, func(ks *config.Keys, key string, value *yaml.Node) bool {
		switch key {
		case "defaults":
			l.defaults = value
		case "targets":
			targets = value
		case "notify":
			each(ks, key, value, func(n *yaml.Node) { f.Notify = append(f.Notify, l.channel(n)) })
		case "peers":
			each(ks, key, value, func(n *yaml.Node) { f.Peers = append(f.Peers, l.peer(n)) })
		case "maintenance":
			each(ks, key, value, func(n *yaml.Node) { f.Maintenance = append(f.Maintenance, l.window(n)) })
		default:
			return false
		}
		return true
	})
	if targets != nil {
		each(f.keys, "targets", targets, func(n *yaml.Node) { f.Targets = append(f.Targets, l.target(n)) })
	}
	if len(f.Targets) == 0 {
		if l.defaults != nil {
			l.target(nil)
		}
		if targets == nil || f.keys.Err() == nil {
			f.keys.Invalid("targets is missing or empty; give at least one, as in `ewsprobe agent example`")
		}
	}
	f.checkListener()
	f.checkNames()
	f.checkAccounts()
	return f
}

// IsName is the form of the names of targets and of what stands beside them in
// metrics.
func IsName(s string) bool {
	return len(s) > 0 && len(s) <= 63 && !strings.ContainsAny(s[:1], "._-") && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
}

const nameForm = "use a-z, 0-9, dot, _ and -, a letter or digit first, at most 63 characters"

// checkName looks at a name and its being the only one.
func checkName(ks *config.Keys, name string, seen map[string]bool) {
	switch {
	case !ks.Given("name"):
		ks.Require("name")
	case !IsName(name):
		ks.Invalid("{name} %q is not allowed; "+nameForm, name)
	case seen[name]:
		ks.Invalid("{name} %s is used twice", name)
	}
	seen[name] = true
}

func (f *File) checkNames() {
	targets, channels, peers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, t := range f.Targets {
		checkName(t.Settings.Keys, t.Name, targets)
	}
	for _, c := range f.Notify {
		checkName(c.keys, c.Name, channels)
	}
	for _, p := range f.Peers {
		checkName(p.keys, p.Name, peers)
	}
	for _, w := range f.Maintenance {
		for _, name := range w.Targets {
			if !targets[name] {
				w.keys.Invalid("{targets} names %s, but there is no such target", name)
			}
		}
	}
}

// control says whether a text holds what cannot be shown in one line.
func control(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
