package autobahn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/idlewire/idlewire/frame"
)

// String tells in one line what happened, such as
//
//	<- text, 5 octets: "Hello"
//	-> close 1000, masked
//
// where the arrow away is of what the runner sent. At is not in it.
func (e LogEntry) String() string {
	switch e.Kind {
	case FrameIn:
		return "<- " + e.frame()
	case FrameOut:
		return "-> " + e.frame()
	case OctetsIn:
		return fmt.Sprintf("<- %d octets on the wire: %x%s", e.Len, e.Data, e.more())
	case OctetsOut:
		return fmt.Sprintf("-> %d octets on the wire: %x%s", e.Len, e.Data, e.more())
	case WaitBegin:
		return fmt.Sprintf("wait for %v", e.For)
	case WaitEnd:
		return "the wait is over"
	case FailSet:
		return fmt.Sprintf("in %v the connection will be failed", e.For)
	case FailFired:
		return "time is up: the connection is failed"
	case CloseSet:
		return fmt.Sprintf("in %v the connection will be closed", e.For)
	case CloseFired:
		return "time is up: the connection is closed"
	case LogSwitch:
		if e.On {
			return "the log goes on"
		}
		return "the log is off while data flows"
	}
	return string(e.Kind)
}

// frame describes a frame.
func (e LogEntry) frame() string {
	var b strings.Builder
	b.WriteString(e.Opcode.String())
	body := e.Data
	if e.Opcode == frame.Close && e.Len >= 2 && len(body) >= 2 {
		fmt.Fprintf(&b, " %d", binary.BigEndian.Uint16(body))
		body = body[2:]
	} else if e.Opcode != frame.Close || e.Len > 0 {
		fmt.Fprintf(&b, ", %d octets", e.Len)
	}
	if !e.Fin {
		b.WriteString(", FIN not set")
	}
	if e.Rsv != 0 {
		fmt.Fprintf(&b, ", RSV %03b", e.Rsv)
	}
	if e.Masked {
		b.WriteString(", masked")
	}
	if e.Chop > 0 {
		fmt.Fprintf(&b, ", %d octets at a time", e.Chop)
	}
	if len(body) > 0 {
		b.WriteString(": " + quoteOctets(body) + e.more())
	}
	return b.String()
}

// more says that Data is not all.
func (e LogEntry) more() string {
	if e.Len > len(e.Data) {
		return "..."
	}
	return ""
}

// quoteOctets writes text in quotes and other octets in hexadecimal. A text may have been cut inside its last character.
func quoteOctets(b []byte) string {
	text := b
	for n := 0; n < utf8.UTFMax-1 && len(text) > 0 && !utf8.Valid(text); n++ {
		text = text[:len(text)-1]
	}
	if utf8.Valid(text) && (len(text) == len(b) || len(text) > 0 && !utf8.FullRune(b[len(text):])) {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%x", b)
}

// transcript writes a log a line for each frame, wait and deadline, with the time, and for octets that came and made no frame; of more than max lines those in the middle are left out.
func transcript(log []LogEntry, max int) string {
	last := len(log) - 1
	for last >= 0 && log[last].Kind != FrameIn {
		last--
	}
	var lines []string
	for i, e := range log {
		if e.Kind == OctetsOut || e.Kind == OctetsIn && (i < last || isHandshake(e.Data)) {
			continue // the frames say it again
		}
		lines = append(lines, fmt.Sprintf("%7.3f s  %s", e.At.Seconds(), e))
	}
	if n := len(lines) - max; n > 0 {
		lines = append(append(lines[:max/2:max/2], fmt.Sprintf("... %d lines left out ...", n)), lines[max/2+n:]...)
	}
	return strings.Join(lines, "\n")
}

// isHandshake reports whether octets of the log begin an opening handshake.
func isHandshake(b []byte) bool {
	return bytes.HasPrefix(b, []byte("GET ")) || bytes.HasPrefix(b, []byte("HTTP/"))
}
