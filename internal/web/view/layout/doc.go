// Package layout contains the frames around pages: [AppPage] with the sidebar
// for people who are signed in, [SignedOut] for everyone else, and the live
// fragments. It also has the pages that every part of the application may show:
// errors, confirmations, edit conflicts.
package layout
