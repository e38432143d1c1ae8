package golibs

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
)

// The sizes of messages in every conversation about compression, and those that are in the long ones only.
var (
	deflateSizes = []int{0, 1, 63, 64, 125, 126, 1000, 65535, 65536}
	longSizes    = []int{1 << 20}
)

// periods are those of patterns that just fit into windows of these bits, and that just do not.
func periods(bits ...int) (all []int) {
	slices.Sort(bits)
	for _, b := range slices.Compact(bits) {
		all = append(all, max(1, 1<<b-300), 1<<b, 1<<b+1) // zlib reaches 1<<b-262 at most
	}
	return all
}

// A word is what a client says in one message.
type word struct {
	op      byte
	payload []byte
}

// script returns what a client says, one after the other. Text that begins with "plain:" goes without compression, and with "parts:" in fragments; see answer.
func script(sizes, periods []int) (all []word) {
	for _, n := range sizes {
		all = append(all, word{opText, document(n)}, word{opBinary, sample(opBinary, n)})
	}
	for _, n := range periods {
		all = append(all, word{opBinary, repeated(n, 3*n)})
	}
	noise := []byte(base64.StdEncoding.EncodeToString(sample(opBinary, 9000)))
	for i, body := range [][]byte{document(12000), noise, nil, document(5000)} { // compressed and plain, in turn: takeover has to know which was which
		all = append(all,
			word{opText, fmt.Appendf(nil, "plain:%d:%s", i, document(2000))},
			word{opText, fmt.Appendf(nil, "parts:%d:%s", i, body)},
			word{opText, document(2100)},
			word{opText, fmt.Appendf(nil, "plain:%d:%s", i, document(2200))},
			word{opText, document(2300)})
	}
	return all
}

// sequence returns messages that have much in common, as programs send them.
func sequence() (all []word) {
	for i := range 60 {
		all = append(all, word{opText, append([]byte("next:"), document(200+i)...)})
	}
	return all
}

// say sends a word as it wants to be sent.
func say(p *peer, w word) error { return answer(p.link, w.op, bytes.Clone(w.payload)) }

// converse holds the conversation, and closes.
func converse(p *peer, sizes, periods []int) error {
	for i, w := range script(sizes, periods) {
		if err := say(p, w); err != nil {
			return fmt.Errorf("word %d: %w", i, err)
		}
		if err := p.expect(w.op, w.payload); err != nil {
			return fmt.Errorf("word %d, %.20q: %w", i, w.payload, err)
		}
		if i%8 == 3 {
			if err := p.ping(nil); err != nil {
				return err
			}
		}
	}
	for i, w := range sequence() {
		if err := say(p, w); err != nil {
			return fmt.Errorf("next %d: %w", i, err)
		}
	}
	for i, w := range sequence() {
		if err := p.expect(w.op, w.payload); err != nil {
			return fmt.Errorf("next %d: %w", i, err)
		}
	}
	if err := p.goodbye(1000, ""); err != nil {
		return err
	}
	p.waitEnd()
	return nil
}
