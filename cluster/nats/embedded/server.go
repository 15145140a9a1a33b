package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

const (
	defaultPort       = 6222
	defaultMaxPayload = 8 << 20

	// A peer that hangs is noticed when it has not answered one ping until the next is
	// due. Pings are most of what an idle server does.
	pingInterval = 5 * time.Second
	maxPings     = 1

	// connectRetries is for how many seconds a server tries to reach one that it has
	// only heard of from others: none of those is known to come back.
	connectRetries = 3600

	// noPort is none that can be listened on. Routes start only after the server has
	// tried to listen for clients, so DontListen, which skips that, leaves it without
	// routes.
	noPort = 1 << 16

	startTimeout    = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// user is whom other servers say that they are.
const user = "sio"

// start starts the server, and wakes the channel when the server has something of note to
// log. It returns what ends the server.
func start(o *Options, log zerolog.Logger, wake chan<- struct{}) (_ *server.Server, stop func() error, _ error) {
	so, err := o.server()
	if err != nil {
		return nil, nil, err
	}
	clean := func() error { return nil }
	if o.JetStream != nil {
		if err := o.useJetStream(so); err != nil {
			return nil, nil, err
		}
		if o.StoreDir == "" {
			clean = func() error { return os.RemoveAll(so.StoreDir) }
		}
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	stop = func() error { return errors.Join(shutdown(s), clean()) }
	l := &logger{log: log, fatal: make(chan error, 1), wake: wake}
	s.SetLoggerV2(l, log.GetLevel() <= zerolog.TraceLevel, false, false)
	routes := so.Cluster.Port != 0 // Start writes the port there, from another goroutine
	s.Start()
	timeout := time.After(startTimeout)
	for routes && s.ClusterAddr() == nil || o.JetStream != nil && !s.JetStreamEnabled() {
		select {
		case err = <-l.fatal:
		case <-timeout:
			err = errors.New("the server did not start in time")
		case <-time.After(time.Millisecond):
			continue
		}
		return nil, nil, errors.Join(err, stop())
	}
	return s, stop, nil
}

// shutdown ends the server. It may hang for as long as the name of a peer is looked up.
func shutdown(s *server.Server) error {
	done := make(chan struct{})
	go func() { // ends with the server
		s.Shutdown()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(shutdownTimeout):
		return errors.New("embedded: the server takes longer to end")
	}
}

// server returns the options of the server.
func (o *Options) server() (*server.Options, error) {
	listen := o.Listen
	if listen == "" {
		listen = net.JoinHostPort("", strconv.Itoa(defaultPort))
		if o.Secret == "" {
			listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(defaultPort))
		}
	}
	host, port, err := o.address("Listen", listen)
	if err != nil {
		return nil, err
	}
	name, err := o.name(host, port)
	if err != nil {
		return nil, err
	}
	so := &server.Options{
		ServerName:            name,
		Host:                  "127.0.0.1",
		Port:                  noPort,
		NoLog:                 true,
		NoSigs:                true,
		NoSystemAccount:       true,
		NoFastProducerStall:   true, // a peer that is slow must not make others wait
		MaxPayload:            int32(o.MaxPayload),
		MaxClosedClients:      16,
		ReconnectErrorReports: 60,
		Cluster: server.ClusterOpts{
			Name:           "sio",
			Host:           host,
			Port:           port,
			Advertise:      o.Advertise,
			PoolSize:       1, // all messages are of one account, and that has one route
			ConnectRetries: connectRetries,
			PingInterval:   pingInterval,
			MaxPingsOut:    maxPings,
			TLSConfig:      o.TLS,
		},
	}
	if so.MaxPayload == 0 {
		so.MaxPayload = defaultMaxPayload
	}
	if o.MaxPayload < 0 || o.MaxPayload > int(server.MAX_PAYLOAD_MAX_SIZE) {
		return nil, fmt.Errorf("MaxPayload is %d: it can be up to 8 MiB", o.MaxPayload)
	}
	var info *url.Userinfo
	if o.Secret != "" {
		info = url.UserPassword(user, password(o.Secret))
		so.Cluster.Username, so.Cluster.Password = user, password(o.Secret)
	}
	for _, peer := range o.Peers {
		addr, err := peerAddr(peer)
		if err != nil {
			return nil, err
		}
		so.Routes = append(so.Routes, &url.URL{Scheme: "nats-route", User: info, Host: addr})
	}
	if o.Client != "" {
		if so.Host, so.Port, err = o.address("Client", o.Client); err != nil {
			return nil, err
		}
		so.Authorization = o.Secret
		so.TLSConfig = o.TLS
	}
	return so, nil
}

// address splits an address to listen on. Without a Secret it has to be one that other
// machines can't reach.
func (o *Options) address(option, address string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", option, err)
	}
	if port, err = strconv.Atoi(p); err != nil || port < 0 || port >= noPort {
		return "", 0, fmt.Errorf("%s: %q is no port", option, p)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if ip := net.ParseIP(host); o.Secret == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("%s: without a Secret, %q can't be listened on: anyone who reaches it could join", option, address)
	}
	return host, port, nil
}

// peerAddr returns the address of a peer. What can't be one is refused here: the server would
// try to look it up for as long as it runs.
func peerAddr(peer string) (string, error) {
	host, port, err := net.SplitHostPort(peer)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(peer, "["), "]"), strconv.Itoa(defaultPort)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n >= noPort || host == "" || strings.ContainsAny(host, " \t\r\n/[]") {
		return "", fmt.Errorf("Peers: %q is no host, and no host:port", peer)
	}
	return net.JoinHostPort(host, port), nil
}

// password returns by what servers know each other. The server would take a secret that
// looks like the hash of a password for one.
func password(secret string) string {
	sum := sha256.Sum256([]byte("sio cluster " + secret))
	return hex.EncodeToString(sum[:])
}

// A logger writes what the server logs. None of it is an error of this process, but for
// what is fatal, which is returned.
type logger struct {
	log   zerolog.Logger
	fatal chan error
	wake  chan<- struct{}
}

func (l *logger) Fatalf(format string, v ...any) {
	if strings.HasPrefix(format, "Error listening on port") && strings.Contains(fmt.Sprint(v...), strconv.Itoa(noPort)) {
		return
	}
	select {
	case l.fatal <- fmt.Errorf(format, v...):
	default:
	}
}

// Errorf is told of peers that are not there at the first attempt, as of servers that begin
// together: that is no warning.
func (l *logger) Errorf(format string, v ...any) {
	level := zerolog.WarnLevel
	if strings.HasPrefix(format, "Error trying to connect to route") && len(v) > 0 && fmt.Sprint(v[0]) == "1" {
		level = zerolog.InfoLevel
	}
	l.log.WithLevel(level).Msgf(format, v...)
}

// Warnf is told of servers that begin together, and, by JetStream, that there is no port for
// clients: these are no warnings either.
func (l *logger) Warnf(format string, v ...any) {
	level := zerolog.WarnLevel
	if text := fmt.Sprintf(format, v...); strings.HasPrefix(text, "Waiting for routing") ||
		strings.HasPrefix(text, "failed to be ready") && strings.Contains(text, strconv.Itoa(noPort)) {
		level = zerolog.DebugLevel
	}
	l.log.WithLevel(level).Msgf(format, v...)
}

func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug().Msgf(format, v...)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
func (l *logger) Debugf(format string, v ...any) { l.log.Trace().Msgf(format, v...) }
func (l *logger) Tracef(format string, v ...any) { l.log.Trace().Msgf(format, v...) }
