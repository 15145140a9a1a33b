package tunnel

// smallChunk is how much small frames are put together to.
const smallChunk = 4 << 10

// An inbox has what has come and was not read. What it takes is a few times as much as there
// is, however small the frames are.
type inbox struct {
	chunks [][]byte
	next   int  // of chunks
	own    bool // the last chunk was made here
}

// push adds data, which is the inbox's then.
func (q *inbox) push(data []byte) {
	if len(q.chunks) > q.next {
		last := &q.chunks[len(q.chunks)-1]
		if q.own && len(data) <= cap(*last)-len(*last) {
			*last = append(*last, data...)
			return
		}
		if len(data) < smallChunk/4 {
			q.chunks, q.own = append(q.chunks, append(make([]byte, 0, smallChunk), data...)), true
			return
		}
	}
	q.chunks, q.own = append(q.chunks, data), false
}

// pop moves data to p.
func (q *inbox) pop(p []byte) (n int) {
	for n < len(p) && q.next < len(q.chunks) {
		c := &q.chunks[q.next]
		k := copy(p[n:], *c)
		n += k
		if *c = (*c)[k:]; len(*c) == 0 {
			*c = nil
			q.next++
		}
	}
	if q.next == len(q.chunks) {
		q.chunks, q.next, q.own = q.chunks[:0], 0, false
	}
	return n
}

// free empties the inbox, and returns how much there was.
func (q *inbox) free() (n int) {
	for _, c := range q.chunks {
		n += len(c)
	}
	*q = inbox{}
	return n
}

func (q *inbox) empty() bool { return len(q.chunks) == 0 }
