package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

const (
	// maxPID is how long an id may be of which there is a record.
	maxPID = 128
	// graveTTL is how long it is known who has removed a record.
	graveTTL = time.Minute
	// saveAtOnce is how many records are on their way together.
	saveAtOnce = 256
	// leaderTimeout bounds the question to the leader whether a record is really not there.
	leaderTimeout = 500 * time.Millisecond
)

// A stored record is a message of the second stream. One that is shorter than a lease says that
// there is none any more, and who has removed it.
type stored struct {
	revision uint64 // 0 if there was never one, or it has expired
	data     []byte
}

func (s *stored) record() []byte {
	if len(s.data) < wire.LeaseLen {
		return nil
	}
	return s.data
}

// subject returns where the record of a client is. The id may be any text.
func (j *Journal) subject(pid string) (string, bool) {
	if pid == "" || len(pid) > maxPID {
		return "", false
	}
	return j.recordSubject(base64.RawURLEncoding.EncodeToString([]byte(pid))), true
}

// Find implements [cluster.Journal]. Any server that has the records answers; only if it has
// none is the leader asked.
func (j *Journal) Find(ctx context.Context, pid string) ([]byte, error) {
	subject, ok := j.subject(pid)
	if !ok {
		return nil, nil
	}
	var s stored
	err := j.retry(ctx, func(ctx context.Context) (err error) {
		s, err = j.getDirect(ctx, subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.revision == 0 {
		ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
		defer cancel()
		if late, err := j.get(ctx, subject); err == nil {
			s = late
		}
	}
	return s.record(), nil
}

// Replace implements [cluster.Journal].
func (j *Journal) Replace(ctx context.Context, old []byte, by cluster.Record) (replaced bool, err error) {
	subject, ok := j.subject(by.PID)
	if !ok || len(by.Data) < wire.LeaseLen {
		return false, nil
	}
	err = j.retry(ctx, func(ctx context.Context) error {
		s, err := j.get(ctx, subject)
		present := s.record()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(present, by.Data[:wire.LeaseLen]): // by an attempt before
			j.remember(subject, &by, s.revision)
			replaced = true
			return nil
		case present == nil || !bytes.Equal(present, old):
			return nil
		}
		seq, err := put(ctx, j.nc, newRecord(subject, &by, s.revision))
		if replaced = err == nil; replaced {
			j.remember(subject, &by, seq)
		}
		return err
	})
	return replaced, err
}

// newGrave returns what is put in the place of a record.
func newGrave() []byte { return []byte("-" + rand.Text()[:12]) }

// Save implements [cluster.Journal].
func (j *Journal) Save(ctx context.Context, records []cluster.Record) ([]bool, error) {
	saved := make([]bool, len(records))
	for from := 0; from < len(records); from += saveAtOnce {
		to := min(from+saveAtOnce, len(records))
		if err := j.saveSome(ctx, records[from:to], saved[from:to]); err != nil {
			return nil, err
		}
	}
	return saved, nil
}

// saveSome writes records together where it is known what they take the place of, and then
// the others one by one.
func (j *Journal) saveSome(ctx context.Context, records []cluster.Record, saved []bool) error {
	inbox := j.nc.NewInbox()
	sub, err := j.nc.SubscribeSync(inbox + ".*")
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	defer sub.Unsubscribe()
	answered, sent := make([]bool, len(records)), 0
	for i := range records {
		rec := &records[i]
		subject, ok := j.subject(rec.PID)
		if !ok || len(rec.Data) < wire.LeaseLen {
			return fmt.Errorf("nats: no record of a client: %d bytes for an id of %d", len(rec.Data), len(rec.PID))
		}
		revision, known := j.revision(subject, rec)
		if !known && !rec.New {
			continue
		}
		msg := newRecord(subject, rec, revision)
		msg.Reply = inbox + "." + strconv.Itoa(i)
		if err := j.nc.PublishMsg(msg); err != nil {
			return fmt.Errorf("nats: %w", err)
		}
		sent++
	}
	wait, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for ; sent > 0; sent-- {
		m, err := sub.NextMsgWithContext(wait)
		if err != nil {
			break // those without an answer may be there, or not
		}
		i, err := strconv.Atoi(m.Subject[len(inbox)+1:])
		if err != nil || i < 0 || i >= len(records) {
			continue
		}
		if seq, err := sequence(m); err == nil {
			subject, _ := j.subject(records[i].PID)
			j.remember(subject, &records[i], seq)
			answered[i], saved[i] = true, true
		}
	}
	for i := range records {
		if answered[i] {
			continue
		}
		if saved[i], err = j.saveOne(ctx, &records[i]); err != nil {
			return err
		}
	}
	return nil
}

// saveOne reads what is there, and writes a record in its place if that is allowed.
func (j *Journal) saveOne(ctx context.Context, rec *cluster.Record) (saved bool, err error) {
	subject, _ := j.subject(rec.PID)
	err = j.retry(ctx, func(ctx context.Context) error {
		s, err := j.get(ctx, subject)
		if err != nil {
			return err
		}
		present := s.record()
		switch {
		case rec.Remove && present == nil:
			saved = true
			j.forget(subject)
			return nil
		case present == nil && !rec.New,
			present != nil && !bytes.HasPrefix(present, rec.Data[:wire.LeaseLen]):
			j.forget(subject)
			return nil
		}
		seq, err := put(ctx, j.nc, newRecord(subject, rec, s.revision))
		if err == nil {
			saved = true
			j.remember(subject, rec, seq)
		}
		return err
	})
	return saved, err
}

// newRecord returns the message that writes a record in the place of a revision, or removes it.
func newRecord(subject string, rec *cluster.Record, revision uint64) *nats.Msg {
	if rec.Remove {
		return putMessage(subject, newGrave(), revision, graveTTL)
	}
	return putMessage(subject, rec.Data, revision, rec.TTL)
}

// putMessage returns a message that JetStream takes only in the place of a revision.
func putMessage(subject string, data []byte, revision uint64, ttl time.Duration) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = data
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(revision, 10))
	if ttl > 0 {
		seconds := max(1, int64((ttl+time.Second-1)/time.Second))
		m.Header.Set(jetstream.MsgTTLHeader, strconv.FormatInt(seconds, 10)+"s")
	}
	return m
}

