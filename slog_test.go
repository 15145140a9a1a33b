package sio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/siotest"
)

// records is a handler of slog that keeps what it is given.
type records struct {
	level *slog.LevelVar
	attrs []slog.Attr
	to    *recorded
}

type recorded struct {
	mu   sync.Mutex
	list []slog.Record
}

func newRecords(level slog.Level) records {
	r := records{level: new(slog.LevelVar), to: new(recorded)}
	r.level.Set(level)
	return r
}

func (r records) Enabled(_ context.Context, l slog.Level) bool { return l >= r.level.Level() }

func (r records) Handle(_ context.Context, rec slog.Record) error {
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	rec = rec.Clone()
	rec.AddAttrs(r.attrs...)
	r.to.list = append(r.to.list, rec)
	return nil
}

func (r records) WithAttrs(attrs []slog.Attr) slog.Handler {
	r.attrs = append(slices.Clip(r.attrs), attrs...)
	return r
}

func (r records) WithGroup(string) slog.Handler { panic("not called") }

func (r records) take() []slog.Record {
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	list := r.to.list
	r.to.list = nil
	return list
}

func attrsOf(rec slog.Record) map[string]slog.Value {
	m := make(map[string]slog.Value)
	rec.Attrs(func(a slog.Attr) bool { m[a.Key] = a.Value; return true })
	return m
}

// Each kind of field arrives as what it was, and the level as that of slog.
func TestSlogTypes(t *testing.T) {
	h := newRecords(-8)
	log := sio.SlogLogger(h.WithAttrs([]slog.Attr{slog.String("app", "chat")})).With().Timestamp().Logger()
	before := time.Now()
	log.Warn().Int("int", -7).Int64("large", math.MaxInt64).Uint64("uint", math.MaxUint64).Float64("float", 1.5).Bool("yes", true).Str("text", "é\n\"").
		Err(errors.New("boom")).Dur("took", 1500*time.Millisecond).Dict("who", zerolog.Dict().Int("n", 1).Dict("in", zerolog.Dict().Str("a", "b"))).
		Ints64("list", []int64{1, math.MaxInt64}).Any("nothing", nil).Bytes("stack", []byte("goroutine 1\n\tmain.go")).Msg("hello")
	recs := h.take()
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	rec := recs[0]
	if rec.Level != slog.LevelWarn || rec.Message != "hello" || rec.Time.Before(before) || rec.Time.After(time.Now()) {
		t.Errorf("%v %q at %v", rec.Level, rec.Message, rec.Time)
	}
	got := attrsOf(rec)
	for key, want := range map[string]slog.Value{
		"int": slog.Int64Value(-7), "large": slog.Int64Value(math.MaxInt64), "uint": slog.Uint64Value(math.MaxUint64), "float": slog.Float64Value(1.5),
		"yes": slog.BoolValue(true), "text": slog.StringValue("é\n\""), "took": slog.Int64Value(1500), "app": slog.StringValue("chat"), "nothing": slog.AnyValue(nil),
		"who":   slog.GroupValue(slog.Int("n", 1), slog.Group("in", slog.String("a", "b"))),
		"stack": slog.StringValue("goroutine 1\n\tmain.go"),
	} {
		if v := got[key]; !v.Equal(want) {
			t.Errorf("%s is %v (%v), want %v (%v)", key, v, v.Kind(), want, want.Kind())
		}
		delete(got, key)
	}
	if err, ok := got["error"].Any().(error); !ok || err.Error() != "boom" {
		t.Errorf("error is %#v", got["error"].Any())
	}
	if list, _ := got["list"].Any().([]any); len(list) != 2 || list[1] != json.Number("9223372036854775807") {
		t.Errorf("list is %#v", got["list"].Any())
	}
	if len(got) != 2 {
		t.Errorf("more attributes: %v", got)
	}
	log.Trace().Send()
	log.Debug().Send()
	log.Info().Send()
	log.Error().Send()
	log.Log().Send()
	log.Info().RawJSON("raw", []byte(`{"a`)).Msg("broken")
	var levels []slog.Level
	recs = h.take()
	for _, r := range recs {
		levels = append(levels, r.Level)
	}
	if want := []slog.Level{-8, slog.LevelDebug, slog.LevelInfo, slog.LevelError, slog.LevelInfo, slog.LevelInfo}; !slices.Equal(levels, want) {
		t.Errorf("levels %v, want %v", levels, want)
	}
	if line := attrsOf(recs[5])["line"].String(); !strings.Contains(line, `"message":"broken"`) {
		t.Errorf("a line that is no JSON: %q", line)
	}
}

// The handler's level holds at any time, and what is below it is not even begun.
func TestSlogLevel(t *testing.T) {
	h := newRecords(slog.LevelError)
	log := sio.SlogLogger(h)
	if log.Warn() != nil {
		t.Error("a warning is begun")
	}
	if n := testing.AllocsPerRun(100, func() { log.Debug().Str("a", "b").Msg("no") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h.level.Set(slog.LevelDebug)
	log.Debug().Msg("yes")
	if recs := h.take(); len(recs) != 1 || recs[0].Message != "yes" {
		t.Errorf("records %v", recs)
	}
}

// A cluster tells it, too.
func TestSlogCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRecords(slog.LevelInfo)
		e := memory.NewHub().Engine()
		cl, err := cluster.New(t.Context(), e, wire.Subjects(""), &cluster.Options{Logger: sio.SlogLogger(h)})
		if err != nil {
			t.Fatal(err)
		}
		e.Cut()
		synctest.Wait()
		e.Heal()
		synctest.Wait()
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
		recs := h.take()
		if len(recs) < 2 || recs[0].Level != slog.LevelWarn || attrsOf(recs[0])["component"].String() != "cluster" || attrsOf(recs[0])["error"].Any().(error).Error() != memory.ErrCut.Error() {
			t.Errorf("records %v", recs)
		}
	})
}

// A server with a handler of slog tells it what it would tell zerolog.
func TestSlogServer(t *testing.T) {
	h := newRecords(slog.LevelInfo)
	var text bytes.Buffer
	srv := newServer(t, &sio.Options{Logger: sio.SlogLogger(h)})
	failing(srv)
	c := siotest.Connect(t, srv)
	c.Emit("fail")
	c.Emit("panic")
	c.Call("ok")
	kinds := make(map[string]map[string]slog.Value)
	for _, r := range h.take() {
		kinds[r.Message] = attrsOf(r)
		if err := slog.NewTextHandler(&text, nil).Handle(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	failed, panicked := kinds["handler failed"], kinds["handler panicked"]
	if failed["component"].String() != "sio" || failed["event"].String() != "fail" || failed["error"].String() != "no database" {
		t.Errorf("attributes %v", failed)
	}
	if !strings.Contains(panicked["stack"].String(), "slog_test.go") && !strings.Contains(panicked["stack"].String(), "log_test.go") {
		t.Errorf("stack %v", panicked["stack"])
	}
	if kinds["socket connected"] == nil || !strings.Contains(text.String(), `level=ERROR msg="handler failed" component=sio`) {
		t.Errorf("lines\n%s", &text)
	}
}
