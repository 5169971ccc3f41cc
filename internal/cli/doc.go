// Package cli is the command line: the commands, their flags, the sources of
// settings, and the exit codes.
//
// It is the only place that knows the command line parser. It contains no rules of
// the product: it calls the server through one small struct (see backend), and
// everything else through package client.
//
// Rules for every command:
//
//   - Exit code 0 means success, 1 failure, 2 a usage error. "run" exits with the
//     exit code of its command instead.
//   - A flag overrides the environment, which overrides the configuration file,
//     which overrides the default. An unknown setting is an error that names it, so
//     a typo never silently means the default. "run" only warns: a job must not
//     fail because of the monitor.
//   - Standard output contains the result and nothing else, so that it can be
//     piped. Messages go to standard error.
//   - Every list and create command has --json.
//   - Errors name flags and addresses, not members of the API (see explainRequest).
//   - Secrets are never printed. The id in a ping URL is one of them: standard error
//     of a job ends up in mails and logs.
//
// Sources of a setting, in the order in which they are asked:
//
//	--smtp-url  →  OVERDUE_SMTP_URL        →  smtp-url:      →  default
//	               OVERDUE_SMTP_URL_FILE      in the --config
//	               (secrets only)             file
package cli
