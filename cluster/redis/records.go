package redis

import (
	"context"
	"crypto/sha1" // it names scripts
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/wire"
)

// A script runs within Redis, as a whole.
type script struct{ source, sha string }

func newScript(source string) script {
	sum := sha1.Sum([]byte(source))
	return script{source, hex.EncodeToString(sum[:])}
}

var (
	// The arguments are what is to be there, what takes its place, and for how many
	// milliseconds. Who has done so before, and has not heard of it, is told the same.
	replaceScript = newScript(`
local there, data = redis.call('GET', KEYS[1]), ARGV[2]
if not there then return 0 end
if there == ARGV[1] then
	redis.call('SET', KEYS[1], data, 'PX', ARGV[3])
	return 1
end
if string.sub(there, 1, ` + leaseLen + `) == string.sub(data, 1, ` + leaseLen + `) then return 1 end
return 0`)

	// The first argument says what is done, the second has the record, or only its lease,
	// the third the milliseconds that it stays.
	saveScript = newScript(`
local there, what, data = redis.call('GET', KEYS[1]), ARGV[1], ARGV[2]
if not there then
	if what == 'remove' then return 1 end
	if what ~= 'new' then return 0 end
elseif string.sub(there, 1, ` + leaseLen + `) ~= string.sub(data, 1, ` + leaseLen + `) then
	return 0
end
if what == 'remove' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], data, 'PX', ARGV[3])
return 1`)
)

var leaseLen = strconv.Itoa(wire.LeaseLen)

// A call is one of a script.
type call struct {
	key  string
	args []string
}

// do runs a script for each of some keys, wherever they are.
func (s script) do(ctx context.Context, client rueidis.Client, calls []call) []rueidis.RedisResult {
	commands := make([]rueidis.Completed, len(calls))
	for i, c := range calls {
		commands[i] = client.B().Evalsha().Sha1(s.sha).Numkeys(1).Key(c.key).Arg(c.args...).Build()
	}
	results := client.DoMulti(ctx, commands...)
	var unknown []int // of those where Redis does not know the script
	commands = commands[:0]
	for i, c := range calls {
		if answer, ok := rueidis.IsRedisErr(results[i].Error()); ok && answer.IsNoScript() {
			unknown = append(unknown, i)
			commands = append(commands, client.B().Eval().Script(s.source).Numkeys(1).Key(c.key).Arg(c.args...).Build())
		}
	}
	if len(unknown) > 0 {
		for n, result := range client.DoMulti(ctx, commands...) {
			results[unknown[n]] = result
		}
	}
	return results
}

// Find implements [cluster.Journal].
func (j *journal) Find(ctx context.Context, pid string) ([]byte, error) {
	record, err := j.client.Do(ctx, tried(j.client.B().Get().Key(j.sessions+pid).Build())).AsBytes()
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("redis: finding a client: %w", err)
	}
	return record, nil
}

// Replace implements [cluster.Journal].
func (j *journal) Replace(ctx context.Context, old []byte, by cluster.Record) (bool, error) {
	results := replaceScript.do(ctx, j.client, []call{{
		j.sessions + by.PID, []string{rueidis.BinaryString(old), rueidis.BinaryString(by.Data), milliseconds(by.TTL)},
	}})
	n, err := results[0].AsInt64()
	if err != nil {
		return false, fmt.Errorf("redis: taking a client: %w", err)
	}
	return n == 1, nil
}

// milliseconds returns how long a record stays.
func milliseconds(ttl time.Duration) string { return strconv.FormatInt(max(1, ttl.Milliseconds()), 10) }

// Save implements [cluster.Journal].
func (j *journal) Save(ctx context.Context, records []cluster.Record) ([]bool, error) {
	calls := make([]call, len(records))
	for i := range records {
		r := &records[i]
		what, data := "keep", rueidis.BinaryString(r.Data)
		switch {
		case r.Remove:
			what = "remove"
		case r.New:
			what = "new"
		}
		if r.Remove && len(data) > wire.LeaseLen {
			data = data[:wire.LeaseLen]
		}
		calls[i] = call{j.sessions + r.PID, []string{what, data, milliseconds(r.TTL)}}
	}
	written := make([]bool, len(records))
	for i, result := range saveScript.do(ctx, j.client, calls) {
		n, err := result.AsInt64()
		if err != nil {
			return nil, fmt.Errorf("redis: saving clients: %w", err)
		}
		written[i] = n == 1
	}
	return written, nil
}
