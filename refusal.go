package sio

import (
	"encoding/json"
	"errors"
	"net/http"
)

// A Refusal is what a client hears over HTTP of an error for which no connection was
// made, whichever framework answers: {"code":4,"message":"Forbidden"}, as from the
// reference server.
type Refusal struct {
	Status  int
	Message string
	Err     error // never sent
}

// RefusalOf returns the refusal for an error of a capture function: 403, or the status
// of an error that has a method StatusCode() int; with the Message of an [Error], or
// else what the status is called.
func RefusalOf(err error) *Refusal {
	r := &Refusal{Status: http.StatusForbidden, Err: err}
	var coder interface{ StatusCode() int }
	if errors.As(err, &coder) {
		if status := coder.StatusCode(); status >= 400 && status <= 599 {
			r.Status = status
		}
	}
	r.Message = http.StatusText(r.Status)
	var known *Error
	if errors.As(err, &known) && known != nil {
		r.Message = known.Message
	}
	return r
}

// Error is for logs.
func (r *Refusal) Error() string { return "refused: " + r.Err.Error() }

// Unwrap returns r.Err.
func (r *Refusal) Unwrap() error { return r.Err }

// StatusCode returns r.Status.
func (r *Refusal) StatusCode() int { return r.Status }

// codeForbidden is the reference server's for what an application refuses.
const codeForbidden = 4

// MarshalJSON returns the body of the answer.
func (r *Refusal) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{codeForbidden, r.Message})
}

// ServeHTTP answers a request.
func (r *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	body, _ := r.MarshalJSON() // cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.Status)
	_, _ = w.Write(body) // the client may go
}
