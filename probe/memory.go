package probe

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/scrypt"
)

// Remembered is how long a refused password is not sent again.
const Remembered = 60 * time.Minute

// Memory remembers refused passwords across runs, so that ten impatient runs
// do not lock an account. What it stores cannot give a password back: a salted
// scrypt value cut to 16 bits lets one guess in 65,536 pass by chance, so that a
// stolen file confirms no guess.
type Memory struct {
	Dir string
	Now func() time.Time
}

// DefaultMemoryDir is $XDG_STATE_HOME/ewsprobe, ~/.local/state/ewsprobe, or
// %LOCALAPPDATA%\ewsprobe.
func DefaultMemoryDir() (string, error) {
	if runtime.GOOS == "windows" {
		if d := os.Getenv("LOCALAPPDATA"); d != "" {
			return filepath.Join(d, "ewsprobe"), nil
		}
		return "", errors.New("LOCALAPPDATA is not set")
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "ewsprobe"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "ewsprobe"), nil
}

// remembered is the stored form: one file per account and endpoint, with one
// salt, so that a password is hashed once however many were refused.
type remembered struct {
	Salt     []byte    `json:"salt"`
	Refusals []refusal `json:"refused"`

	hashed *uint16
}

type refusal struct {
	Refused time.Time `json:"at"`
	Check   uint16    `json:"check"`
}

// check is the stored value of a password; a remembered is only ever asked
// about one password.
func (s *remembered) check(password string) uint16 {
	if s.hashed == nil {
		const n, r, p = 1 << 13, 8, 1 // 8 MiB: a check has to stay small
		key, err := scrypt.Key([]byte(password), s.Salt, n, r, p, 2)
		if err != nil { // only for parameters out of range
			panic(err)
		}
		value := binary.BigEndian.Uint16(key)
		s.hashed = &value
	}
	return *s.hashed
}

// Refused returns when password was refused for account at endpoint within the
// last 60 minutes; the zero time if it was not.
func (m *Memory) Refused(account string, endpoint *url.URL, password string) (time.Time, error) {
	if m == nil {
		return time.Time{}, nil
	}
	raw, err := os.ReadFile(m.file(account, endpoint))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	var stored remembered
	if err := json.Unmarshal(raw, &stored); err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", m.file(account, endpoint), err)
	}
	for _, r := range m.fresh(stored.Refusals) {
		if stored.check(password) == r.Check {
			return r.Refused, nil
		}
	}
	return time.Time{}, nil
}

// Remember stores that password was refused just now.
func (m *Memory) Remember(account string, endpoint *url.URL, password string) error {
	if m == nil {
		return nil
	}
	return m.rewrite(account, endpoint, password, true)
}

// Forget drops a refusal: the password was accepted.
func (m *Memory) Forget(account string, endpoint *url.URL, password string) error {
	if m == nil {
		return nil
	}
	if _, err := os.Stat(m.file(account, endpoint)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return m.rewrite(account, endpoint, password, false)
}

// rewrite replaces the file as a whole: what is stale or about this password
// goes, and if refused it comes back with today's time.
func (m *Memory) rewrite(account string, endpoint *url.URL, password string, refused bool) error {
	file := m.file(account, endpoint)
	var stored remembered
	if raw, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(raw, &stored) // a damaged file is replaced
	}
	if len(stored.Salt) == 0 {
		stored = remembered{Salt: make([]byte, 16)}
		rand.Read(stored.Salt) //nolint:errcheck // never fails (crypto/rand)
	}
	stored.Refusals = slices.DeleteFunc(m.fresh(stored.Refusals), func(r refusal) bool { return r.Check == stored.check(password) })
	if refused {
		stored.Refusals = append(stored.Refusals, refusal{Refused: m.now().UTC(), Check: stored.check(password)})
	}
	if len(stored.Refusals) == 0 {
		return os.Remove(file)
	}
	raw, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(m.Dir, "refused-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(raw)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

func (m *Memory) fresh(stored []refusal) []refusal {
	var kept []refusal
	for _, r := range stored {
		if m.now().Sub(r.Refused).Abs() < Remembered { // a clock set back forgets nothing
			kept = append(kept, r)
		}
	}
	return kept
}

func (m *Memory) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// file is one per account and endpoint (scheme, host and port). Its name tells
// neither.
func (m *Memory) file(account string, endpoint *url.URL) string {
	port := endpoint.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[endpoint.Scheme]
	}
	key := strings.Join([]string{AccountKey(account), endpoint.Scheme, strings.ToLower(endpoint.Hostname()), port}, "\n")
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(m.Dir, "refused-"+hex.EncodeToString(sum[:16])+".json")
}

// AccountKey is what all name forms of an account have in common: the bare
// name, without domain and without case.
func AccountKey(user string) string {
	if _, name, ok := strings.Cut(user, `\`); ok {
		user = name
	}
	user, _, _ = strings.Cut(user, "@")
	return strings.ToLower(user)
}
