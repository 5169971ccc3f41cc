package ui

import (
	"strconv"
	"time"
)

func Ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// Coordinate formats a number with as few digits as possible.
func Coordinate(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Decimals formats a number with a fixed number of decimals.
func Decimals(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// Percent formats a position along a line: "46.28%".
func Percent(x float64) string { return Decimals(x, 2) + "%" }
