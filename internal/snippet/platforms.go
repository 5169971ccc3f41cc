package snippet

// cronJobManifestHead is the start of both manifests.
const cronJobManifestHead = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly-database-backup
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
`

var kubernetesExample = Example{
	Name: "Kubernetes",
	Note: "Use one of the two. In both, the exit code of the backup decides about the Job.",
	Blocks: []Block{
		{Title: "If the image has curl", File: "cronjob.yaml", Code: cronJobManifestHead + `          containers:
            - name: backup
              image: example.com/backup:16
              command: ["/bin/sh", "-c"]
              args:
                - |
                  ` + ExampleJob + `; code=$?
                  ` + Curl + ` PING_URL/$code
                  exit $code`},
		{Title: "Otherwise: ping from a second image after a success", File: "cronjob.yaml", Code: cronJobManifestHead + `          initContainers:
            - name: backup
              image: example.com/backup:16
          containers:
            - name: ping
              image: docker.io/curlimages/curl:8.17.0
              command: ["/bin/sh", "-c"]
              args:
                - ` + Curl + ` PING_URL || true`},
	},
}

var githubExample = Example{
	Name: "GitHub Actions",
	Note: "A run that someone cancels sends nothing.",
	Blocks: []Block{{File: ".github/workflows/backup.yml", Code: `on:
  schedule:
    - cron: "0 3 * * *"
jobs:
  backup:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ./backup
      # a ping that fails does not fail the workflow
      - name: Report success to Overdue
        if: success()
        continue-on-error: true
        run: ` + Curl + ` PING_URL
      - name: Report failure to Overdue
        if: failure()
        continue-on-error: true
        run: ` + Curl + ` PING_URL/fail`}},
}
