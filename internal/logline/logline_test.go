package logline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func logger(level zerolog.Level) (*Logger, *strings.Builder) {
	var b strings.Builder
	l := zerolog.New(&b).Level(level)
	return New(&l, "test"), &b
}

// Of a flood a few lines are written, others than who floods are heard, and other kinds
// count by themselves. In the next period the log says how many were left out.
func TestSparse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := logger(zerolog.InfoLevel)
		for i := range 1000 {
			l.Sparse(zerolog.WarnLevel, fmt.Sprintf("10.0.0.1:%d", i), "a").Msg("flood")
		}
		for range 3 {
			l.Sparse(zerolog.WarnLevel, "10.0.0.2:1", "a").Msg("other")
		}
		l.Sparse(zerolog.ErrorLevel, "10.0.0.1:1", "a", "b").Msg("kind")
		got := b.String()
		if flood, other, kind := strings.Count(got, "flood"), strings.Count(got, "other"), strings.Count(got, "kind"); flood != Burst/2 || other != 3 || kind != 1 {
			t.Errorf("%d of the flood, %d of another address, %d of another kind", flood, other, kind)
		}
		if n := strings.Count(got, fmt.Sprintf(`"left_out":%d`, 1000-Burst/2)); n != 1 {
			t.Errorf("%d lines say how many were left out:\n%s", n, got)
		}
		b.Reset()
		for i := range 1000 {
			l.Sparse(zerolog.WarnLevel, fmt.Sprintf("[2001:db8:0:%x::1]:1", i), "a").Msg("flood")
		}
		if n := strings.Count(b.String(), "flood"); n != Burst-Burst/2-3 {
			t.Errorf("%d lines of many addresses, with those that are there already", n)
		}
		time.Sleep(Period)
		b.Reset()
		l.Sparse(zerolog.WarnLevel, "10.0.0.1:1", "a").Msg("next")
		if got := b.String(); !strings.Contains(got, `"left_out":993`) {
			t.Errorf("the next period begins with %s", got)
		}
	})
}

// What is of a lower level, and perhaps not written, hides nothing.
func TestSparseByLevel(t *testing.T) {
	var b strings.Builder
	quiet := zerolog.New(&b).Level(zerolog.TraceLevel).Sample(zerolog.LevelSampler{DebugSampler: zerolog.RandomSampler(0)}) // as that of log/slog
	l := New(&quiet, "test")
	for i := range 100 {
		addr := fmt.Sprintf("10.0.0.%d:1", i)
		l.Sparse(zerolog.DebugLevel, addr, "a").Msg("debug")
		l.Sparse(zerolog.InfoLevel, addr, "a").Msg("info")
	}
	l.Sparse(zerolog.WarnLevel, "10.0.0.1:1", "a").Msg("warning")
	if got := b.String(); strings.Count(got, `"info"}`) != Burst || !strings.Contains(got, "warning") {
		t.Errorf("written:\n%s", got)
	}
}

// Who logs at debug gets all, and who logs less pays nothing.
func TestSparseLevels(t *testing.T) {
	l, b := logger(zerolog.DebugLevel)
	for range 100 {
		l.Sparse(zerolog.WarnLevel, "", "a").Msg("x")
	}
	if all, debug := strings.Count(b.String(), "\n"), strings.Count(b.String(), `"level":"debug"`); all != 100 || debug != 100-Burst/2 {
		t.Errorf("%d lines, %d of them at debug", all, debug)
	}
	l, b = logger(zerolog.ErrorLevel)
	if n := testing.AllocsPerRun(100, func() { l.Sparse(zerolog.WarnLevel, "10.0.0.1:1", "a").Msg("x") }); n != 0 || b.Len() > 0 {
		t.Errorf("%v allocations, %q", n, b)
	}
}

// Kinds without end share what is left, with those of their level.
func TestKindsAreBounded(t *testing.T) {
	l, b := logger(zerolog.InfoLevel)
	for i := range 10 * maxKinds {
		l.Sparse(zerolog.WarnLevel, "", "a", fmt.Sprint(i)).Msg("x")
	}
	if n := strings.Count(b.String(), "\n"); n != maxKinds+Burst/2 || len(l.kinds) > maxKinds+1 {
		t.Errorf("%d lines, %d kinds", n, len(l.kinds))
	}
	l.Sparse(zerolog.ErrorLevel, "", "rare").Msg("an error")
	if !strings.Contains(b.String(), "an error") {
		t.Error("a flood of warnings hides an error")
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 4, ""},
		{"/chat", 5, "/chat"},
		{"/chats", 5, "/chat…"},
		{"xéé", 4, "xé…"},
		{"日本語 ok", 64, "日本語 ok"},
		{"a\nb", 64, `a\nb`},
		{"\x1b[2J", 64, `\x1b[2J`},
		{"a\u202eb\u2066", 64, `a\u202eb\u2066`},
		{"\u2028\u0085", 64, `\u2028\u0085`},
		{"\xff\x00", 64, `\xff\x00`},
		{strings.Repeat("\xbf", 10), 4, "…"},
	} {
		if got := Text(tt.in, tt.limit); got != tt.want {
			t.Errorf("Text(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

// What is fit for a log stays as it is; other errors can still be told apart.
func TestError(t *testing.T) {
	plain := errors.New("no database")
	if Error(plain) != plain || Error(nil) != nil {
		t.Error("a plain error is changed")
	}
	if err := error((*fitted)(nil)); Error(err) != err {
		t.Error("a nil pointer is changed")
	}
	long := fmt.Errorf("parsing %s\n: %w", strings.Repeat("x", 1<<20), plain)
	got := Error(long)
	if text := got.Error(); len(text) > ErrorLimit+10 || strings.Contains(text, "\n") || !errors.Is(got, plain) {
		t.Errorf("%d bytes: %.100q", len(text), text)
	}
}
