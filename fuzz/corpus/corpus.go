// Package corpus makes the corpora: what a fuzzer starts from. It is where the octets of the conformance cases, of known vulnerabilities and of the RFCs' examples are
// written down once; go run ./fuzz/corpus/write makes of them files for Go's fuzzer (testdata/fuzz/TARGET beside each target) and for others (raw, websocket.dict),
// the same ones always.
package corpus

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
)

// An Entry is a session with a name.
type Entry struct {
	Name    string // such as case-5.3, rfc6455-5.7-ping, V13-length-not-minimal
	Deflate byte   // 0: none; else the second octet of a plan, with deflated set: see fuzz.SetupOf
	Note    string
	Frames  []fuzz.Frame // unmasked; a client masks them, if they do not say otherwise
	Tail    []byte
	AsIs    bool // masks are as the frames say, for the role that Role says
	Role    fuzz.Role
}

// Second octets of plans.
const (
	deflated    = 1 << 7 // is taken off again
	takeover    = deflated
	noTakeover  = deflated | 8
	plainOctet  = 0
	deflateFlag = 0x40 // of the first octet
)

// key masks what has to be masked: the key of RFC 6455, 5.7.
var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// Stream is what goes over the wire to an endpoint of a role.
func (e Entry) Stream(to fuzz.Role) []byte {
	s := fuzz.Session{Frames: make([]fuzz.Frame, len(e.Frames)), Tail: e.Tail}
	copy(s.Frames, e.Frames)
	for i := range s.Frames {
		if f := &s.Frames[i]; !e.AsIs && to == fuzz.Server {
			f.Masked, f.Key = true, key
		}
	}
	return s.Bytes()
}

// Plan is the second argument of FuzzServerBytes and FuzzClientBytes: no limits, compression as the entry says, no cuts.
func (e Entry) Plan() []byte {
	if e.Deflate != plainOctet {
		return []byte{deflateFlag, e.Deflate &^ deflated}
	}
	return []byte{0}
}

// All are the entries, each of its own name.
func All() []Entry {
	return append(append(append(conformance(), examples()...), advisories()...), findings()...)
}

// wire is an entry of octets as they are, for an endpoint of a role; spaces and m, a masking key of zeros, are for the reader.
func wire(name string, to fuzz.Role, deflate byte, octets, note string) Entry {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(octets, "m", "00000000"), " ", ""))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	e := Entry{Name: name, Note: note, AsIs: true, Role: to, Deflate: deflate}
	e.Frames, e.Tail = fuzz.Dissect(b)
	return e
}

// both is an entry of octets to a client; to a server they are masked.
func both(name string, deflate byte, octets, note string) Entry {
	e := wire(name, fuzz.Client, deflate, octets, note)
	e.AsIs = false
	return e
}
