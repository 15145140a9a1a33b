// Package odd has names that mean something in TypeScript, or nothing anywhere.
package odd

import (
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/interop/contract/server/app/fewer"
)

// These are types of TypeScript, or of what is generated.
type (
	Record        struct{ Is string }
	Partial       struct{ Is string }
	Omit          struct{ Is string }
	NonNullable   struct{ Is string }
	Array         struct{ Is []int }
	ArrayBuffer   struct{ Is []byte }
	Uint8Array    struct{ Is []byte }
	Binary        struct{ Is []byte }
	BinaryInput   struct{ Is []byte }
	Blob          struct{ Is []byte }
	Date          struct{ Is time.Time }
	Error         struct{ Is string }
	AckError      struct{ Is string }
	InvalidData   struct{ Is string }
	Promise       struct{ Is string }
	Object        struct{ Is string }
	Function      struct{ Is string }
	String        struct{ Is string }
	Number        struct{ Is int }
	Boolean       struct{ Is bool }
	Symbol        struct{ Is string }
	Socket        struct{ Is string }
	SocketOf      struct{ Is string }
	Connect       struct{ Is string }
	Namespaces    struct{ Is string }
	NamespaceName struct{ Is string }
	Auth          struct{ Is string }
	OddAuth       struct{ Is string }

	ClientToServerEvents    struct{ Is string }
	OddServerToClientEvents struct{ Is string }
)

// These are words of TypeScript.
type (
	class     struct{ Is string }
	enum      struct{ Is string }
	never     struct{ Is string }
	unknown   struct{ Is string }
	null      struct{ Is string }
	undefined struct{ Is string }
	object    struct{ Is string }
	number    struct{ Is int }
	symbol    struct{ Is string }
	void      struct{ Is string }
	this      struct{ Is string }
	await     struct{ Is string }
	keyof     struct{ Is string }
	Größe     struct{ Is string }
	日本        struct{ Is string }
	_hidden   struct{ Is string }
	T_1       struct{ Is string }
)

// Mood has a name that a type of another package has, too.
type Mood string

// The moods, of all sorts.
const (
	Its       Mood = "it's"
	Quoted    Mood = `"quoted" \ */`
	Lines     Mood = "two\nlines\u2028"
	Backticks Mood = "`${x}`"
	Crab      Mood = "🦀"
	None      Mood = ""
	Same      Mood = "it's" // again
)

// Offset is negative, and beyond what JavaScript has.
type Offset int64

// The offsets.
const (
	Before Offset = -1
	Far    Offset = 1 << 60
)

// A Ratio is no whole number.
type Ratio float64

// The ratios.
const (
	Half Ratio = 0.5
	Tiny Ratio = 1e-300
)

// Commented ends its comment: */ and has `ticks`, ${x}, @tags and <b>HTML</b>.
//
//	/* code */
//
// Deprecated: use something else.
type Commented struct {
	// A comment of a field. */
	Field  string `json:"field"`
	Beside Mood   `json:"beside"` // */ beside
	// Deprecated: not any more.
	Old Ratio   `json:"old"`
	Far *Offset `json:"far"`
}

// List and Dict hold nothing but themselves.
type (
	List []List
	Dict map[string]Dict
	Deep *Deep2
	// Deep2 is behind a pointer with a name.
	Deep2 struct{ Next Deep }
)

// Box is generic.
type Box[T any] struct{ In T }

// Server returns a server with an event for each of the types.
func Server() *sio.Server {
	srv := sio.New(nil)
	r := srv.Of("/odd")
	event[Record](r, "1")
	event[Partial](r, "2")
	event[Omit](r, "3")
	event[NonNullable](r, "4")
	event[Array](r, "5")
	event[ArrayBuffer](r, "6")
	event[Uint8Array](r, "7")
	event[Binary](r, "8")
	event[BinaryInput](r, "9")
	event[Blob](r, "10")
	event[Date](r, "11")
	event[Error](r, "12")
	event[AckError](r, "13")
	event[InvalidData](r, "14")
	event[Promise](r, "15")
	event[Object](r, "16")
	event[Function](r, "17")
	event[String](r, "18")
	event[Number](r, "19")
	event[Boolean](r, "20")
	event[Symbol](r, "21")
	event[Socket](r, "22")
	event[SocketOf](r, "23")
	event[Connect](r, "24")
	event[Namespaces](r, "25")
	event[NamespaceName](r, "26")
	event[Auth](r, "27")
	event[OddAuth](r, "28")
	event[ClientToServerEvents](r, "29")
	event[OddServerToClientEvents](r, "30")
	event[class](r, "31")
	event[enum](r, "32")
	event[never](r, "33")
	event[unknown](r, "34")
	event[null](r, "35")
	event[undefined](r, "36")
	event[object](r, "37")
	event[number](r, "38")
	event[symbol](r, "39")
	event[void](r, "40")
	event[this](r, "41")
	event[await](r, "42")
	event[keyof](r, "43")
	event[Größe](r, "44")
	event[日本](r, "45")
	event[_hidden](r, "46")
	event[T_1](r, "47")
	event[Mood](r, "mood")
	event[fewer.Mood](r, "other mood")
	event[map[Mood]fewer.Mood](r, "moods")
	event[[]*Offset](r, "offsets")
	event[Ratio](r, "ratio")
	event[Commented](r, "commented")
	event[List](r, "list")
	event[Dict](r, "dict")
	event[Deep](r, "deep")
	event[Box[Box[Mood]]](r, "box of boxes")
	event[Box[fewer.Mood]](r, "box of another")
	event[Box[struct{ A, B int }]](r, "box of an unnamed struct")
	event[Box[map[string][]*Record]](r, "box of a map")
	for _, name := range []string{"/a-b", "/a_b", "/A-B", "/日本", "/1", "/class", "/a b", "/a/b", "/*/", "/it's", "/`${x}`", "/odd/{a}/{b}", "/x{y}z"} {
		event[Mood](srv.Of(name), "mood")
	}
	return srv
}

func event[T any](r sio.Router, name string) {
	sio.OnWithAck(r, name, func(_ *sio.Context, v T) (T, error) { return v, nil })
	r.Declare(sio.NewEventWithAck[T, T](name))
}
