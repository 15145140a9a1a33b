// Package board is a board of tasks that all who look at it share. It is kept in memory.
package board

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/siokit/sio"
	siovalidate "github.com/siokit/sio/validate"
)

// maxTasks is how many tasks a board has: clients could fill the memory with them.
const maxTasks = 200

// A Priority says how soon a task is wanted.
type Priority string

// The priorities.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
)

// A Person is who looks at the board. It is the auth payload.
type Person struct {
	Name string `json:"name" validate:"required,max=24"`
}

// A NewTask is what is wanted.
type NewTask struct {
	Title    string   `json:"title" validate:"required,max=80"`
	Priority Priority `json:"priority" validate:"oneof=low normal high"`
	// Hours is how long it may take, if that is known.
	Hours *int `json:"estimate,omitempty" validate:"omitempty,min=1,max=40"`
}

// A Task is on the board.
type Task struct {
	NewTask
	ID   int       `json:"id"`
	By   string    `json:"by"` // whose wish it is
	At   time.Time `json:"at"`
	Done bool      `json:"done"`
}

// A Mark says whether a task is done.
type Mark struct {
	ID   int  `json:"id"`
	Done bool `json:"done"`
}

// What clients send.
var (
	addTask    = sio.NewEventWithAck[NewTask, Task]("task:add")
	markTask   = sio.NewEventWithAck[Mark, Task]("task:mark")
	removeTask = sio.NewEventWithAck[int, int]("task:remove")
)

// What clients get.
var (
	allTasks    = sio.NewEvent[[]Task]("board")     // when they connect
	taskSaved   = sio.NewEvent[Task]("task:saved")  // one that is new, or has changed
	taskRemoved = sio.NewEvent[int]("task:removed") // its id
	whoIsHere   = sio.NewEvent[[]string]("people")  // their names, sorted
)

// errNoTask is what a client hears whose task somebody else has just removed.
var errNoTask = &sio.Error{Message: "this task is not there any more"}

// A board has one lock, which is held while clients are told: so they hear of changes in
// the order in which these are made. Emit does not wait for them.
type board struct {
	srv *sio.Server
	who sio.Key[Person]

	mu     sync.Mutex
	last   int // the id that was given last
	tasks  map[int]Task
	people map[string]string // names, by the ids of sockets
}

// NewServer returns the server of a new board. siogen makes src/events.ts of its contract.
func NewServer() *sio.Server {
	b := &board{
		srv:    sio.New(&sio.Options{Validator: siovalidate.New()}),
		who:    sio.NewKey[Person]("who"),
		tasks:  make(map[int]Task),
		people: make(map[string]string),
	}
	b.save(NewTask{Title: "Open this page in a second window", Priority: High}, "sio")
	b.save(NewTask{Title: "Stop the server, and start it again", Priority: Normal}, "sio")
	b.srv.Declare(allTasks, taskSaved, taskRemoved, whoIsHere)

	sio.OnConnect(b.srv, func(c *sio.Context, p Person) error { return b.who.Set(c, p) })
	b.srv.OnConnected(b.enter)
	b.srv.OnDisconnect(b.leave)
	addTask.On(b.srv, b.add)
	markTask.On(b.srv, b.mark)
	removeTask.On(b.srv, b.remove)
	return b.srv
}

func (b *board) enter(c *sio.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.people[c.ID()] = b.who.MustGet(c).Name
	tasks := slices.SortedFunc(maps.Values(b.tasks), func(x, y Task) int { return cmp.Compare(x.ID, y.ID) })
	return errors.Join(allTasks.Emit(c, tasks), b.tellWhoIsHere())
}

func (b *board) leave(c *sio.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.people, c.ID())
	return b.tellWhoIsHere()
}

func (b *board) tellWhoIsHere() error {
	return whoIsHere.Emit(b.srv, slices.Sorted(maps.Values(b.people)))
}

func (b *board) add(c *sio.Context, n NewTask) (Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tasks) >= maxTasks {
		return Task{}, &sio.Error{Message: "the board is full"}
	}
	t := b.save(n, b.who.MustGet(c).Name)
	return t, taskSaved.Emit(b.srv, t)
}

// save is called with the lock, or before there are clients.
func (b *board) save(n NewTask, by string) Task {
	b.last++
	t := Task{NewTask: n, ID: b.last, By: by, At: time.Now()}
	b.tasks[t.ID] = t
	return t
}

func (b *board) mark(_ *sio.Context, m Mark) (Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.tasks[m.ID]
	if !ok {
		return Task{}, errNoTask
	}
	t.Done = m.Done
	b.tasks[t.ID] = t
	return t, taskSaved.Emit(b.srv, t)
}

func (b *board) remove(_ *sio.Context, id int) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.tasks[id]; !ok {
		return 0, errNoTask
	}
	delete(b.tasks, id)
	return id, taskRemoved.Emit(b.srv, id)
}
