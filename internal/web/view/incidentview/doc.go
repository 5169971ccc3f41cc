// Package incidentview renders the list of incidents, the page of one incident,
// and the page behind the acknowledgement link of an alert.
package incidentview
