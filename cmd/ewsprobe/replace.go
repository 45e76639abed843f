package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// planSaves makes sure, before anything is sent, that the report can be saved.
// format is what the ending of a file tells, endings those that tell one.
func planSaves(files []string, format func(ending string) (report.Format, bool), endings []string) ([]saving, error) {
	var saves []saving
	for _, file := range files {
		format, ok := format(filepath.Ext(file))
		if !ok {
			return nil, usage("--save %q: the format is told by the ending; use %s", file, oneOf(endings, "or"))
		}
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return nil, unusable("--save %s is not a file that can be replaced", file)
		}
		trial, err := replace(file)
		if err != nil {
			return nil, unusable("--save %s cannot be written (%v)", file, err)
		}
		trial.abandon()
		saves = append(saves, saving{file, format})
	}
	return saves, nil
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

// commit puts it in the place of the other.
func (r *replacing) commit() error {
	r.done = true
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
