package golibs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A stage is where a check plays: one library's client before one server.
type stage struct {
	url      string // ws://host:port
	dial     dialer
	limit    int // the largest message the server takes
	patience time.Duration

	peers []*peer
}

// host returns host:port of the server.
func (s *stage) host() string {
	_, h, _ := strings.Cut(s.url, "://")
	return h
}

// open dials path. The stage closes the peer after the check.
func (s *stage) open(path string, o opts) (*peer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	o.patience = s.patience
	p, err := s.dial(ctx, s.url+path, o)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", path, err)
	}
	s.peers = append(s.peers, p)
	return p, nil
}

// A check is one conversation. It returns what was wrong, or errNotOffered.
type check struct {
	name string
	run  func(*stage) error
}

// play runs the check, then judges all bytes that passed, and closes all that was opened.
func (s stage) play(c check) error {
	err := c.run(&s)
	for _, p := range s.peers {
		if p.t != nil && err == nil {
			err = p.t.audit(p.wild, p.dirty)
		}
	}
	if err != nil && !errors.Is(err, errNotOffered) {
		for i, p := range s.peers {
			if p.t != nil && len(s.peers) <= 4 {
				err = fmt.Errorf("%w\nconnection %d: %s", err, i, p.t.story())
			}
		}
	}
	for _, p := range s.peers {
		p.drop()
	}
	return err
}

// playAll runs the checks as subtests, but those that except names, with the reason, by name or by what stands before the slash.
func (s stage) playAll(t *testing.T, checks []check, except map[string]string) {
	for _, c := range checks {
		if group, _, _ := strings.Cut(c.name, "/"); except[c.name] != "" || except[group] != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			switch err := s.play(c); {
			case errors.Is(err, errNotOffered):
				t.Skip(err)
			case err != nil:
				t.Error(err)
			}
		})
	}
}
