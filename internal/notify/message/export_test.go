package message

// Limits and functions for the tests.
const (
	MaxOutput      = maxOutput
	MaxLineLength  = maxLineLength
	MaxTokenLength = maxTokenLength
)

var OutputTail = outputTail
