package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// story returns what two servers have emitted, a of which was killed, and what three clients
// have got, which is what they were due: ann was on a, and has come back to b.
//
//	position 10  a/1 to everybody
//	         20  b/1 to red
//	         30  a/2 to blue, which bob joins about then
//	         40  b/2 to red and blue
//	         50  a/3 to red
//	             a/4 to red, which a has taken with it
//	             b/3 to cid, which Emit has refused
//	         60  b/4 to blue, which bob has left
//	         70  b/5 to everybody
func story() (map[string]*origin, []*record) {
	dead := time.Unix(1000, 0)
	at := func(before time.Duration) time.Time { return dead.Add(-before) }
	origins := map[string]*origin{
		"a": {killed: dead, events: []emitted{
			{everybody, at(5 * time.Second), true}, {"blue", at(4 * time.Second), true},
			{"red", at(3 * time.Second), true}, {"red", at(100 * time.Millisecond), true},
		}},
		"b": {events: []emitted{
			{"red", at(5 * time.Second), true}, {"red+blue", at(4 * time.Second), true},
			{"cid", at(3 * time.Second), false}, {"blue", at(2 * time.Second), true}, {everybody, at(0), true},
		}},
	}
	got := func(origin string, n int, pos uint64) step { return step{event: number{origin, n}, pos: pos} }
	return origins, []*record{
		{name: "ann", always: []string{everybody, "red"}, inside: map[string]bool{}, steps: []step{
			got("a", 1, 10), got("b", 1, 20), got("b", 2, 40),
			got("a", 3, 50), got("a", 4, 0), // which was sent before it was in the journal
			{what: present}, got("b", 5, 70),
		}},
		{name: "bob", always: []string{everybody}, inside: map[string]bool{}, steps: []step{
			got("a", 1, 10), {what: joining, room: "blue"}, {what: joined, room: "blue"}, got("b", 2, 40),
			{what: leaving, room: "blue"}, {what: left, room: "blue"}, got("b", 5, 70),
		}},
		{name: "cid", always: []string{everybody, "cid"}, steps: []step{{what: began}, got("b", 5, 70)}},
	}
}

