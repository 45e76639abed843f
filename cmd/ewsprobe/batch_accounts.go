package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// passwordFolder is --password-dir. Nothing outside of it can be opened, not by
// .. and not by a link: whoever writes the table chooses the paths, and a file of
// another kind must not be sent to a server as a password.
type passwordFolder struct{ root *os.Root }

// openPasswords opens the folder; nil where rows have no accounts of their own.
func openPasswords(dir string) (*passwordFolder, error) {
	if dir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unusable("--password-dir cannot be read (%s)", config.Reason(err))
	}
	return &passwordFolder{root}, nil
}

func (p *passwordFolder) close() {
	if p != nil {
		p.root.Close()
	}
}

// read reads one password. The error is a sentence for the row.
func (p *passwordFolder) read(name string, std stdio) (string, error) {
	file := filepath.FromSlash(name)
	if filepath.IsAbs(file) {
		inside, err := filepath.Rel(p.root.Name(), file)
		if err != nil {
			return "", fmt.Errorf("the password file %s is outside --password-dir; it was not read", oneLine(name))
		}
		file = inside
	}
	// To open a pipe would wait for somebody who writes to it. Whoever exchanges
	// the file between the two calls still cannot make the run wait.
	info, err := p.root.Stat(file)
	var f *os.File
	if err == nil && info.Mode().IsRegular() {
		f, err = p.root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		return "", fmt.Errorf("the password file %s in --password-dir cannot be read (%s)", oneLine(name), config.Reason(path.Err))
	case err != nil:
		return "", fmt.Errorf("the password file %s in --password-dir cannot be read (%s)", oneLine(name), config.Reason(err))
	case f == nil:
		return "", fmt.Errorf("the password file %s is not a file", oneLine(name))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the password file %s is not a file", oneLine(name))
	}
	return passwordIn(f, oneLine(name), std)
}
