package evidence

import "testing"

func TestCloudSteps(t *testing.T) {
	for step, want := range map[Step]bool{StepCloudLocation: true, StepCloudGraphSettings: true, StepAnonymous: false, StepLogon: false, "": false} {
		if step.Cloud() != want {
			t.Errorf("%q", step)
		}
	}
}
