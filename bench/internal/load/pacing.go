package load

import "time"

// A pacing is a run of messages that are due at fixed times, whether or not those
// before have arrived.
type pacing struct {
	interval     time.Duration
	first, total int       // the first message that is measured, and how many there are
	start        time.Time // the message numbered 0 is due
	sent         int
	missing      int // that have not arrived
	latencies    []time.Duration
}

// newPacing returns one of rate messages a second, of which each goes to so many.
func newPacing(rate int, w Window, receivers int) *pacing {
	p := &pacing{interval: time.Second / time.Duration(rate)}
	p.first = int(w.Warm / p.interval)
	p.total = p.first + int(w.Measured/p.interval)
	p.missing = p.total * receivers
	p.latencies = make([]time.Duration, 0, p.missing)
	return p
}

func (p *pacing) due(seq int) time.Time { return p.start.Add(time.Duration(seq) * p.interval) }

// arrived counts a message that a client has got.
func (p *pacing) arrived(seq int) {
	if seq >= p.first {
		p.latencies = append(p.latencies, time.Since(p.due(seq)))
	}
	p.missing--
}

// pace has each message sent when it is due, waits for those that are missing, and
// returns what became of them.
func (c *Crowd) pace(p *pacing, send func(seq int)) (*Sample, error) {
	var begin reading
	p.start = time.Now()
	for p.sent < p.total {
		if p.sent == p.first {
			var err error
			if begin, err = c.server.read(); err != nil {
				return nil, err
			}
		}
		if wait := time.Until(p.due(p.sent)); wait > 0 {
			if err := c.loop.poll(wait); err != nil {
				return nil, err
			}
			continue
		}
		p.sent++
		send(p.sent - 1)
	}
	end, err := c.server.read()
	if err != nil {
		return nil, err
	}
	c.sample.Ops = len(p.latencies)
	c.sample.since(begin, end)
	if err := c.drain(&p.missing); err != nil {
		return nil, err
	}
	c.sample.Lost += p.missing
	c.sample.Latency = newLatency(p.latencies)
	sample := c.sample
	c.calm()
	return sample, nil
}
