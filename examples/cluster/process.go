package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// keep runs a server as a process until ctx ends, and again when it has ended.
func keep(ctx context.Context, s server, b *balancer, log zerolog.Logger) {
	for {
		err := s.process(ctx, b)
		b.set(s.name, "")
		if ctx.Err() != nil {
			return
		}
		log.Warn().Str("server", s.name).AnErr("end", err).Msgf("a server has ended, and is started again in %v", again)
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return
		}
	}
}

// process runs a server, until it ends, as it is told to when ctx does.
func (s *server) process(ctx context.Context, b *balancer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-server", s.name, "-client", s.client, "-redis", s.redis,
		"-listen", s.listen, "-peers", strings.Join(s.peers, ","))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // it ends with this process, however that ends
	if err != nil {
		return err
	}
	cmd.Cancel = in.Close
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n') // the only one
	if addr := strings.TrimSpace(line); err == nil {
		if _, _, err = net.SplitHostPort(addr); err == nil {
			fmt.Printf("server %s has pid %d\n", s.name, cmd.Process.Pid)
			b.set(s.name, addr)
		}
	}
	if ended := cmd.Wait(); ended != nil {
		return ended
	}
	return err
}
