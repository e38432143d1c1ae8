// Package mode says how a row of the tables compresses (RFC 7692): what the server is set up for, what the client offers, and which answer to the
// offer makes the row what it says it is. It shares no code with any of the libraries.
package mode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Mode is a way to compress. The zero value is none.
type Mode struct {
	On       bool
	Takeover bool // in both directions
	Bits     int  // of the window, in both directions: 9 to 15
}

// MaxBits is the greatest window, and the one of whoever says nothing about it (7.1.2).
const MaxBits = 15

// minBits is 9: zlib, and so half of the libraries, cannot do 8.
const minBits = 9

// List reads modes, separated by commas.
func List(s string) (ms []Mode, err error) {
	for one := range strings.SplitSeq(s, ",") {
		m, err := Parse(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// Parse reads a mode: off, on, takeover, or takeover-BITS.
func Parse(s string) (Mode, error) {
	switch s {
	case "off":
		return Mode{}, nil
	case "on":
		return Mode{On: true, Bits: MaxBits}, nil
	case "takeover":
		return Mode{On: true, Takeover: true, Bits: MaxBits}, nil
	}
	if bits, ok := strings.CutPrefix(s, "takeover-"); ok {
		if n, err := strconv.Atoi(bits); err == nil && n >= minBits && n <= MaxBits {
			return Mode{On: true, Takeover: true, Bits: n}, nil
		}
	}
	return Mode{}, fmt.Errorf("compression is off, on, takeover, or takeover-BITS with %d to %d bits; not %q", minBits, MaxBits, s)
}

// String returns what Parse reads.
func (m Mode) String() string {
	switch {
	case !m.On:
		return "off"
	case !m.Takeover:
		return "on"
	case m.Bits == MaxBits:
		return "takeover"
	}
	return "takeover-" + strconv.Itoa(m.Bits)
}

// Title is what stands above a column.
func (m Mode) Title() string {
	switch {
	case !m.On:
		return "plain"
	case !m.Takeover:
		return "no takeover"
	}
	return fmt.Sprintf("takeover, %d bits", m.Bits)
}

// Window is how far back, in octets, the compressed messages of either side may refer.
func (m Mode) Window() int { return 1 << m.Bits }

const (
	extension        = "permessage-deflate"
	serverNoTakeover = "server_no_context_takeover"
	clientNoTakeover = "client_no_context_takeover"
	serverMaxBits    = "server_max_window_bits"
	clientMaxBits    = "client_max_window_bits"
)

// Offer is the value of Sec-WebSocket-Extensions in the client's request; empty if there is none.
func (m Mode) Offer() string {
	switch {
	case !m.On:
		return ""
	case !m.Takeover:
		return extension + "; " + serverNoTakeover + "; " + clientNoTakeover
	case m.Bits == MaxBits:
		return extension
	}
	return fmt.Sprintf("%s; %s=%d; %s=%d", extension, serverMaxBits, m.Bits, clientMaxBits, m.Bits)
}

// Agreed tells whether the answer, the value of Sec-WebSocket-Extensions in the server's response, agrees to what the mode says and to nothing else.
// The client's window need not be in it: a client that has offered one keeps to it in any case (7.1.2.2).
func (m Mode) Agreed(answer string) error {
	if !m.On {
		if answer != "" {
			return fmt.Errorf("the server answers %q to no offer", answer)
		}
		return nil
	}
	name, rest, _ := strings.Cut(answer, ";")
	if strings.TrimSpace(name) != extension {
		return fmt.Errorf("the server does not compress: it was offered %q and answered %q", m.Offer(), answer)
	}
	var params []string
	for p := range strings.SplitSeq(rest, ";") {
		if p = strings.ReplaceAll(strings.TrimSpace(p), `"`, ""); p != "" {
			params = append(params, p)
		}
	}
	var must, may []string
	switch {
	case !m.Takeover:
		must = []string{serverNoTakeover, clientNoTakeover}
		may = []string{serverMaxBits + "=15"}
	case m.Bits == MaxBits:
		may = []string{serverMaxBits + "=15"}
	default:
		must = []string{fmt.Sprintf("%s=%d", serverMaxBits, m.Bits)}
		may = []string{fmt.Sprintf("%s=%d", clientMaxBits, m.Bits)}
	}
	for _, p := range must {
		if !slices.Contains(params, p) {
			return fmt.Errorf("the server did not agree to %s: it was offered %q and answered %q", p, m.Offer(), answer)
		}
	}
	for _, p := range params {
		if !slices.Contains(must, p) && !slices.Contains(may, p) {
			return fmt.Errorf("the server wants %s: it was offered %q and answered %q", p, m.Offer(), answer)
		}
	}
	return nil
}
