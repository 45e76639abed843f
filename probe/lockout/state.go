package lockout

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/scrypt"
)

// logons are those of all accounts with one user part, as they are stored.
type logons struct {
	Salt   []byte  `json:"salt"`
	Logons []logon `json:"logons"`
	// Stay keeps the salt where there are no logons, for who signs in again and again
	// with the same password.
	Stay bool `json:"stay,omitempty"`
}

// Checks remembers what is kept of passwords, so that it is computed once.
type Checks struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]uint16
}

// of is the check of a password: 16 bits of a scrypt value with the salt. To compute it
// takes 8 MiB and some milliseconds, that is its purpose.
func (c *Checks) of(salt []byte, password string) uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := sha256.Sum256(append(slices.Clone(salt), password...))
	value, ok := c.known[key]
	if !ok {
		const n, r, p = 1 << 13, 8, 1
		sum, err := scrypt.Key([]byte(password), salt, n, r, p, 2)
		if err != nil { // only for parameters out of range
			panic(err)
		}
		if value = binary.BigEndian.Uint16(sum); c.known == nil || len(c.known) > 1000 {
			c.known = map[[sha256.Size]byte]uint16{}
		}
		c.known[key] = value
	}
	return value
}

// logon is one that was sent and not accepted.
type logon struct {
	Run     string    `json:"run"` // which has sent it
	Number  int       `json:"number"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"` // no answer is waited for after that
	Name    []byte    `json:"name"`  // sealed: whoever knows the user part can read it
	Where   string    `json:"where"` // digest of the endpoint
	Refused bool      `json:"refused"`
	Check   *uint16   `json:"check"`    // of the password
	Keep    bool      `json:"keep"`     // until it is released or the password changes
	NoCount bool      `json:"no_count"` // the account was accepted since: only its password is not sent again
}

// entry is a logon of this run as it is stored.
func (a *Account) entry(s *logons, g *Logon, until time.Time) logon {
	e := logon{Run: a.lockout.run, Number: g.number, At: g.at, Until: until, Where: s.where(g.where), Keep: a.lockout.UntilReleased}
	e.Name = s.sealer(a.name.user).Seal(nil, nil, []byte(a.User), nil)
	if e.Keep {
		s.Stay, e.Check = a.lockout.Checks != nil, a.check(s)
	}
	return e
}

// wrote says whether an entry is that of a logon of this run.
func (a *Account) wrote(g *Logon, e logon) bool {
	return e.Run == a.lockout.run && e.Number == g.number
}

func (l *logons) salt() []byte {
	if len(l.Salt) == 0 {
		l.Salt = make([]byte, 16)
		rand.Read(l.Salt) //nolint:errcheck // never fails (crypto/rand)
	}
	return l.Salt
}

func (l *logons) drop(which func(logon) bool) (changed bool) {
	before := len(l.Logons)
	l.Logons = slices.DeleteFunc(l.Logons, which)
	return len(l.Logons) != before
}

// digest of a text that the file must not tell.
func digest(salt []byte, text string) string {
	sum := sha256.Sum256(append(slices.Clone(salt), text...))
	return hex.EncodeToString(sum[:12])
}

// where is the digest of an endpoint: scheme, host and port.
func (l *logons) where(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return digest(l.salt(), u.Scheme+"://"+strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))+" "+port)
}

// fileKey names the file of a user part without telling it.
func fileKey(user string) string { return digest([]byte("ewsprobe"), user) }

// sealer hides names from who does not know the user part, which is in none.
func (l *logons) sealer(user string) cipher.AEAD {
	key := sha256.Sum256(append(slices.Clone(l.salt()), "name of "+user...))
	block, err := aes.NewCipher(key[:])
	if err != nil { // only for a key of another length
		panic(err)
	}
	sealer, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealer
}

// nameOf opens a name, "" if it cannot be opened.
func (l *logons) nameOf(e logon, user string) string {
	opened, _ := l.sealer(user).Open(nil, nil, e.Name, nil)
	return string(opened)
}

// of says whether a logon is one of the account; one whose name cannot be opened
// counts for all.
func (l *logons) of(e logon, account name) bool {
	written := l.nameOf(e, account.user)
	return written == "" || parseName(written).same(account)
}

// check is that of the account's password, nil without one. It is computed only where
// there is something to compare it with or to write down.
func (a *Account) check(s *logons) *uint16 {
	if a.Password == "" {
		return nil
	}
	return new(a.checks.of(s.salt(), a.Password))
}

// samePassword says whether a logon was one with the account's password, otherPassword
// that it was not: neither holds where one of the two is not known.
func (a *Account) samePassword(s *logons, e logon) bool {
	return e.Check != nil && a.Password != "" && *a.check(s) == *e.Check
}

func (a *Account) otherPassword(s *logons, e logon) bool {
	return e.Check != nil && a.Password != "" && *a.check(s) != *e.Check
}
