// Command manifest reads a Kubernetes manifest from standard input and fails if
// it is not a CronJob of batch/v1 with known fields only.
//
// It is a separate module, so that the types of Kubernetes are no dependency of
// the product. They check names and types, not which values the server accepts.
package main

import (
	"fmt"
	"io"
	"os"

	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "manifest:", err)
		os.Exit(1)
	}
}

func check(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var job batch.CronJob
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		return err
	}
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	switch {
	case job.APIVersion != "batch/v1" || job.Kind != "CronJob":
		return fmt.Errorf("%s %s: must be batch/v1 CronJob", job.APIVersion, job.Kind)
	case job.Name == "" || job.Spec.Schedule == "" || len(pod.Containers) == 0:
		return fmt.Errorf("name, schedule and a container are required")
	case pod.RestartPolicy != "Never" && pod.RestartPolicy != "OnFailure":
		return fmt.Errorf("restartPolicy %q: must be Never or OnFailure in a Job", pod.RestartPolicy)
	}
	return nil
}
