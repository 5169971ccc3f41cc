// Package policyview renders the pages of escalation policies.
package policyview
