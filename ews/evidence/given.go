package evidence

// Given is what the user gave beside what the rest of Target tells, so that a
// command that a report prints can be run as it stands. A file is named as it was
// given and its content is not kept; the name of the field in the record is the
// flag's.
type Given struct {
	Address                         []string `json:"address" keep:"endpoint"`
	EachAddress                     bool     `json:"each_address"`
	CAFile                          string   `json:"ca_file" keep:"file"`
	Proxy                           string   `json:"proxy" keep:"url"`
	Timeout                         string   `json:"timeout" keep:"duration"`
	UserAgent                       string   `json:"user_agent" keep:"agent"`
	DynamicsUserAgent               string   `json:"dynamics_user_agent" keep:"agent"`
	NoUserAgentProbe                bool     `json:"no_user_agent_probe"`
	CertWarn                        string   `json:"cert_warn" keep:"number"`
	PasswordFile                    string   `json:"password_file" keep:"file"`
	PasswordFromKeyring             bool     `json:"password_from_keyring"`
	Keytab                          string   `json:"keytab" keep:"file"`
	CCache                          string   `json:"ccache" keep:"file"`
	SPN                             string   `json:"spn" keep:"service"`
	Domain                          string   `json:"domain" keep:"host"`
	DC                              string   `json:"dc" keep:"endpoint"`
	MaxRejections                   string   `json:"max_rejections" keep:"number"`
	Profile                         string   `json:"profile" keep:"file"`
	TokenFile                       string   `json:"token_file" keep:"file"`
	ClientID                        string   `json:"client_id" keep:"tenant"`
	ClientSecretFile                string   `json:"client_secret_file" keep:"file"`
	DynamicsClientID                string   `json:"dynamics_client_id" keep:"tenant"`
	DynamicsCertificate             string   `json:"dynamics_certificate" keep:"file"`
	DynamicsCertificatePasswordFile string   `json:"dynamics_certificate_password_file" keep:"file"`
	DynamicsClientSecretFile        string   `json:"dynamics_client_secret_file" keep:"file"`
	DynamicsTenant                  string   `json:"dynamics_tenant" keep:"tenant"`
	DynamicsTokenFile               string   `json:"dynamics_token_file" keep:"file"`
	EntraURL                        string   `json:"entra_url" keep:"url"`
	ExchangeOnlineURL               string   `json:"exchange_online_url" keep:"url"`
	GraphURL                        string   `json:"graph_url" keep:"url"`
	Baseline                        string   `json:"baseline" keep:"file"`
	Tenant                          string   `json:"tenant" keep:"tenant"`
	HMAClientID                     string   `json:"hma_client_id" keep:"tenant"`
	HMACertificate                  string   `json:"hma_certificate" keep:"file"`
	HMACertificatePasswordFile      string   `json:"hma_certificate_password_file" keep:"file"`
	HMAClientSecretFile             string   `json:"hma_client_secret_file" keep:"file"`
	HMAResource                     string   `json:"hma_resource" keep:"url"`
	HMATokenFile                    string   `json:"hma_token_file" keep:"file"`
}
