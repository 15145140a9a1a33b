package inert

// Missing returns what an adapter's Context panics with where there is none to return,
// since a nil context would fail at its first use, and not say why. Forgotten tells
// whether the request is not kept at all.
func Missing(adapter string, forgotten bool) string {
	if forgotten {
		return adapter + ".Context: Options.ForgetRequest keeps none; HandlerWith takes what is wanted of it, and Lookup tells"
	}
	return adapter + ".Context: the connection came in by another way than " + adapter + "'s Handler, HandlerWith, Register or Middleware; Lookup tells"
}
