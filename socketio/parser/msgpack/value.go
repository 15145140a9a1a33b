package msgpack

import (
	"bytes"
	"slices"
)

// AppendValue appends the MessagePack of a JSON value to dst, with attachments in the place
// of their placeholders, as packets are encoded. The JSON has to be valid, and may be
// nested 1024 deep. It fails only if it is not, or too large; then it returns dst as it was.
func AppendValue(dst, json []byte, attachments [][]byte) ([]byte, error) {
	w := writers.Get().(*writer)
	defer w.release()
	w.out = dst
	if err := w.payload(json, attachments); err != nil {
		return dst, err
	}
	return w.out, nil
}

// ReadValue makes JSON of one MessagePack value, as packets are decoded, with placeholders
// for attachments, which alias data. Both are bounded as those of packets are. The error is
// a [parser.Error].
func ReadValue(data []byte) (json []byte, attachments [][]byte, err error) {
	r := newReader(data)
	defer r.release()
	switch err := r.value(0); {
	case err != nil:
		return nil, nil, err
	case len(r.in) > 0:
		return nil, nil, errTrailing
	case r.lookalike && len(r.bins) > 0:
		return nil, nil, errPlaceholder
	}
	for i, b := range r.bins {
		r.bins[i] = slices.Clip(b)
	}
	return bytes.Clone(r.out), r.bins, nil
}
