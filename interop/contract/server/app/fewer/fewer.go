// Package fewer has the enumerated types of package app with a value less.
package fewer

// A Mood is how a customer feels.
type Mood string

// The moods.
const (
	Glad Mood = "glad"
	Sad  Mood = "sad"
)

// A Rank is how good something is.
type Rank int

// The ranks.
const (
	Poor Rank = iota + 1
	Fair
)
