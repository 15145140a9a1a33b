package engineio

// Memory returns what is counted as waiting to be sent, and as held of what has come.
func (s *Server) Memory() (queued, held int64) { return s.queued.used.Load(), s.intakes.used.Load() }
