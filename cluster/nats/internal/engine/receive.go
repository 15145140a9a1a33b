package engine

// collect makes room for messages that come, until Close. Those that can't be delivered
// in time are dropped.
func (e *Engine) collect() {
	for {
		select {
		case m := <-e.msgs:
			if !e.inbox.push(event{msg: m}, len(m.Data)+len(m.Subject)+overhead) {
				e.r.Missed(1, errSlow)
			}
		case <-e.ctx.Done():
			return
		}
	}
}

// receive tells the receiver of messages, and when the engine goes and comes, in order,
// until Close.
func (e *Engine) receive() {
	for e.wait(e.inbox.wake) {
		for e.ctx.Err() == nil {
			ev, ok := e.inbox.pop()
			if !ok {
				break
			}
			switch {
			case ev.msg != nil:
				e.r.Receive(ev.msg.Sub.Subject, ev.msg.Subject, ev.msg.Data)
			case ev.away != nil:
				e.r.Away(ev.away)
			default:
				e.r.Back()
			}
		}
	}
}

// Reached tells the receiver that others can be reached that could not be before.
func (e *Engine) Reached() {
	if !e.gone.Load() {
		e.inbox.push(event{}, 0)
		nudge(e.returned)
	}
}
