package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Output is where a report goes to and in which form.
type Output struct {
	Format  report.Format
	Saves   []Save
	Redact  bool
	Verbose int
}

// Save is a file that the report is to be written to.
type Save struct {
	File   string
	Format report.Format
}

// Streams are standard input and output.
type Streams struct{ In, Out any }

// rowsToo is the ending that tells JSON too in a batch, where it is lines.
const rowsToo = ".jsonl"

// extensions are those of files that tell a format.
func (ks *Keys) extensions() []string {
	if ks.command == "batch" {
		return append([]string{rowsToo}, report.Extensions()...)
	}
	return report.Extensions()
}

// Output makes sure, before anything is sent, that the report can be given out as it
// was asked for. read is the argument, "" or - where it is no file.
func (s *Settings) Output(read string, std Streams) (Output, error) {
	o := Output{Redact: s.Redact, Verbose: s.Verbose}
	o.Format, _ = report.FindFormat(s.Format)
	for _, file := range s.Save {
		ending := filepath.Ext(file)
		if s.Keys.command == "batch" && strings.EqualFold(ending, rowsToo) {
			ending = ".json"
		}
		format, ok := report.ByExtension(ending)
		if !ok {
			return o, Usage("--save %q has an unknown extension; use %s", file, OneOf(s.Keys.extensions(), "or"))
		}
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return o, Unusable("--save %s is not a file; name a file", file)
		}
		trial, err := Replace(file)
		if err != nil {
			return o, Unusable("--save %s cannot be written (%s)", file, Reason(err))
		}
		trial.Abandon()
		o.Saves = append(o.Saves, Save{file, format})
	}
	return o, s.checkDistinct(read, std)
}

// checkDistinct refuses a file to be saved that is another one of this run: it would
// take the place of the mailboxes or of the password without a word.
func (s *Settings) checkDistinct(read string, std Streams) error {
	for i, file := range s.Save {
		for _, other := range s.Save[:i] {
			if sameFile(file, other) {
				return Usage("--save %s and --save %s are the same file; give each report a file of its own", other, file)
			}
		}
		there, err := os.Stat(file)
		if err != nil {
			continue // a new file
		}
		used := map[string]string{read: "the file that is read"}
		for key, name := range s.Keys.files() {
			used[strings.TrimPrefix(name, "FILE:")] = "the file of --" + key
		}
		for name, what := range used {
			if other, err := os.Stat(name); err == nil && os.SameFile(there, other) {
				return Usage("--save %s would overwrite %s; give another name", file, what)
			}
		}
		if s.PasswordDir != "" && below(file, s.PasswordDir) {
			return Usage("--save %s would overwrite a file in --password-dir; give another name", file)
		}
		for name, stream := range map[string]any{"standard input": std.In, "standard output": std.Out} {
			f, ok := stream.(*os.File)
			if !ok {
				continue
			}
			if used, err := f.Stat(); err == nil && os.SameFile(there, used) {
				return Usage("--save %s is the file that %s is redirected to; give another name", file, name)
			}
		}
	}
	return nil
}

// below says whether a file is in a folder or in one below that.
func below(file, folder string) bool {
	top, err := os.Stat(folder)
	if err != nil {
		return false
	}
	file, err = filepath.Abs(file)
	for dir := filepath.Dir(file); err == nil; dir = filepath.Dir(dir) {
		if one, err := os.Stat(dir); err == nil && os.SameFile(one, top) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
	return false
}

// sameFile also knows two names of a file that is not there yet.
func sameFile(a, b string) bool {
	if one, err := os.Stat(a); err == nil {
		other, err := os.Stat(b)
		return err == nil && os.SameFile(one, other)
	}
	one, err := os.Stat(filepath.Dir(a))
	other, err2 := os.Stat(filepath.Dir(b))
	if err != nil || err2 != nil || !os.SameFile(one, other) {
		return false
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return strings.EqualFold(filepath.Base(a), filepath.Base(b))
	}
	return filepath.Base(a) == filepath.Base(b)
}

// Replacement is a file that is being written to take the place of another, as a
// whole or not at all.
type Replacement struct {
	*os.File
	Of   string // the name of the other
	done bool
}

// Replace begins to write the file that is to take the place of name.
func Replace(name string) (*Replacement, error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".ewsprobe-*")
	if err != nil {
		return nil, err
	}
	return &Replacement{File: f, Of: name}, nil
}

// Commit puts it in the place of the other, with the rights that the other had.
func (r *Replacement) Commit() error {
	r.done = true
	if before, err := os.Stat(r.Of); err == nil && runtime.GOOS != "windows" {
		_ = r.Chmod(before.Mode().Perm()) // some file systems have no rights
	}
	err := errors.Join(r.Sync(), r.Close())
	if err == nil {
		err = os.Rename(r.Name(), r.Of)
	}
	if err != nil {
		os.Remove(r.Name())
	}
	return err
}

// Abandon leaves the other as it is. After Commit it does nothing.
func (r *Replacement) Abandon() {
	if r.done {
		return
	}
	r.done = true
	r.Close()
	os.Remove(r.Name())
}

// Write replaces the file as a whole or not at all.
func (s Save) Write(data []byte) error {
	r, err := Replace(s.File)
	if err != nil {
		return err
	}
	defer r.Abandon()
	if _, err := r.Write(data); err != nil {
		return err
	}
	return r.Commit()
}
