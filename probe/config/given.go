package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// given is what the user gave of the keys that evidence.Given has a field for. What
// came from an exported profile is left out: its file is named.
func (s *Settings) given() *evidence.Given {
	g := &evidence.Given{}
	v := reflect.ValueOf(g).Elem()
	for i := range v.NumField() {
		name := strings.ReplaceAll(v.Type().Field(i).Tag.Get("json"), "_", "-")
		k := s.Keys.Find(name)
		if k == nil || s.Keys.from[name].rank <= byProfile {
			continue
		}
		switch to := v.Field(i); to.Kind() {
		case reflect.String:
			to.SetString(fmt.Sprint(k.field.Interface()))
		default:
			to.Set(k.field)
		}
	}
	return g
}
