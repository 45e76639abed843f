package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// planSaves makes sure, before anything is sent, that the report can be saved.
// format is what the ending of a file tells, endings those that tell one.
func planSaves(files []string, format func(ending string) (report.Format, bool), endings []string) ([]saving, error) {
	var saves []saving
	for _, file := range files {
		format, ok := format(filepath.Ext(file))
		if !ok {
			return nil, usage("--save %q has an unknown extension; use %s", file, config.OneOf(endings, "or"))
		}
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return nil, unusable("--save %s is not a file; name a file", file)
		}
		trial, err := replace(file)
		if err != nil {
			return nil, unusable("--save %s cannot be written (%s)", file, config.Reason(err))
		}
		trial.abandon()
		saves = append(saves, saving{file, format})
	}
	return saves, nil
}

// keepApart refuses a file to be saved that is another one of this run: it would
// take the place of the mailboxes or of the password without a word. input is the
// argument, "" or - where it is no file.
func keepApart(set *config.Settings, saves []saving, input string, std stdio) error {
	for i, s := range saves {
		for _, other := range saves[:i] {
			if sameFile(s.file, other.file) {
				return usage("--save %s and --save %s are the same file; give each report a file of its own", other.file, s.file)
			}
		}
		there, err := os.Stat(s.file)
		if err != nil {
			continue // a new file
		}
		if read, err := os.Stat(input); err == nil && os.SameFile(there, read) {
			return usage("--save %s would overwrite the file that is read; give another name", s.file)
		}
		for key, file := range set.Keys.Files() {
			if read, err := os.Stat(strings.TrimPrefix(file, "FILE:")); err == nil && os.SameFile(there, read) {
				return usage("--save %s would overwrite the file of --%s; give another name", s.file, key)
			}
		}
		if dir := set.PasswordDir; dir != "" && below(s.file, dir) {
			return usage("--save %s would overwrite a file in --password-dir; give another name", s.file)
		}
		for name, stream := range map[string]any{"standard input": std.source(), "standard output": std.out} {
			f, ok := stream.(*os.File)
			if !ok {
				continue
			}
			if used, err := f.Stat(); err == nil && os.SameFile(there, used) {
				return usage("--save %s is the file that %s is redirected to; give another name", s.file, name)
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

// replacing is a file that is being written to take the place of another, as a
// whole or not at all.
type replacing struct {
	*os.File
	name string
	done bool
}

func replace(name string) (*replacing, error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".ewsprobe-*")
	if err != nil {
		return nil, err
	}
	return &replacing{File: f, name: name}, nil
}

// commit puts it in the place of the other, with the rights that the other had.
func (r *replacing) commit() error {
	r.done = true
	if before, err := os.Stat(r.name); err == nil && runtime.GOOS != "windows" {
		_ = r.Chmod(before.Mode().Perm()) // some file systems have no rights
	}
	err := errors.Join(r.Sync(), r.Close())
	if err == nil {
		err = os.Rename(r.Name(), r.name)
	}
	if err != nil {
		os.Remove(r.Name())
	}
	return err
}

// abandon leaves the other as it is. After commit it does nothing.
func (r *replacing) abandon() {
	if r.done {
		return
	}
	r.done = true
	r.Close()
	os.Remove(r.Name())
}

// writeWhole replaces a file as a whole or not at all.
func writeWhole(file string, data []byte) error {
	r, err := replace(file)
	if err != nil {
		return err
	}
	defer r.abandon()
	if _, err := r.Write(data); err != nil {
		return err
	}
	return r.commit()
}
