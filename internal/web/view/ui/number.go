package ui

import (
	"strconv"
	"time"
)

func Ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// Coordinate writes a coordinate as short as it can be written.
func Coordinate(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Decimals writes a number with so many decimals.
func Decimals(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// Percent places something along a line, "46.28%".
func Percent(x float64) string { return Decimals(x, 2) + "%" }
