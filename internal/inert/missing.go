package inert

// Missing returns the message with which an adapter's Context panics if it has no context
// to return: a nil context would fail at its first use, and not say why. Forgotten tells
// whether the request is not kept at all.
func Missing(adapter string, forgotten bool) string {
	if forgotten {
		return adapter + ".Context: Options.ForgetRequest keeps none; HandlerWith takes what is wanted of it, and Lookup tells"
	}
	return adapter + ".Context: the connection came in by another way than " + adapter + "'s Handler, HandlerWith, Register or Middleware; Lookup tells"
}
