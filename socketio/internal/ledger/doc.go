// Package ledger keeps the books of a namespace whose clients may come back: which
// events are kept, who was in which room when, what each client has been sent, and who is
// away.
//
// An event's place in the [Log] is its number. [Rooms] notes between which numbers a
// client was in a room. Where an event gets its number in the section that picks its
// recipients, and rooms are joined and left in sections of the same lock, the two tell
// exactly what a client was sent, or would have been: a [Membership] says that, and
// what the client has of it.
//
// The files: log.go (which events are kept), offset.go (how an offset looks), rooms.go
// (who was where), client.go (what a client was sent, and what was meant for it), marks.go
// (strings that it may take for offsets), away.go (who has left).
//
// Nothing here knows of sockets, or sends anything. All methods are to be called under
// one lock of the caller's, but for those of Rooms, which has its own, the innermost, and
// for Log.Seq, Offset, Hash and Taken.
package ledger

import "math"

// never is later than every event.
const never = math.MaxUint64
