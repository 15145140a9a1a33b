package redis

import (
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// subscribed looks at answers to commands that subscribe. It returns the channels of
// those that were refused for what may have to do with one of them.
func (l *link) subscribed(groups [][]string, results []rueidis.RedisResult) (refused []string, err error) {
	for i, channels := range groups {
		err := results[i].Error()
		if err == nil {
			continue
		}
		answer, ok := rueidis.IsRedisErr(err)
		if !ok {
			break // the connection is lost
		}
		if isPassing(answer) {
			return nil, fmt.Errorf("redis: subscribing: %w", err)
		}
		addr, moved := answer.IsMoved()
		if len(channels) > 1 && !moved {
			refused = append(refused, channels...)
			continue
		}
		l.mu.Lock()
		for _, channel := range channels {
			l.outbox.unsent(channel)
		}
		l.mu.Unlock()
		if moved && l.e.shards != nil {
			l.moved[slotOf(channels[0])] = l.e.shards.resolve(addr, l)
		} else {
			l.refused = true
			l.e.losses.miss("subscribe "+code(answer), fmt.Errorf("redis: subscribing to %q: %w", channels[0], err))
		}
	}
	return refused, nil
}

// published looks at answers to what was taken from the queue. The error says that the
// connection is to be given up.
func (l *link) published(results []rueidis.RedisResult) error {
	unanswered := 0
	var broken error
	for i, result := range results {
		err := result.Error()
		if err == nil || l.taken[i].entry != nil {
			continue
		}
		answer, ok := rueidis.IsRedisErr(err)
		if !ok {
			unanswered, broken = unanswered+1, err
			continue
		}
		m := l.taken[i]
		if addr, moved := answer.IsMoved(); moved && l.e.shards != nil && m.hops < maxHops {
			m.hops++
			l.moved[slotOf(m.channel)] = l.e.shards.resolve(addr, l)
			l.bounced = append(l.bounced, m)
			continue
		}
		l.e.losses.add(1, "publish "+code(answer), fmt.Errorf("redis: publishing: %w", err))
	}
	if unanswered > 0 {
		l.e.losses.add(unanswered, "unanswered", fmt.Errorf("redis: not known to have arrived: %w", broken))
	}
	if l == l.e.appender {
		return l.e.journal.answered(l.taken, results)
	}
	return nil
}

// isPassing tells whether what Redis has answered has to do with its state, not with who
// asks for what.
func isPassing(answer *rueidis.RedisError) bool {
	switch code(answer) {
	case "LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY":
		return true
	}
	return false
}

// code returns what an answer of Redis begins with if it is an error.
func code(answer *rueidis.RedisError) string {
	code, _, _ := strings.Cut(answer.Error(), " ")
	return code
}
