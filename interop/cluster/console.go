package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"sync"
)

// A command is what a test wants done, and to whom.
type command struct {
	Do       string
	Nsp      string
	To       []string
	Except   []string
	Local    bool
	Volatile bool
	Compress *bool
	Timeout  int // in ms

	Event  string
	Args   []any
	Rooms  []string
	Close  bool
	Action string // of remote

	Notice, Period, PerSecond int // of drain; in ms
}

// A console is what the test that has started this program reads.
type console struct {
	mu  sync.Mutex // protects the following
	out *json.Encoder
}

func (c *console) say(line map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.Encode(line); err != nil {
		log.Fatal(err)
	}
}

func (c *console) report(what, nsp string, args []any) {
	c.say(map[string]any{"report": what, "nsp": nsp, "args": tagged(args)})
}

// maxLine is enough for large events.
const maxLine = 1 << 24

// obey does what the lines say, until there are no more and all is done.
func (c *console) obey(r io.Reader, do func(command) (any, error)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var line struct {
			ID  int
			Run []command
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		wg.Go(func() { // ends when all is done
			var result any
			for _, next := range line.Run {
				var err error
				if result, err = do(next); err != nil {
					c.say(map[string]any{"id": line.ID, "error": err.Error()})
					return
				}
			}
			c.say(map[string]any{"id": line.ID, "result": tagged(result)})
		})
	}
	return lines.Err()
}
