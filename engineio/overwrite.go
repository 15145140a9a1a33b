package engineio

import "bytes"

// Overwrite puts with where old, which is as long, occurs last in the message,
// for what is known only when everything else has been encoded. It must not be
// called any more once the message has been sent.
func (m *Message) Overwrite(old, with string) {
	body := m.frame[m.body:]
	if i := bytes.LastIndex(body, []byte(old)); i >= 0 && len(old) == len(with) {
		copy(body[i:], with)
	}
}
