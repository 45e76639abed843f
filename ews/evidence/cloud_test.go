package evidence

import (
	"reflect"
	"strings"
	"testing"
)

// TestCloudTexts: every text that a service fills is among those that are
// searched for secrets. The rest are this program's own words.
func TestCloudTexts(t *testing.T) {
	var c Cloud
	fill(reflect.ValueOf(&c).Elem())
	for _, s := range c.Texts() {
		*s = "seen"
	}
	own := []string{"Cloud.Host", "Cloud.Subject", "Cloud.Location"}
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if mine := strings.Contains(strings.Join(own, " ")+" ", path+" "); mine == (v.String() == "seen") {
				t.Errorf("%s is %q", path, v)
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(path+"[]", v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type() != timeType {
					look(path+"."+v.Type().Field(i).Name, v.Field(i))
				}
			}
		}
	}
	look("Cloud", reflect.ValueOf(c))

	var p ServicePoints
	fill(reflect.ValueOf(&p).Elem())
	for _, s := range p.Texts() {
		*s = "seen"
	}
	own = []string{"Points.Domain", "Points.Problem", "Points.Points[].Place"}
	look("Points", reflect.ValueOf(p))
}

func TestCloudSteps(t *testing.T) {
	for step, want := range map[Step]bool{StepCloudLocation: true, StepCloudGraphSettings: true, StepAnonymous: false, StepLogon: false, "": false} {
		if step.Cloud() != want {
			t.Errorf("%q", step)
		}
	}
}
