package golibs

import (
	"errors"
	"fmt"
)

// goingAway opens connections with every client, in every state that a connection may be in, lets end tell the server to go, and wants 1001 on each, 7.4.1.
func goingAway(url string, end func()) error {
	var peers []*peer
	for _, lib := range everyClient {
		s := &stage{url: url, dial: lib.dial}
		for _, state := range []string{"fresh", "echoed", "inside a message", "broadcast"} {
			path := "/"
			if state == "broadcast" {
				path = "/broadcast"
			}
			p, err := s.open(path, opts{})
			if err != nil {
				return fmt.Errorf("%s, %s: %w", lib.name, state, err)
			}
			defer p.drop()
			p.t.linger.Store(true)
			peers = append(peers, p)
			switch state {
			case "echoed", "broadcast":
				if err := p.send(opText, []byte("hello")); err != nil {
					return err
				}
				if err := p.expect(opText, []byte("hello")); err != nil {
					return fmt.Errorf("%s, %s: %w", lib.name, state, err)
				}
			case "inside a message": // half a frame, by hand
				p.wild = true
				if _, err := p.t.Write([]byte{0x81, 0x85, 0, 0, 0, 0, 'h'}); err != nil {
					return err
				}
			}
		}
	}
	end()
	return together(peers, func(i int, p *peer) error {
		code, reason, err := p.waitGoodbye()
		switch {
		case err != nil:
			err = fmt.Errorf("client %d: %w", i, err)
		case code != 1001:
			err = fmt.Errorf("client %d: Close %d %q, want 1001", i, code, reason)
		default:
			err = p.t.audit(p.wild, p.dirty)
		}
		if err != nil {
			err = errors.New(err.Error() + p.t.story())
		}
		return err
	})
}