// TestCheck doctors a story that is right.
func TestCheck(t *testing.T) {
	drop := func(r *record, origin string, n int) {
		r.steps = slices.DeleteFunc(r.steps, func(s step) bool { return s.what == received && s.event == number{origin, n} })
	}
	index := func(r *record, origin string, n int) int {
		return slices.IndexFunc(r.steps, func(s step) bool { return s.what == received && s.event == number{origin, n} })
	}
	add := func(r *record, behind int, s step) { r.steps = slices.Insert(r.steps, behind+1, s) }
	for _, test := range []struct {
		name   string
		doctor func(map[string]*origin, []*record)
		want   fault // "" if it is right
		text   string
	}{
		{"nothing", func(map[string]*origin, []*record) {}, "", ""},
		{"an event of who lives on is missing", func(_ map[string]*origin, c []*record) { drop(c[0], "b", 1) }, missing, "ann has not got b/1 to red"},
		{"an event of the dead that others have got", func(_ map[string]*origin, c []*record) { drop(c[0], "a", 1) }, missing, "ann has not got a/1"},
		{"one that nobody has got, between others", func(_ map[string]*origin, c []*record) {
			drop(c[0], "b", 2)
			drop(c[1], "b", 2)
		}, missing, "ann has not got b/2 to red+blue, at 21 to 69"},
		{"the last one", func(_ map[string]*origin, c []*record) { drop(c[2], "b", 5) }, "", ""}, // its session has no beginning then
		{"the last one of who was there", func(_ map[string]*origin, c []*record) { drop(c[1], "b", 5) }, missing, "bob has not got b/5"},
		{"one in the room for sure", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "b", 2), step{event: number{"a", 3}, pos: 50}) // to know where it is
			c[1].always = append(c[1].always, "red")
			drop(c[1], "a", 3)
		}, missing, "bob has not got a/3"},
		{"while it may have been in the room", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "a", 1)+2, step{event: number{"a", 2}, pos: 30})
		}, "", ""},
		{"a room that it has left", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "b", 5), step{event: number{"b", 4}, pos: 80})
		}, foreign, "bob has got b/4 to blue, at 80"},
		{"another one's", func(_ map[string]*origin, c []*record) {
			add(c[2], 1, step{event: number{"a", 3}, pos: 90})
		}, ambiguous, "a/3 is at 50, and at 90 for cid"},
		{"another room's", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "b", 2), step{event: number{"a", 3}, pos: 50})
		}, foreign, "bob has got a/3 to red, at 50"},
		{"one that nobody has emitted", func(_ map[string]*origin, c []*record) {
			add(c[0], index(c[0], "b", 5), step{event: number{"b", 6}, pos: 80})
		}, foreign, "ann has got b/6, which nobody has emitted"},
		{"twice", func(_ map[string]*origin, c []*record) {
			add(c[0], index(c[0], "b", 5), step{event: number{"b", 2}, pos: 40})
		}, twice, "ann has got b/2"},
		{"swapped, of one origin", func(_ map[string]*origin, c []*record) {
			i, j := index(c[0], "b", 1), index(c[0], "b", 2)
			c[0].steps[i], c[0].steps[j] = c[0].steps[j], c[0].steps[i]
		}, disorder, "ann has got b/1 behind 2"},
		{"swapped, of two", func(_ map[string]*origin, c []*record) {
			i, j := index(c[0], "a", 1), index(c[0], "b", 1)
			c[0].steps[i], c[0].steps[j] = c[0].steps[j], c[0].steps[i]
		}, disorder, "ann has got a/1 at 10 behind 20"},
		{"a room forgotten", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "b", 2)-1, step{what: present})
		}, rooms, "bob is not in a room that it has joined: blue"},
		{"a room remembered", func(_ map[string]*origin, c []*record) {
			add(c[1], index(c[1], "b", 5), step{what: present, rooms: []string{"blue"}})
		}, rooms, "bob is in a room that it has left"},
		{"a room forgotten with the server that has let it in just before", func(_ map[string]*origin, c []*record) {
			changed := time.Unix(1000, 0)
			c[1].steps[2].at = changed
			drop(c[1], "b", 2)
			c[1].steps = slices.Insert(c[1].steps, 3, step{what: cut, at: changed.Add(slackOf["redis"].change - 1)}, step{what: present})
			c[1].steps = slices.DeleteFunc(c[1].steps, func(s step) bool { return s.what == leaving || s.what == left })
		}, "", ""},
		{"and some time before", func(_ map[string]*origin, c []*record) {
			changed := time.Unix(1000, 0)
			c[1].steps[2].at = changed
			c[1].steps = slices.Insert(c[1].steps, 3, step{what: cut, at: changed.Add(slackOf["redis"].change)}, step{what: present})
		}, rooms, "bob is not in a room that it has joined"},
		{"an old event went with its server", func(o map[string]*origin, _ []*record) {
			o["a"].events[3].at = o["a"].killed.Add(-2 * time.Second)
		}, gone, "a/4 was emitted 2s before the kill"},
		{"what went with it was of one who ended by itself", func(o map[string]*origin, c []*record) {
			o["a"].killed = time.Time{}
			drop(c[0], "a", 4)
		}, missing, "ann has not got a/4"},
		{"a new session is due what came behind its first event only", func(_ map[string]*origin, c []*record) {
			c[0].steps = slices.Insert(c[0].steps, 2, step{what: began})
			drop(c[0], "a", 4)
		}, "", ""},
		{"but that", func(_ map[string]*origin, c []*record) {
			c[0].steps = slices.Insert(c[0].steps, 1, step{what: began})
			drop(c[0], "b", 2)
		}, missing, "ann has not got b/2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			origins, clients := story()
			test.doctor(origins, clients)
			v := check(origins, clients, slackOf["redis"])
			if test.want == "" {
				if p := v.problem(); p != "" {
					t.Fatal(p)
				}
				return
			}
			if v.count[test.want] == 0 || !strings.Contains(v.problem(), test.text) {
				t.Errorf("not found: %s: %s\n%s", test.want, test.text, v.problem())
			}
		})
	}
}

// TestCheckAgain goes on where the check before has ended.
func TestCheckAgain(t *testing.T) {
	origins, clients := story()
	clients[1].steps = append(clients[1].steps, step{what: joining, room: "blue"}, step{what: joined, room: "blue"})
	if p := check(origins, clients, slackOf["redis"]).problem(); p != "" {
		t.Fatal(p)
	}
	next := func() map[string]*origin {
		return map[string]*origin{"b": {events: []emitted{{to: "blue", ok: true}, {to: everybody, ok: true}}}}
	}
	for _, c := range clients {
		c.steps = append(c.steps, step{event: number{"b", 2}, pos: 90})
	}
	v := check(next(), clients, slackOf["redis"])
	if v.count[missing] != 1 || !strings.Contains(v.problem(), "bob has not got b/1 to blue") {
		t.Errorf("the room is not known any more: %q", v.problem())
	}
}
