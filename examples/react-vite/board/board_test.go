package board

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// enter joins a board, and takes what everybody gets first.
func enter(t *testing.T, srv *sio.Server, name string) (c *siotest.Client, tasks []Task) {
	t.Helper()
	c = siotest.Connect(t, srv, &siotest.Options{Auth: Person{name}})
	c.Expect("board").Bind(&tasks)
	c.Expect("people")
	return c, tasks
}

func TestBoard(t *testing.T) {
	srv := NewServer()
	siotest.Cleanup(t, srv)
	ada, tasks := enter(t, srv, "Ada")
	bob, _ := enter(t, srv, "Bob")
	ada.Expect("people").Is([]string{"Ada", "Bob"})

	task := siotest.Call[Task](ada, "task:add", NewTask{Title: "Write", Priority: Low})
	if task.Title != "Write" || task.By != "Ada" || task.Done || task.At.IsZero() || task.ID <= tasks[len(tasks)-1].ID {
		t.Errorf("added: %+v", task)
	}
	bob.Expect("task:saved").Is(task)
	ada.Expect("task:saved").Is(task)

	siotest.Call[Task](bob, "task:mark", Mark{task.ID, true})
	task.Done = true
	ada.Expect("task:saved").Is(task)
	siotest.Call[int](bob, "task:remove", task.ID)
	ada.Expect("task:removed").Is(task.ID)
	for _, event := range []string{"task:mark", "task:remove"} {
		var arg any = task.ID
		if event == "task:mark" {
			arg = Mark{ID: task.ID}
		}
		if err := bob.CallError(event, arg); err.Message != errNoTask.Message {
			t.Errorf("%s of a task that is gone: %v", event, err)
		}
	}
	bob.Close()
	ada.Expect("people").Is([]string{"Ada"})
}

func TestRules(t *testing.T) {
	srv := NewServer()
	siotest.Cleanup(t, srv)
	c, _ := enter(t, srv, "Ada")
	hours := func(n int) *int { return &n }
	for _, test := range []struct {
		task NewTask
		want string
	}{
		{NewTask{}, `argument 1 is invalid: title: required; priority: oneof=low normal high`},
		{NewTask{Title: strings.Repeat("é", 81), Priority: High}, `argument 1 is invalid: title: max=80`},
		{NewTask{Title: "T", Priority: "urgent"}, `argument 1 is invalid: priority: oneof=low normal high`},
		{NewTask{Title: "T", Priority: Low, Hours: hours(0)}, `argument 1 is invalid: estimate: min=1`},
		{NewTask{Title: "T", Priority: Low, Hours: hours(41)}, `argument 1 is invalid: estimate: max=40`},
	} {
		if err := c.CallError("task:add", test.task); err.Message != test.want {
			t.Errorf("%+v is refused with %q, want %q", test.task, err.Message, test.want)
		}
	}
	siotest.Call[Task](c, "task:add", NewTask{Title: strings.Repeat("é", 80), Priority: Low, Hours: hours(40)})
}

func TestFull(t *testing.T) {
	srv := NewServer()
	siotest.Cleanup(t, srv)
	c, tasks := enter(t, srv, "Ada")
	for range maxTasks - len(tasks) {
		siotest.Call[Task](c, "task:add", NewTask{Title: "One more", Priority: Low})
	}
	if err := c.CallError("task:add", NewTask{Title: "Too many", Priority: Low}); err.Message != "the board is full" {
		t.Errorf("refused with %v", err)
	}
}
