package siotest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
)

// open is what the first packet tells a client.
type open struct {
	SID        string
	MaxPayload int
}

// opened takes the first packet.
func opened(ps []packet) (o open, rest []packet, err error) {
	data, ok := bytes.CutPrefix(ps[0].data, []byte("0"))
	if err := json.Unmarshal(data, &o); !ok || err != nil || o.SID == "" {
		return o, nil, fmt.Errorf("the handshake is answered with %q", ps[0].data)
	}
	return o, ps[1:], nil
}

// A polling is the transport of that name.
type polling struct {
	http   http.Client
	opts   *Options
	open   open
	ctx    context.Context // of all requests
	cancel context.CancelFunc
}

func dialPolling(s *inMemory, o *Options) (transport, []packet, error) {
	p := &polling{http: http.Client{Transport: &http.Transport{DialContext: s.DialContext}}, opts: o}
	p.ctx, p.cancel = context.WithTimeout(context.Background(), o.Timeout)
	ps, err := p.read()
	if err == nil {
		p.open, ps, err = opened(ps)
	}
	p.cut()
	if err != nil {
		return nil, nil, err
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, ps, nil
}

func (p *polling) read() ([]packet, error) {
	payload, err := p.do(http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	var ps []packet
	for data := range bytes.SplitSeq(payload, []byte{separator}) {
		if len(data) > 0 && data[0] == 'b' {
			b, err := base64.StdEncoding.DecodeString(string(data[1:]))
			if err != nil {
				return nil, fmt.Errorf("the server has sent %q: %w", data, err)
			}
			ps = append(ps, packet{b, true})
			continue
		}
		ps = append(ps, packet{data: data})
	}
	return ps, nil
}

const separator = '\x1e'

// write makes as few requests as the server's limit admits.
func (p *polling) write(ps []packet) error {
	var body, next []byte
	for _, x := range ps {
		next = append(next[:0], x.data...)
		if x.binary {
			next = base64.StdEncoding.AppendEncode([]byte("b"), x.data)
		}
		if len(body) > 0 && len(body)+1+len(next) > p.open.MaxPayload {
			if _, err := p.do(http.MethodPost, body); err != nil {
				return err
			}
			body = nil
		}
		if len(body) > 0 {
			body = append(body, separator)
		}
		body = append(body, next...)
	}
	_, err := p.do(http.MethodPost, body)
	return err
}

// do makes a request. A status that is not 200 is the end of the session.
func (p *polling) do(method string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(p.ctx, method, address("http", "polling", p.open.SID, p.opts), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, p.opts.Header)
	if body != nil {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, &Error{Status: res.StatusCode, Message: string(b)}
	}
	return b, nil
}

// bye ends the GET that waits, too: there is nothing to be read any more.
func (p *polling) bye() error {
	_, err := p.do(http.MethodPost, []byte("1"))
	p.cancel()
	return err
}

func (p *polling) cut() {
	p.cancel()
	p.http.CloseIdleConnections()
}
