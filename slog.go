package sio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rs/zerolog"
)

// SlogLogger returns a logger that hands its lines to h, for [Options].Logger and that of
// other packages:
//
//	sio.New(&sio.Options{Logger: sio.SlogLogger(slog.Default().Handler())})
//
// Fields become attributes with the values that JSON has: integers are int64, other numbers
// float64, objects groups, and the field "error" is an error with the text of what was
// logged. A duration is its number of milliseconds, unless zerolog is told otherwise. What
// h is not enabled for costs next to nothing, and h may change its mind at any time.
func SlogLogger(h slog.Handler) *zerolog.Logger {
	l := zerolog.New(slogWriter{h}).Level(zerolog.TraceLevel).Sample(slogSampler{h})
	return &l
}

// A slogSampler asks a handler before anything is made of a line.
type slogSampler struct{ h slog.Handler }

// Sample implements [zerolog.Sampler].
func (s slogSampler) Sample(l zerolog.Level) bool {
	return s.h.Enabled(context.Background(), slogLevel(l))
}

// slogLevel returns the level of slog. Between those that both have, it goes by steps of 4.
func slogLevel(l zerolog.Level) slog.Level {
	if l == zerolog.NoLevel {
		return slog.LevelInfo
	}
	return slog.Level(4 * (int(l) - int(zerolog.InfoLevel)))
}

// A slogWriter makes records of lines.
type slogWriter struct{ h slog.Handler }

// Write implements [zerolog.LevelWriter] for lines without a level.
func (w slogWriter) Write(p []byte) (int, error) { return w.WriteLevel(zerolog.NoLevel, p) }

// WriteLevel implements [zerolog.LevelWriter].
func (w slogWriter) WriteLevel(l zerolog.Level, p []byte) (int, error) {
	level := slogLevel(l)
	ctx := context.Background()
	if !w.h.Enabled(ctx, level) { // zerolog's sampling is off
		return len(p), nil
	}
	r := slog.NewRecord(time.Now(), level, "", 0)
	d := jsontext.NewDecoder(bytes.NewReader(p), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v, err := slogValue(d)
	if err != nil || v.Kind() != slog.KindGroup { // somebody has written raw JSON that is none
		r.Message = "malformed line of a log"
		r.AddAttrs(slog.String("line", string(bytes.TrimSpace(p))))
		return len(p), w.h.Handle(ctx, r)
	}
	for _, a := range v.Group() {
		text, isText := a.Value.Any().(string)
		switch {
		case a.Key == zerolog.LevelFieldName:
		case a.Key == zerolog.MessageFieldName && isText:
			r.Message = text
		case a.Key == zerolog.ErrorFieldName && isText:
			r.AddAttrs(slog.Any(a.Key, errors.New(text)))
		case a.Key == zerolog.TimestampFieldName: // the record has one
		default:
			r.AddAttrs(a)
		}
	}
	return len(p), w.h.Handle(ctx, r)
}

// slogValue reads a value of JSON.
func slogValue(d *jsontext.Decoder) (slog.Value, error) {
	switch d.PeekKind() {
	case '{':
		return slogGroup(d)
	case '[':
		raw, err := d.ReadValue()
		if err != nil {
			return slog.Value{}, err
		}
		list := json.NewDecoder(bytes.NewReader(raw))
		list.UseNumber()
		var values []any
		err = list.Decode(&values)
		return slog.AnyValue(values), err
	}
	t, err := d.ReadToken()
	if err != nil {
		return slog.Value{}, err
	}
	switch t.Kind() {
	case '"':
		return slog.StringValue(t.String()), nil
	case '0':
		if i, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return slog.Int64Value(i), nil
		}
		if u, err := strconv.ParseUint(t.String(), 10, 64); err == nil {
			return slog.Uint64Value(u), nil
		}
		f, err := strconv.ParseFloat(t.String(), 64)
		return slog.Float64Value(f), err
	case 't', 'f':
		return slog.BoolValue(t.Bool()), nil
	}
	return slog.AnyValue(nil), nil
}

func slogGroup(d *jsontext.Decoder) (slog.Value, error) {
	var attrs []slog.Attr
	if _, err := d.ReadToken(); err != nil {
		return slog.Value{}, err
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return slog.Value{}, err
		}
		name := key.String() // before the next read
		v, err := slogValue(d)
		if err != nil {
			return slog.Value{}, err
		}
		attrs = append(attrs, slog.Attr{Key: name, Value: v})
	}
	_, err := d.ReadToken()
	return slog.GroupValue(attrs...), err
}
