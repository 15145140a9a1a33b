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
	// need not care how many others try.
	knownFor = 24 * time.Hour
	// doorBuckets bounds what is known of addresses. Several may share one.
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
	spent   time.Duration // by checking passwords, but for what time has paid back
	paid    time.Time     // when that was reckoned
	cost    time.Duration // of a check
}

// A bucket counts the attempts of an address.
type bucket struct {
	failed time.Time // attempts are free when that is past; each failure puts it off. Zero: none
	known  time.Time // until when
}

func newDoor(username, hash string) *door {
	return &door{
		username: sha256.Sum256([]byte(username)),
		hash:     []byte(hash),
		seed:     maphash.MakeSeed(),
		turn:     make(chan struct{}, 1),
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
	b := d.bucket(address)
	if !d.admit(b, time.Now()) {
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
	ok := subtle.ConstantTimeCompare(name[:], d.username[:]) == 1 && !wrong
	d.settle(b, took, ok)
	if !ok {
		return mistaken
	}
	return welcome
}

func (d *door) bucket(address string) *bucket {
	return &d.buckets[maphash.Comparable(d.seed, network(address))%doorBuckets]
}

// network returns what an attempt is counted for: of IPv6 whoever has a /48, which anybody can
// get, and with it enough networks to take all checks that there are.
func network(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap()
	bits := 48
	if a.Is4() {
		bits = 32
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// admit counts an attempt, as one that fails, or reports false.
func (d *door) admit(b *bucket, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.failed.Before(now) {
		b.failed = now
	}
	if b.failed.Sub(now) > (attempts-1)*attemptEvery {
		return false
	}
	d.spent = max(0, d.spent-time.Duration(float64(now.Sub(d.paid))*share))
	d.paid = now
	if d.spent > 0 && d.spent+d.cost > burst && !now.Before(b.known) {
		return false
	}
	d.spent += d.cost
	b.failed = b.failed.Add(attemptEvery)
	return true
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
		b.known = time.Now().Add(knownFor)
	}
}
