package adminui

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func doorOf(t *testing.T, password string, cost int) *door {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return newDoor("admin", string(hash))
}

// apart has two addresses share no bucket, or together one.
func (d *door) apart(a, b string) {
	for d.bucket(parse(a)) == d.bucket(parse(b)) {
		d.seed = maphash.MakeSeed()
	}
}

func (d *door) together(a, b string) {
	for d.bucket(parse(a)) != d.bucket(parse(b)) {
		d.seed = maphash.MakeSeed()
	}
}

func TestAttemptsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doorOf(t, "right", bcrypt.MinCost)
		knock := func(address, password string, want verdict) {
			t.Helper()
			if got := d.knock(t.Context(), address, "admin", password); got != want {
				t.Errorf("%q of %s: %v, want %v", password, address, got, want)
			}
		}
		for range 20 { // who knows it is not counted
			knock("192.0.2.1", "right", welcome)
		}
		for range attempts {
			knock("192.0.2.1", "wrong", mistaken)
		}
		knock("192.0.2.1", "right", tooMany)
		knock("::ffff:192.0.2.1", "right", tooMany)
		time.Sleep(attemptEvery)
		knock("192.0.2.1", "wrong", mistaken)
		knock("192.0.2.1", "wrong", tooMany)
		d.apart("2001:db8::", "192.0.2.1")
		for i := range attempts { // a /48 is one
			knock(fmt.Sprintf("2001:db8:0:%d::1", i), "wrong", mistaken)
		}
		knock("2001:db8::99", "right", tooMany)
		time.Sleep(attempts * attemptEvery)
		knock("2001:db8::99", "right", welcome)
		if d.knock(t.Context(), "198.51.100.1", "root", "right") != mistaken {
			t.Error("another name is let in")
		}
	})
}

// However many addresses try, checking takes a tenth of a core.
func TestAttemptsOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doorOf(t, "right", bcrypt.MinCost)
		const cost = 50 * time.Millisecond
		checked, seconds := 0, 100
		for i := range seconds {
			for j := range 100 {
				d.cost = cost // time does not pass meanwhile
				if b, ok := d.admit(netip.AddrFrom4([4]byte{10, 0, byte(i), byte(j)}), time.Now()); ok {
					checked++
					d.settle(b, cost, false)
				}
			}
			time.Sleep(time.Second)
		}
		most := int((burst+time.Duration(share*float64(seconds)*float64(time.Second)))/cost) + 1
		if checked > most || checked < most/2 {
			t.Errorf("%d were checked, want about %d", checked, most)
		}
	})
}

// Who has been let in need not care how many others try, also if one of these shares the bucket.
func TestKnownAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doorOf(t, "right", bcrypt.MinCost)
		const known, stranger = "192.0.2.1", "198.51.100.1"
		d.together(known, stranger)
		knock := func(address, password string, want verdict) {
			t.Helper()
			if got := d.knock(t.Context(), address, "admin", password); got != want {
				t.Errorf("%q of %s: %v, want %v", password, address, got, want)
			}
		}
		knock(known, "right", welcome)
		for range attempts {
			knock(stranger, "wrong", mistaken)
		}
		knock(stranger, "right", tooMany)
		knock(known, "right", welcome)
		time.Sleep(attempts * attemptEvery)
		d.spent, d.paid = 10*burst, time.Now()
		knock(stranger, "right", tooMany)
		knock(known, "right", welcome)
		for range attempts { // it has no more than others
			knock(known, "wrong", mistaken)
		}
		knock(known, "right", tooMany)
		time.Sleep(knownFor)
		d.spent, d.paid = 10*burst, time.Now()
		knock(known, "right", tooMany)
	})
}

func TestKnownAddressesAreBounded(t *testing.T) {
	d := doorOf(t, "right", bcrypt.MinCost)
	now := time.Now()
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	for i := range 2 * maxKnown {
		d.know(addr(i), now.Add(time.Duration(i)))
		d.know(addr(0), now.Add(time.Duration(i)))
	}
	if d.known[addr(0)] == nil || d.known[addr(1)] != nil || d.known[addr(2*maxKnown-1)] == nil || len(d.known) != maxKnown {
		t.Errorf("%d are known, and not those of whom it was heard last", len(d.known))
	}
}

// One password is checked at a time, and who leaves does not wait.
func TestTurns(t *testing.T) {
	d := doorOf(t, "right", bcrypt.MinCost)
	d.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := d.knock(ctx, "192.0.2.1", "admin", "right"); got != tooMany {
			t.Errorf("who has left: %v", got)
		}
	})
	cancel()
	wg.Wait()
	<-d.turn
	if got := d.knock(t.Context(), "192.0.2.1", "admin", "right"); got != welcome {
		t.Errorf("the next one: %v", got)
	}
}

func TestSessions(t *testing.T) {
	key := newSessionKey(&Options{Username: "admin", PasswordHash: "hash", Namespace: "/admin"})
	now := time.Unix(1_700_000_000, 0)
	id := key.issue(now.Add(time.Hour))
	if id == key.issue(now.Add(time.Hour)) {
		t.Error("two sessions have the same id")
	}
	if until, ok := key.check(id, now); !ok || !until.Equal(now.Add(time.Hour)) {
		t.Errorf("until %v, %t", until, ok)
	}
	if _, ok := key.check(id, now.Add(time.Hour)); ok {
		t.Error("a session is valid that is over")
	}
	for i := range len(id) {
		b := []byte(id)
		if b[i]++; b[i] > 'z' {
			b[i] = 'a'
		}
		if _, ok := key.check(string(b), now); ok {
			t.Errorf("valid with another character %d", i)
		}
	}
	for _, other := range []Options{
		{Username: "admin", PasswordHash: "other", Namespace: "/admin"}, {Username: "root", PasswordHash: "hash", Namespace: "/admin"}, {Username: "admin", PasswordHash: "hash", Namespace: "/x"},
	} {
		if _, ok := newSessionKey(&other).check(id, now); ok {
			t.Errorf("valid for %+v", other)
		}
	}
}
