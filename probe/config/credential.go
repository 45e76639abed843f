package config

import (
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
