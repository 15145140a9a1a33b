package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Streams say how a journal is kept. The zero value has the defaults.
type Streams struct {
	Replicas int
	Files    bool
	MaxAge   time.Duration
	MaxBytes int64
}

const (
	defaultMaxAge   = 5 * time.Minute
	defaultMaxBytes = 256 << 20

	// clusterReplicas outlive one server of three.
	clusterReplicas = 3
	// duplicates is how long JetStream knows which batches it has.
	duplicates = 2 * time.Minute
)

// Check returns an error that names what is wrong.
func (s *Streams) Check() error {
	switch {
	case s == nil:
	case s.Replicas < 0 || s.Replicas > 5:
		return fmt.Errorf("nats: Replicas is %d: there can be 1 to 5", s.Replicas)
	case s.MaxAge < 0 || s.MaxAge > 0 && s.MaxAge < duplicates:
		return fmt.Errorf("nats: MaxAge is %v: it has to be %v at least", s.MaxAge, duplicates)
	case s.MaxBytes < 0:
		return fmt.Errorf("nats: MaxBytes is negative (%d)", s.MaxBytes)
	}
	return nil
}

// The subjects of a journal. Names of namespaces have more than one character in a subject.
func logSubject(prefix string) string  { return prefix + ".j" }   // where batches are appended
func (j *Journal) liveSubject() string { return j.prefix + ".r" } // where JetStream tells of them
func (j *Journal) recordSubject(key string) string {
	return j.prefix + ".c." + key
}

// StreamNames returns the names of the streams of journals with a prefix: that of the entries,
// and that of the records. They have no dots.
func StreamNames(prefix string) [2]string {
	prefix = strings.ReplaceAll(prefix, ".", "_")
	return [2]string{prefix + "_journal", prefix + "_clients"}
}

// firstSequence is with what a stream begins that is made now. It is beyond what any stream
// before it has come to, unless that had more than sixteen batches in each millisecond: so no
// position is used twice.
func firstSequence() uint64 { return uint64(time.Now().UnixMilli()) << 4 }

func (j *Journal) configs() [2]jetstream.StreamConfig {
	s := &j.streams
	replicas := s.Replicas
	if replicas == 0 {
		replicas = 1
		if j.nc.ConnectedClusterName() != "" {
			replicas = clusterReplicas
		}
	}
	storage := jetstream.MemoryStorage
	if s.Files {
		storage = jetstream.FileStorage
	}
	return [2]jetstream.StreamConfig{{
		Name:        j.names[0],
		Subjects:    []string{logSubject(j.prefix)},
		RePublish:   &jetstream.RePublish{Source: logSubject(j.prefix), Destination: j.liveSubject()},
		Storage:     storage,
		Replicas:    replicas,
		MaxAge:      cmp.Or(s.MaxAge, defaultMaxAge),
		MaxBytes:    cmp.Or(s.MaxBytes, defaultMaxBytes),
		Duplicates:  duplicates,
		FirstSeq:    firstSequence(),
		AllowDirect: true,
	}, {
		Name:              j.names[1],
		Subjects:          []string{j.recordSubject("*")},
		Storage:           storage,
		Replicas:          replicas,
		MaxMsgsPerSubject: 1,
		AllowMsgTTL:       true,
		AllowDirect:       true,
	}}
}

// open makes the streams unless they are there, and returns the state of the first. It may be
// told to change them to what they should be.
func (j *Journal) open(ctx context.Context, change bool) (jetstream.StreamState, error) {
	var state jetstream.StreamState
	for i, c := range j.configs() {
		info, err := j.openStream(ctx, c, change)
		if err != nil {
			return state, fmt.Errorf("nats: stream %s: %w", c.Name, err)
		}
		if i == 0 {
			state = info.State
		}
	}
	return state, nil
}

func (j *Journal) openStream(ctx context.Context, c jetstream.StreamConfig, change bool) (*jetstream.StreamInfo, error) {
	s, err := j.js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if s, err = j.js.CreateStream(ctx, c); errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			s, err = j.js.Stream(ctx, c.Name)
		}
	}
	if errors.Is(err, nats.ErrNoResponders) {
		err = jetstream.ErrJetStreamNotEnabled
	}
	if err != nil {
		return nil, err
	}
	info := s.CachedInfo()
	switch old := &info.Config; {
	case old.Storage != c.Storage || len(old.Subjects) != 1 || old.Subjects[0] != c.Subjects[0]:
		return nil, fmt.Errorf("%w (%v, %v)", errOther, old.Subjects, old.Storage)
	case change && (old.Replicas != c.Replicas || old.MaxAge != c.MaxAge || old.MaxBytes != c.MaxBytes && c.MaxBytes != 0):
		c.FirstSeq = old.FirstSeq
		if s, err = j.js.UpdateStream(ctx, c); err != nil {
			return nil, err
		}
		info = s.CachedInfo()
	}
	return info, nil
}

// errOther is for a stream that is not this cluster's, or has not its storage.
var errOther = errors.New("there is another one of that name")

// isFinal tells whether an error of JetStream will be the same later.
func isFinal(err error) bool {
	return errors.Is(err, errOther) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		isCode(err,
			10052,        // a configuration that the server does not take
			10074,        // replicas without a cluster
			10028, 10047) // there is no room for MaxBytes
}
