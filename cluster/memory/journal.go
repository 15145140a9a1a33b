package memory

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

// A Journal is an [Engine] that is a [cluster.Journal]: that of its hub.
type Journal struct {
	*Engine
	jr cluster.JournalReceiver

	// Protected by hub.mu.
	told    uint64       // the position up to which entries have been handed over
	entries []wire.Entry // wait while it is cut off or frozen
}

// A record is that of a client.
type record struct {
	data  []byte
	until time.Time
}

// Journal returns another engine of the hub, with the hub's journal.
func (h *Hub) Journal() *Journal { return &Journal{Engine: h.Engine()} }

// Start implements [cluster.Engine].
func (j *Journal) Start(ctx context.Context, r cluster.Receiver) error {
	j.jr = r.(cluster.JournalReceiver)
	h := j.hub
	h.mu.Lock()
	j.jr.Gap(h.trimmed)
	for i, e := range h.kept {
		j.jr.Appended(h.trimmed+uint64(i)+1, e, true)
	}
	j.told = h.endLocked()
	h.journals = append(h.journals, j)
	h.mu.Unlock()
	return j.Engine.Start(ctx, r)
}

func (h *Hub) endLocked() uint64 { return h.trimmed + uint64(len(h.kept)) }

// Append implements [cluster.Journal].
func (j *Journal) Append(e wire.Entry) bool {
	h := j.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case j.closed || len(j.entries) == maxWaiting:
		return false
	case j.cut || j.frozen || h.halted:
		j.entries = append(j.entries, e)
	default:
		h.appendLocked(e)
	}
	return true
}

func (h *Hub) appendLocked(e wire.Entry) {
	h.kept = append(h.kept, e)
	for _, j := range h.journals {
		j.catchUpLocked()
	}
}

// catchUpLocked hands over what the journal has.
func (j *Journal) catchUpLocked() {
	if j.cut || j.closed {
		return
	}
	h := j.hub
	if j.told < h.trimmed {
		j.told = h.trimmed
		upTo := h.trimmed
		j.tell(func() { j.jr.Gap(upTo) })
	}
	for ; j.told < h.endLocked(); j.told++ {
		pos, e := j.told+1, h.kept[j.told-h.trimmed]
		j.tell(func() { j.jr.Appended(pos, e, false) })
	}
}

// flushEntriesLocked appends what waits, unless it has to wait on.
func (j *Journal) flushEntriesLocked() {
	if j.cut || j.frozen || j.hub.halted {
		return
	}
	j.catchUpLocked()
	for _, e := range j.entries {
		j.hub.appendLocked(e)
	}
	j.entries = nil
}

// Halt has nothing appended, as while a journal elects a leader, and Go goes on.
func (h *Hub) Halt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.halted = true
}

// Go undoes Halt.
func (h *Hub) Go() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.halted = false
	for _, j := range h.journals {
		j.flushEntriesLocked()
	}
}

// Trim drops all but the last entries.
func (h *Hub) Trim(last int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.kept) - last; n > 0 {
		h.kept = h.kept[n:]
		h.trimmed += uint64(n)
	}
}

// Heal implements [Engine.Heal].
func (j *Journal) Heal() {
	j.Engine.Heal()
	j.hub.mu.Lock()
	defer j.hub.mu.Unlock()
	j.flushEntriesLocked()
}

// Thaw implements [Engine.Thaw].
func (j *Journal) Thaw() {
	j.Engine.Thaw()
	j.hub.mu.Lock()
	defer j.hub.mu.Unlock()
	j.flushEntriesLocked()
}

// Kill ends the engine as if its process were killed: what waits is lost.
func (j *Journal) Kill() {
	h := j.hub
	h.mu.Lock()
	j.cut, j.out, j.entries = true, nil, nil
	for c := range j.subs {
		h.removeLocked(c, j.Engine)
	}
	h.mu.Unlock()
}

// Close implements [cluster.Engine].
func (j *Journal) Close() error {
	j.hub.mu.Lock()
	j.frozen = false
	j.flushEntriesLocked()
	j.hub.mu.Unlock()
	return j.Engine.Close()
}

// Offset implements [cluster.Journal].
func (j *Journal) Offset(pos uint64) string { return "m" + strconv.FormatUint(pos, 36) }

// Position implements [cluster.Journal].
func (j *Journal) Position(offset string) (uint64, bool) {
	if offset == "" || offset[0] != 'm' {
		return 0, false
	}
	pos, err := strconv.ParseUint(offset[1:], 36, 64)
	return pos, err == nil && j.Offset(pos) == offset
}

// Find implements [cluster.Journal].
func (j *Journal) Find(_ context.Context, pid string) ([]byte, error) {
	h := j.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if j.cut {
		return nil, ErrCut
	}
	return h.recordLocked(pid), nil
}

func (h *Hub) recordLocked(pid string) []byte {
	r, ok := h.records[pid]
	if ok && time.Now().After(r.until) {
		delete(h.records, pid)
		return nil
	}
	return r.data
}

// Replace implements [cluster.Journal].
func (j *Journal) Replace(_ context.Context, old []byte, by cluster.Record) (bool, error) {
	h := j.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if j.cut {
		return false, ErrCut
	}
	was := h.recordLocked(by.PID)
	switch {
	case was != nil && sameLease(was, by.Data): // the same again
		return true, nil
	case was == nil || !bytes.Equal(was, old):
		return false, nil
	}
	h.records[by.PID] = record{by.Data, time.Now().Add(by.TTL)}
	return true, nil
}

func sameLease(a, b []byte) bool {
	return len(a) >= wire.LeaseLen && len(b) >= wire.LeaseLen && bytes.Equal(a[:wire.LeaseLen], b[:wire.LeaseLen])
}

// Save implements [cluster.Journal].
func (j *Journal) Save(_ context.Context, records []cluster.Record) ([]bool, error) {
	h := j.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if j.cut {
		return nil, ErrCut
	}
	ok := make([]bool, len(records))
	for i, r := range records {
		was := h.recordLocked(r.PID)
		if ok[i] = was == nil && (r.New || r.Remove) || sameLease(was, r.Data); !ok[i] {
			continue
		}
		if r.Remove {
			delete(h.records, r.PID)
			continue
		}
		if h.records == nil {
			h.records = make(map[string]record)
		}
		h.records[r.PID] = record{r.Data, time.Now().Add(r.TTL)}
	}
	return ok, nil
}

// Records returns how many there are.
func (h *Hub) Records() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for pid := range h.records {
		h.recordLocked(pid)
	}
	return len(h.records)
}

// AllRecords returns them, in no particular order.
func (h *Hub) AllRecords() (all [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for pid := range h.records {
		if data := h.recordLocked(pid); data != nil {
			all = append(all, data)
		}
	}
	return all
}

// Entries returns what the journal has.
func (h *Hub) Entries() []wire.Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.kept)
}
