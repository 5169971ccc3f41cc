// Package groupview renders the page of a group of incidents that opened together.
package groupview
