package golibs

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/coder/websocket"
)

// The knobs are what an end wants of compression, for all Go libraries in the same words. Each turns those that it has.
type knobs struct {
	serverTakeover, clientTakeover bool
	serverBits, clientBits         int  // 0: nothing is said
	clientWindow                   bool // client_max_window_bits without a value
	level, threshold               int  // 0: the library's default
	fallback                       bool // offers less, too
	fault                          string
}

// parseKnobs reads words as "server_takeover client_takeover server_bits=9 client_bits=10 client_window level=9 threshold=64".
func parseKnobs(words string) (*knobs, error) {
	k := new(knobs)
	for _, w := range strings.Fields(words) {
		name, value, _ := strings.Cut(w, "=")
		n := 0
		if value != "" && name != "fault" {
			if _, err := fmt.Sscanf(value, "%d", &n); err != nil {
				return nil, fmt.Errorf("the knob %q: %w", w, err)
			}
		}
		switch name {
		case "server_takeover":
			k.serverTakeover = true
		case "client_takeover":
			k.clientTakeover = true
		case "server_bits":
			k.serverBits = n
		case "client_bits":
			k.clientBits = n
		case "client_window":
			k.clientWindow = true
		case "level":
			k.level = n
		case "threshold":
			k.threshold = n
		case "fallback":
			k.fallback = true
		case "fault":
			k.fault = value
		default:
			return nil, fmt.Errorf("there is no knob %q", w)
		}
	}
	return k, nil
}

// knobsOf returns the knobs of a server in the query of a request; nil without.
func knobsOf(u *url.URL) *knobs {
	if !u.Query().Has("deflate") {
		return nil
	}
	k, err := parseKnobs(u.Query().Get("deflate"))
	if err != nil {
		panic(err)
	}
	return k
}

func (k *knobs) coderMode() websocket.CompressionMode {
	if k.serverTakeover && k.clientTakeover {
		return websocket.CompressionContextTakeover
	}
	return websocket.CompressionNoContextTakeover
}

// A plainer is a link that can leave one message out of compression.
type plainer interface {
	plain(op byte, payload []byte) error
}

// answer echoes a message. Text that begins with "plain:" goes without compression, and text that begins with "parts:" in fragments with a ping between, if the library can.
func answer(l link, op byte, b []byte) error {
	p, ok := l.(plainer)
	switch {
	case ok && op == opText && bytes.HasPrefix(b, []byte("plain:")):
		return p.plain(op, b)
	case op == opText && bytes.HasPrefix(b, []byte("parts:")):
		if err := l.fragments(op, cut(b, 5), func() error { return l.ping(nil) }); !errors.Is(err, errNotOffered) {
			return err
		}
	}
	return l.send(op, b)
}
