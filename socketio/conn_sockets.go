package socketio

import "slices"

// manySockets is from how many sockets on a list of them is not searched.
const manySockets = 16

// sockets are those of one client, each in a namespace of its own. Most clients
// have one.
type sockets struct {
	list    []*Socket          // in the order of their CONNECTs
	index   map[string]*Socket // by namespace; nil while there are few
	dynamic int                // how many are in dynamic namespaces
}

// in returns the socket in a namespace, or nil.
func (ss *sockets) in(nsp string) *Socket {
	if ss.index != nil {
		return ss.index[nsp]
	}
	for _, s := range ss.list {
		if s.nsp.name == nsp {
			return s
		}
	}
	return nil
}

func (ss *sockets) add(s *Socket) {
	ss.list = append(ss.list, s)
	if s.nsp.parent != nil {
		ss.dynamic++
	}
	switch {
	case ss.index != nil:
		ss.index[s.nsp.name] = s
	case len(ss.list) == manySockets:
		ss.index = make(map[string]*Socket)
		for _, s := range ss.list {
			ss.index[s.nsp.name] = s
		}
	}
}

// remove reports whether s was there.
func (ss *sockets) remove(s *Socket) bool {
	if ss.in(s.nsp.name) != s {
		return false
	}
	delete(ss.index, s.nsp.name)
	if s.nsp.parent != nil {
		ss.dynamic--
	}
	i := slices.Index(ss.list, s)
	ss.list = slices.Delete(ss.list, i, i+1)
	return true
}