// A held is a record that this server has saved.
type held struct {
	lease    [wire.LeaseLen]byte
	revision uint64
}

// revision returns that of the record in whose place another one may be saved, if it is known.
func (j *Journal) revision(subject string, rec *cluster.Record) (uint64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s, ok := j.held[subject]
	if !ok || s.lease != [wire.LeaseLen]byte(rec.Data) {
		return 0, false
	}
	return s.revision, true
}

func (j *Journal) remember(subject string, rec *cluster.Record, revision uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if rec.Remove {
		delete(j.held, subject)
	} else {
		j.held[subject] = held{[wire.LeaseLen]byte(rec.Data), revision}
	}
}

func (j *Journal) forget(subject string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.held, subject)
}

// retry calls f until it returns no error, with contexts that end soon enough to try again, or
// until ctx ends.
func (j *Journal) retry(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(j.ctx, cancel)()
	for {
		attempt, done := context.WithTimeout(ctx, requestTimeout)
		err := f(attempt)
		done()
		if err == nil {
			return nil
		}
		pause := retryPause
		if isCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
			pause = 0 // another server has been faster
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("nats: %w", err)
		}
	}
}

// get asks the leader for what is stored at a subject.
func (j *Journal) get(ctx context.Context, subject string) (stored, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return stored{}, err
	}
	m, err := j.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+j.names[1], request)
	if err != nil {
		return stored{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Sequence uint64 `json:"seq"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return stored{}, err
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return stored{}, nil
	case answer.Error != nil:
		return stored{}, answer.Error
	case answer.Message == nil:
		return stored{}, errAnswer
	}
	return stored{answer.Message.Sequence, answer.Message.Data}, nil
}

// getDirect asks any server that has the stream.
func (j *Journal) getDirect(ctx context.Context, subject string) (stored, error) {
	m, err := j.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+j.names[1]+"."+subject, nil)
	if err != nil {
		return stored{}, err
	}
	switch status := m.Header.Get("Status"); status {
	case "":
	case "404":
		return stored{}, nil
	default:
		return stored{}, fmt.Errorf("%w: %s", errAnswer, status)
	}
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return stored{}, errAnswer
	}
	return stored{seq, m.Data}, nil
}

var errAnswer = errors.New("no answer of JetStream")

// sequence returns what JetStream has answered to what was put into a stream.
func sequence(m *nats.Msg) (uint64, error) {
	if len(m.Data) == 0 {
		return 0, nats.ErrNoResponders
	}
	var answer struct {
		Error    *jetstream.APIError `json:"error"`
		Sequence uint64              `json:"seq"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, err
	}
	if answer.Error != nil {
		return 0, answer.Error
	}
	if answer.Sequence == 0 {
		return 0, errAnswer
	}
	return answer.Sequence, nil
}
