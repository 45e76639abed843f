package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/guide"
)

// The recipes of the guide many-mailboxes for a batch in parts are run as they stand
// there; only the endpoint is the stand-in's.

// recipe is the code block of the guide behind the paragraph that begins so.
func recipe(t *testing.T, begin string) string {
	t.Helper()
	text := guide.Source("many-mailboxes")
	_, rest, found := strings.Cut(text, "\n"+begin)
	_, rest, _ = strings.Cut(rest, "\n\n")
	if !found {
		t.Fatalf("the guide has no paragraph that begins with %q", begin)
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		code, indented := strings.CutPrefix(line, "    ")
		if !indented && strings.TrimSpace(line) != "" {
			break
		}
		b.WriteString(code)
	}
	return b.String()
}

// kitchen is a folder with a file of mailboxes and a stand-in to ask for them.
type kitchen struct {
	dir     string
	target  string // flags in place of the guide's --target
	server  *standin.Server
	program string
}

const recipeRows = 90

func newKitchen(t *testing.T) kitchen {
	t.Helper()
	k := kitchen{dir: t.TempDir(), program: built()}
	if k.program == "" {
		t.Skip("there is no Go to build the program with")
	}
	k.server = begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: recipeRows, Denied: 40}), standin.Options{})
	_, port, _ := net.SplitHostPort(k.server.Addresses()[0])
	for name, content := range map[string]string{"mailboxes.csv": boxes(recipeRows), "ca.pem": string(k.server.CA())} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.target = fmt.Sprintf("--target https://%s%s --ca-file %s --address %s", net.JoinHostPort(standin.Host, port), "/EWS/Exchange.asmx", filepath.Join(k.dir, "ca.pem"), k.server.Addresses()[0])
	return k
}

func (k kitchen) cook(t *testing.T, shell, recipe, stdin string, env ...string) (string, error) {
	t.Helper()
	if strings.Count(recipe, "--target mail.contoso.com") != 1 {
		t.Fatalf("the recipe names no target:\n%s", recipe)
	}
	c := exec.CommandContext(t.Context(), shell, "-c", strings.Replace(recipe, "--target mail.contoso.com", k.target, 1))
	c.Dir, c.Stdin = k.dir, strings.NewReader(stdin)
	c.Env = append([]string{"PATH=" + filepath.Dir(k.program) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + k.dir, "XDG_STATE_HOME=" + k.dir}, env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// whole wants every row once, and the verdict of the two that are denied.
func (k kitchen) whole(t *testing.T, merged string) {
	t.Helper()
	rows, sum := results(t, merged)
	if len(rows) != recipeRows || sum.Rows != recipeRows {
		t.Errorf("%d rows, the summary has %d, of %d", len(rows), sum.Rows, recipeRows)
	}
	if v := k.server.View(); v.BadLogons != 0 {
		t.Errorf("%d bad logons", v.BadLogons)
	}
}

func TestRecipeOfParallel(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, tool := range []string{"bash", "parallel"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	k := newKitchen(t)
	out, err := k.cook(t, "bash", recipe(t, "With GNU parallel"), standin.Password+"\n")
	var failed *exec.ExitError
	if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 2) {
		t.Fatalf("%v\n%s", err, out)
	}
	merged, err := os.ReadFile(filepath.Join(k.dir, "results.jsonl"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	k.whole(t, string(merged))
}

// job is what the recipe uses of a Job of Kubernetes, by the names of its API.
type job struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		CompletionMode       string `yaml:"completionMode"`
		Completions          int    `yaml:"completions"`
		Parallelism          int    `yaml:"parallelism"`
		BackoffLimitPerIndex int    `yaml:"backoffLimitPerIndex"`
		Template             struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Name    string   `yaml:"name"`
					Image   string   `yaml:"image"`
					Command []string `yaml:"command"`
					Args    []string `yaml:"args"`
					Env     []struct {
						Name      string `yaml:"name"`
						Value     string `yaml:"value"`
						ValueFrom struct {
							SecretKeyRef struct {
								Name string `yaml:"name"`
								Key  string `yaml:"key"`
							} `yaml:"secretKeyRef"`
						} `yaml:"valueFrom"`
					} `yaml:"env"`
					VolumeMounts []struct {
						Name      string `yaml:"name"`
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				} `yaml:"containers"`
				Volumes []struct {
					Name                  string `yaml:"name"`
					PersistentVolumeClaim struct {
						ClaimName string `yaml:"claimName"`
					} `yaml:"persistentVolumeClaim"`
				} `yaml:"volumes"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// There is no cluster here: the Job is read by the names of its API, and what a
// pod runs is run once for each index, with the volume in a folder.
func TestRecipeOfKubernetes(t *testing.T) {
	slow(t)
	t.Parallel()
	var j job
	d := yaml.NewDecoder(strings.NewReader(recipe(t, "As an Indexed Job of Kubernetes")))
	d.KnownFields(true)
	if err := d.Decode(&j); err != nil {
		t.Fatal(err)
	}
	pod := j.Spec.Template.Spec
	if j.APIVersion != "batch/v1" || j.Kind != "Job" || j.Spec.CompletionMode != "Indexed" || pod.RestartPolicy != "Never" || len(pod.Containers) != 1 {
		t.Fatalf("%+v", j)
	}
	box := pod.Containers[0]
	if strings.Join(box.Command, " ") != "sh -c" || len(box.Args) != 1 || len(box.VolumeMounts) != 1 || box.VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Fatalf("%+v", box)
	}
	if of := regexp.MustCompile(`--shard \$i/(\d+) `).FindStringSubmatch(box.Args[0]); of == nil || of[1] != fmt.Sprint(j.Spec.Completions) {
		t.Errorf("%d completions, and %v shards", j.Spec.Completions, of)
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	k := newKitchen(t)
	mounted := box.VolumeMounts[0].MountPath
	script := strings.ReplaceAll(box.Args[0], mounted+"/", k.dir+"/")
	run := func(index int, env ...string) error {
		out, err := k.cook(t, "sh", script, "", append(env, fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))...)
		if err != nil && len(env) > 0 {
			t.Logf("index %d: %v\n%s", index, err, out)
		}
		return err
	}
	password := box.Env[1].Name + "=" + standin.Password
	if err := run(0); err == nil {
		t.Error("a pod without a password is taken for done")
	}
	for index := range j.Spec.Completions {
		if err := run(index, password); err != nil {
			t.Errorf("index %d: %v", index, err)
		}
	}
	// A pod that is started again has nothing to do, and says so by its exit code.
	if err := run(2, password); err != nil {
		t.Errorf("started again: %v", err)
	}
	parts, _ := filepath.Glob(filepath.Join(k.dir, "part.*.jsonl"))
	merged := program{}.run(t, append([]string{"merge"}, parts...)...)
	if merged.exit != 2 || len(parts) != j.Spec.Completions || !strings.Contains(merged.err, "this run did not begin: no password") {
		t.Errorf("merge of %d parts: exit %d\n%s", len(parts), merged.exit, merged.err)
	}
	k.whole(t, merged.out)
}
