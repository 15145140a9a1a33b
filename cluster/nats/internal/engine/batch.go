package engine

import (
	"encoding/binary"
	"errors"

	"github.com/siokit/sio/cluster/wire"
)

var errBatch = errors.New("nats: what is in the journal is no entry")

const (
	batchVersion = 1
	writerLen    = 8
	// headerBytes is more than a message of the stream has beside the batch.
	headerBytes = 256
	// Entries that wait are appended together, as one message: a batch is a position of the
	// stream, and the entries in it are counted by the last bits of theirs.
	indexBits    = 10
	lastIndex    = 1<<indexBits - 1
	batchEntries = 1 << (indexBits - 1)
	batchBytes   = 64 << 10
)

// A writer says who has appended a batch: another one each time an engine is made.
type writer [writerLen]byte

func appendHead(dst []byte, w writer, number uint64) []byte {
	dst = append(dst, batchVersion)
	dst = append(dst, w[:]...)
	return binary.AppendUvarint(dst, number)
}

func cutHead(data []byte) (w writer, number uint64, rest []byte, err error) {
	if len(data) < 1+writerLen || data[0] != batchVersion {
		return w, 0, nil, errBatch
	}
	copy(w[:], data[1:])
	data = data[1+writerLen:]
	number, n := binary.Uvarint(data)
	if n <= 0 {
		return w, 0, nil, errBatch
	}
	return w, number, data[n:], nil
}

func appendEntry(dst []byte, e *wire.Entry) []byte {
	dst = binary.AppendUvarint(dst, e.Number)
	for _, s := range [...]string{e.UID, e.Nsp, e.Type, e.Data} {
		dst = append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	}
	return dst
}

// cutEntry reads the first of the entries that data has.
func cutEntry(data []byte, e *wire.Entry) (rest []byte, err error) {
	*e = wire.Entry{}
	number, n := binary.Uvarint(data)
	if n <= 0 {
		return nil, errBatch
	}
	e.Number, data = number, data[n:]
	for _, s := range [...]*string{&e.UID, &e.Nsp, &e.Type, &e.Data} {
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			return nil, errBatch
		}
		*s, data = string(data[n:n+int(size)]), data[n+int(size):]
	}
	return data, nil
}
