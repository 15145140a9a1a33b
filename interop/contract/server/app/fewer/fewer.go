// Package fewer has enumerated types of package app with one value less, or of another type.
package fewer

// A State is what has become of an order.
type State string

// The states.
const (
	Open State = "open"
	Paid State = "paid"
)

// A Level is how urgent something is.
type Level int

// The levels.
const (
	Low    Level = iota + 1
	Middle       // the last one
)
