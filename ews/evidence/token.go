package evidence

import (
	"strconv"
	"time"
)

// The steps by which tokens are got and looked at. Like a look-up outside the
// network they have no Address.
const (
	StepHMAToken Step = "hma-token" // Entra: a token for EWS; or one that was got elsewhere is read
)

// Token is one request to Entra's token endpoint and what came of it. Of the token
// itself only its claims are kept.
type Token struct {
	Host        string       `json:"host" keep:"endpoint"`                  // who was asked; "" nobody: the token was brought
	Tenant      string       `json:"tenant" keep:"tenant" differs:"no"`     // where the application is registered
	Application string       `json:"application" keep:"tenant"`             // client_id
	Scope       string       `json:"scope" keep:"url"`                      // the resource and /.default
	Proof       string       `json:"proof" keep:"word"`                     // one of Proof…
	Certificate *Certificate `json:"certificate"`                           // of the application
	Claims      *Claims      `json:"claims"`                                // of the token that came; nil: none did
	Codes       []int        `json:"aadsts"`                                // error_codes, the first is the one that counts
	Error       string       `json:"error" keep:"cloud-code,said"`          // RFC 6749 5.2
	SubError    string       `json:"suberror" keep:"cloud-code,said"`       //
	Message     string       `json:"message" keep:"text,said" differs:"no"` // error_description
	Correlation string       `json:"correlation_id" keep:"tenant,said" differs:"no"`
	Trace       string       `json:"trace_id" keep:"tenant,said" differs:"no"`
	RetryAfter  string       `json:"retry_after" keep:"number,said" differs:"no"`
	Again       bool         `json:"asked_again" differs:"no"` // the one before failed for a passing reason
	Problem     string       `json:"problem" keep:"sentence,said"`
	Detail      *Detail      `json:"detail"` // Problem as data
}

// HMA is the application by which a profile for Hybrid Modern Authentication signs in.
type HMA struct {
	Tenant      string `json:"tenant" keep:"tenant"`      // that Exchange is in hybrid with, as given; "" with a token that was brought
	Application string `json:"application" keep:"tenant"` // client ID
	Resource    string `json:"resource" keep:"url"`       // Entra resource id of the profile; "" made of the URL
	Proof       string `json:"proof" keep:"word"`         // one of Proof…
}

// By what an application proves itself, or ProofToken: it need not, a token was
// brought.
const (
	ProofCertificate = "certificate"
	ProofSecret      = "secret"
	ProofToken       = "token-file"
)

// Claims are what a token says (RFC 7519 4). They are read, never verified: only
// who the token is for can do that.
type Claims struct {
	Version     string     `json:"ver" keep:"build,said"`
	Audience    string     `json:"aud" keep:"url,said"`
	Issuer      string     `json:"iss" keep:"url,said"`
	Tenant      string     `json:"tid" keep:"tenant,said"`
	Application string     `json:"appid" keep:"tenant,said"`
	Roles       []string   `json:"roles" keep:"word,said"`
	Scopes      string     `json:"scp" keep:"word,said"` // of a delegated token
	Proof       string     `json:"appidacr" keep:"number,said"`
	IssuedAt    *time.Time `json:"iat" differs:"no"`
	Expires     *time.Time `json:"exp" differs:"no"`
}

// Code is the number of the refusal as Microsoft writes it, else the word of RFC
// 6749, "" where there was no refusal.
func (t *Token) Code() string {
	switch {
	case t == nil:
		return ""
	case len(t.Codes) > 0:
		return "AADSTS" + strconv.Itoa(t.Codes[0])
	}
	return t.Error
}
