package testclient

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Packet is a Socket.IO packet without attachments.
type Packet struct {
	Type      byte   // '0' CONNECT to '4' CONNECT_ERROR
	Namespace string //
	ID        string // asks for an ack, or is that of one; or ""
	Data      string // JSON, or ""
}

// Parse takes a packet apart.
func Parse(text string) Packet {
	p := Packet{Type: text[0], Namespace: "/"}
	text = text[1:]
	if strings.HasPrefix(text, "/") {
		p.Namespace, text, _ = strings.Cut(text, ",")
	}
	n := len(text) - len(strings.TrimLeft(text, "0123456789"))
	p.ID, p.Data = text[:n], text[n:]
	return p
}

func (p Packet) head() string {
	if p.Namespace == "/" {
		return string(p.Type)
	}
	return string(p.Type) + p.Namespace + ","
}

// Connect joins a namespace. Auth is encoded as JSON unless it is nil. The
// error of a refusal is a [*Refused].
func (c *Client) Connect(nsp string, auth any) (id string, err error) {
	packet := Packet{Type: '0', Namespace: nsp}.head()
	if auth != nil {
		b, err := json.Marshal(auth)
		if err != nil {
			return "", err
		}
		packet += string(b)
	}
	if err := c.Send(packet); err != nil {
		return "", err
	}
	text, err := c.Next()
	if err != nil {
		return "", err
	}
	p := Parse(text)
	var answer struct{ SID string }
	switch {
	case p.Namespace == nsp && p.Type == '4':
		return "", &Refused{p.Data}
	case p.Namespace != nsp || p.Type != '0' || json.Unmarshal([]byte(p.Data), &answer) != nil:
		return "", fmt.Errorf("answer to CONNECT: %q", text)
	}
	return answer.SID, nil
}

// Refused is the data of a CONNECT_ERROR.
type Refused struct{ Data string }

func (e *Refused) Error() string { return e.Data }

// Emit sends an event.
func (c *Client) Emit(nsp, event string, args ...any) error { return c.emit(nsp, "", event, args) }

// Ask is Emit for an event that asks for an ack, which will have id 1.
func (c *Client) Ask(nsp, event string, args ...any) error { return c.emit(nsp, "1", event, args) }

// Answer sends an ack.
func (c *Client) Answer(nsp, id string, args ...any) error {
	b, err := json.Marshal(append([]any{}, args...))
	if err != nil {
		return err
	}
	return c.Send(Packet{Type: '3', Namespace: nsp}.head() + id + string(b))
}

func (c *Client) emit(nsp, id, event string, args []any) error {
	b, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		return err
	}
	return c.Send(Packet{Type: '2', Namespace: nsp}.head() + id + string(b))
}
