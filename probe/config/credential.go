package config

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// CredentialName is the name of a file as a credential of systemd: the one that
// systemd gives to the files of a folder (systemd.exec(5), LoadCredential=).
func CredentialName(file string) string {
	file = filepath.ToSlash(file)
	return path.Base(path.Dir(file)) + "_" + path.Base(file)
}

// CredentialFile is where systemd has put its copy of a file; "" without systemd.
func CredentialFile(file string) string {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		return filepath.Join(dir, CredentialName(file))
	}
	return ""
}

// ReadableFile is name, or systemd's copy of it where this process may not read
// name itself.
func ReadableFile(name string) string {
	copied := CredentialFile(name)
	if name == "" || copied == "" {
		return name
	}
	f, err := os.Open(name)
	if err == nil {
		f.Close()
	}
	if !errors.Is(err, fs.ErrPermission) {
		return name
	}
	return copied
}
