// Package present turns what package manage returns into what package view draws:
// rows, timelines, run strips, words and CSV cells. Its functions are pure; they
// take the current time as an argument.
package present
