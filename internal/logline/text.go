package logline

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns what a log may have of a text that a peer has chosen: no more than limit
// bytes of it, in one line, and with escapes in place of what is not printable, such as
// what moves a terminal's cursor or turns the direction of a text.
func Text(s string, limit int) string {
	more := ""
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s, more = s[:limit], "…"
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		s = strconv.Quote(s)
		s = s[1 : len(s)-1]
	}
	return s + more
}

// Limits of texts, in bytes.
const (
	NameLimit  = 64 // of events and namespaces
	AddrLimit  = 64
	PathLimit  = 128
	ErrorLimit = 2 << 10
)

// Error returns err, or if a log must not have its text as it is, an error that wraps it.
func Error(err error) (fit error) {
	if err == nil {
		return nil
	}
	defer func() { // a pointer that is nil, which zerolog sees, too
		if recover() != nil {
			fit = err
		}
	}()
	text := err.Error()
	if short := Text(text, ErrorLimit); short != text {
		return fitted{short, err}
	}
	return err
}

type fitted struct {
	text string
	err  error
}

func (e fitted) Error() string { return e.text }

func (e fitted) Unwrap() error { return e.err }
