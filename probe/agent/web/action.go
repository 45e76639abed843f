package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
)

// longestSilence is a year: what is to be silent for longer is to be taken out.
const longestSilence = 366 * 24 * time.Hour

// bodyOf reads an object of JSON, or a form, into v. No body is an empty object.
func bodyOf(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return nil
	case raw[0] == '{':
	default: // a form of a page: its values are JSON too, or words
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return err
		}
		fields := map[string]any{}
		for name, values := range form {
			if fields[name] = values[0]; values[0] == "true" || values[0] == "false" {
				fields[name] = values[0] == "true"
			}
		}
		if raw, err = json.Marshal(fields); err != nil {
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the object")
	}
	return nil
}

// runNow begins a run, or has one follow that is under way.
func (s *Server) runNow(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	body := struct {
		Credential bool `json:"credential"`
	}{true}
	if bodyOf(r, &body) != nil {
		return refusal{http.StatusBadRequest, `the body must be empty or {"credential": false}`}
	}
	if err := s.o.Agent.RunNow(t.Name, body.Credential); err != nil {
		return err
	}
	return done(w, r, t, http.StatusAccepted, map[string]any{"target": t.Name, "credential": body.Credential})
}

// release lets a withheld credential be used again.
func (s *Server) release(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	if bodyOf(r, &struct{}{}) != nil {
		return refusal{http.StatusBadRequest, "the body must be empty"}
	}
	if err := s.o.Agent.Release(t.Name); err != nil {
		return err
	}
	return done(w, r, t, http.StatusOK, map[string]any{"target": t.Name})
}

// silence has nobody notified of a target for a time.
func (s *Server) silence(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	var body struct {
		For string `json:"for"`
	}
	wrong := bodyOf(r, &body)
	d, err := time.ParseDuration(body.For)
	if wrong != nil || err != nil || d < 0 || d > longestSilence {
		return refusal{http.StatusBadRequest, `the body must be like {"for": "2h"}, at most a year; {"for": "0s"} ends a silence`}
	}
	if err := s.o.Agent.Silence(t.Name, d); err != nil {
		return err
	}
	says := map[string]any{"target": t.Name, "silenced_until": nil}
	if d > 0 {
		says["silenced_until"] = time.Now().Add(d).UTC()
	}
	return done(w, r, t, http.StatusOK, says)
}

// reload reloads the configuration.
func (s *Server) reload(w http.ResponseWriter, r *http.Request, _ *agent.Target) error {
	if err := s.o.Agent.Reload(r.Context()); err != nil {
		return refusal{http.StatusInternalServerError, "the configuration was not reloaded: " + err.Error()}
	}
	return answer(w, http.StatusOK, map[string]any{"reloaded": true})
}

// done answers an action: a browser goes back to the page of the target.
func done(w http.ResponseWriter, r *http.Request, t *agent.Target, code int, says map[string]any) error {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/targets/"+t.Name, http.StatusSeeOther)
		return nil
	}
	return answer(w, code, says)
}
