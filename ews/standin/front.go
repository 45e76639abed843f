package standin

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

const htmlType = "text/html; charset=utf-8"

//go:embed answers.yaml
var answersFile string

// answers reads the file once, when somebody is answered.
var answers = sync.OnceValue(func() (file struct {
	Texts      map[string]string `yaml:"texts"`
	Operations string            `yaml:"operations"`
	Answers    map[string]struct {
		Status   int                 `yaml:"status"`
		Exchange bool                `yaml:"exchange"`
		Pass     []string            `yaml:"pass"`
		Headers  map[string][]string `yaml:"headers"`
		Body     string              `yaml:"body"`
	} `yaml:"answers"`
},
) {
	d := yaml.NewDecoder(strings.NewReader(strings.NewReplacer("$tenant", tenant, "$elsewhere", ElsewhereURL).Replace(answersFile)))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil { // every test reads the file
		panic("standin: answers.yaml: " + err.Error())
	}
	return file
})

// prepared is an answer of the file, by its name.
func (n *node) prepared(name string) *response {
	from := answers().Answers[name]
	a := newResponse(from.Status)
	if from.Exchange {
		a = n.exchangeResponse(from.Status)
	}
	for name, values := range from.Headers {
		a.with(name, slices.Clone(values)...) // an echo changes them
	}
	if _, has := a.header["request-id"]; has {
		a.with("request-id", uuid.NewString())
	}
	a.body = from.Body
	return a
}

// frontResponse is the answer of whatever stands in front, nil if Exchange is to
// answer. None of these looks at credentials.
func (n *node) frontResponse(r *http.Request, a *authorization) *response {
	front := n.behaviour.Front
	from, known := answers().Answers[string(front)]
	passes := func(agent string) bool { return strings.HasPrefix(r.UserAgent(), agent) }
	if !known || slices.ContainsFunc(from.Pass, passes) {
		return nil
	}
	answer := n.prepared(string(front))
	switch front {
	case FrontGateway:
		return n.authenticateLines(answer, append(n.offered(r), "Kerberos"))
	case FrontExchangeOnline:
		return answer.with("WWW-Authenticate", onlineChallenge(a))
	}
	return answer
}

// onlineChallenge has the Basic that nobody can use any more inside the value of
// the Bearer challenge, without a space, as the service sent it to Bearer requests.
func onlineChallenge(a *authorization) string {
	value := `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*", ` +
		`token_types="app_asserted_user_v1 service_asserted_app_v1", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`
	if a.message != MessageAnonymous {
		value += `, error="invalid_token"`
	}
	return value + `,Basic Realm=""`
}
