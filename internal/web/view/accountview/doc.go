// Package accountview renders the pages about people and the project: setup,
// sign-in, account, team, API keys, settings and the audit log.
package accountview
