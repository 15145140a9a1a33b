package adminui

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// An address has so many attempts, and another one after each attemptEvery.
	attempts     = 5
	attemptEvery = 10 * time.Second
	// share is the part of a core that checking passwords may take, in the long run; burst is
	// for how long it may take all of one before.
	share = 0.1
	burst = 2 * time.Second
	// knownFor is how long an address that an administrator has logged in from is known. It
	// has attempts of its own, and need not care how many others try. maxKnown bounds these.
	knownFor = 24 * time.Hour
	maxKnown = 256
	// doorBuckets bounds what is counted of the others.
	doorBuckets = 1024
)

// A door lets in who knows the password. It bounds what others can have it do.
type door struct {
	username [sha256.Size]byte // of which, so that its length does not show
	hash     []byte
	seed     maphash.Seed
	turn     chan struct{} // has room for who checks a password

	mu      sync.Mutex // protects the following
	buckets [doorBuckets]bucket
	known   map[netip.Addr]*bucket
	spent   time.Duration // by checking passwords, but for what time has paid back
	paid    time.Time     // when that was reckoned
	cost    time.Duration // of a check
}

// A bucket counts the attempts of an address.
type bucket struct {
	failed time.Time // attempts are free when that is past; each failure puts it off. Zero: none
	known  time.Time // until when, of an address that is
}

func newDoor(username, hash string) *door {
	return &door{
		username: sha256.Sum256([]byte(username)),
		hash:     []byte(hash),
		seed:     maphash.MakeSeed(),
		turn:     make(chan struct{}, 1),
		known:    make(map[netip.Addr]*bucket),
		cost:     burst / 20, // until one was checked
	}
}

type verdict int

const (
	welcome verdict = iota
	mistaken
	tooMany // it was not even looked at
)

// knock checks a password. It may wait for others to be checked.
func (d *door) knock(ctx context.Context, address, username, password string) verdict {
	addr := parse(address)
	b, ok := d.admit(addr, time.Now())
	if !ok {
		return tooMany
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		d.settle(b, 0, false)
		return tooMany
	}
	start := time.Now()
	wrong := bcrypt.CompareHashAndPassword(d.hash, []byte(password)) != nil
	took := time.Since(start)
	<-d.turn
	name := sha256.Sum256([]byte(username))
	ok = subtle.ConstantTimeCompare(name[:], d.username[:]) == 1 && !wrong
	d.settle(b, took, ok)
	if !ok {
		return mistaken
	}
	d.know(addr, time.Now())
	return welcome
}

// parse returns the zero Addr for what is none.
func parse(address string) netip.Addr {
	a, _ := netip.ParseAddr(address)
	return a.Unmap().WithZone("")
}

// bucket returns that of an address that is not known. Several may share one.
func (d *door) bucket(a netip.Addr) *bucket {
	return &d.buckets[maphash.Comparable(d.seed, network(a))%doorBuckets]
}

// network returns what an attempt is counted for: of IPv6 whoever has a /48, which anybody can
// get, and with it enough networks to take all checks that there are.
func network(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}

// know notes that an administrator has logged in from an address. If there are too many, the one
// is forgotten that nobody has logged in from for longest.
func (d *door) know(a netip.Addr, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.known[a]
	if b == nil {
		b = new(bucket)
		d.known[a] = b
	}
	b.known = now.Add(knownFor)
	for len(d.known) > maxKnown {
		oldest := a
		for other, b := range d.known {
			if b.known.Before(d.known[oldest].known) {
				oldest = other
			}
		}
		delete(d.known, oldest)
	}
}

// admit counts an attempt, as one that fails, and returns where, or reports false.
func (d *door) admit(a netip.Addr, now time.Time) (b *bucket, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b = d.known[a]
	known := b != nil && now.Before(b.known)
	if !known {
		b = d.bucket(a)
	}
	if b.failed.Before(now) {
		b.failed = now
	}
	if b.failed.Sub(now) > (attempts-1)*attemptEvery {
		return nil, false
	}
	d.spent = max(0, d.spent-time.Duration(float64(now.Sub(d.paid))*share))
	d.paid = now
	if d.spent > 0 && d.spent+d.cost > burst && !known {
		return nil, false
	}
	d.spent += d.cost
	b.failed = b.failed.Add(attemptEvery)
	return b, true
}

// settle corrects what admit has counted.
func (d *door) settle(b *bucket, took time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spent = max(0, d.spent+took-d.cost)
	if took > 0 {
		d.cost = took
	}
	if ok {
		b.failed = b.failed.Add(-attemptEvery)
	}
}
