package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// The mailboxes of a target are read from Dynamics where it says so.
func TestMailboxesFromDynamics(t *testing.T) {
	scenario, _ := standin.Find("dynamics-basic-off")
	s, err := standin.Start(scenario.Behaviour, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": string(s.CA()), "password": standin.Password, "token": standin.DataverseToken,
		"agent.yaml": fmt.Sprintf("storage: .\ntargets: [{name: a, target: %s, user: %s, password_file: password, ca_file: ca.pem, "+
			"dynamics_url: '%s', entra_url: '%[3]s', dynamics_token_file: token, mailboxes_from_dynamics: true}]\n", s.URL(), standin.UPN, s.CloudURL()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	std := stdio{env: func(string) string { return "" }}
	file, err := loadAgent(t.Context(), filepath.Join(dir, "agent.yaml"), std)
	if err != nil {
		t.Fatal(err)
	}
	if asked := len(s.CloudRequests()); asked != 0 {
		t.Errorf("%d requests before the list is wanted", asked)
	}
	rows, done, err := mailboxesOf(t.Context(), file.Targets[0], std)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	n := 0
	for row, err := range rows {
		if n++; err != nil || row.Address == "" {
			t.Fatalf("row %d: %+v, %v", n, row, err)
		}
	}
	if n != 250 {
		t.Errorf("%d rows", n)
	}
}
