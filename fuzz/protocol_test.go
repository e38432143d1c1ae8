package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// addSeeds adds what those targets start from that take programs. OSS-Fuzz, where it is not testing, has all seeds in files and calls a target once an input.
func addSeeds(f *testing.F) {
	if !testing.Testing() {
		return
	}
	for _, s := range seeds()[:100] {
		f.Add(s)
	}
	for _, s := range faultSeeds() {
		f.Add(s)
	}
	for i := range byte(16) { // large messages that refer back within themselves, in pieces
		f.Add([]byte{0x40, 8, 201, 255, 200 + i, 0, 0, 0, 2, 0, 10, 39, 0x7f - i, 0, 7, 0, 'a', 3, 'b', 3, i, 3, 'c'})
	}
}

// faultSeeds are sessions that break each rule that a generator knows, several times, with limits and compression of several kinds.
func faultSeeds() (all [][]byte) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range faults {
		for _, setup := range [][]byte{{0}, {0x10}, {0x34}, {0x4e, 0}, {0x68, 7}, {0x40, 15}} {
			for n := range 8 {
				data := append([]byte{}, setup...)
				data = append(data, byte(n*40), 5, 0, 2, byte(i)) // cuts, many faults, all to the end; a fault, and which
				for range 16 {
					data = append(data, byte(r.Uint32()))
				}
				all = append(all, data)
			}
		}
	}
	return all
}

// A server makes of any session, however it is cut, what the RFCs do, and holds no more than the octets that came allow.
func FuzzServer(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { CheckServer(data) })
}

// A client makes of any session, however it is cut, what the RFCs do, and holds no more than the octets that came allow.
func FuzzClient(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { CheckClient(data) })
}

func addStreams(f *testing.F, r Role) {
	if !testing.Testing() {
		return
	}
	for i, data := range seeds()[:100] {
		s, rest := SetupOf(data)
		s.Role = r
		session := Generate(s, rest)
		if stream := session.Bytes(); len(stream) < 4096 {
			f.Add(stream, data[:2+i%4])
		}
	}
	for _, row := range judgeTests {
		session := Session{}
		session.Frames, session.Tail = Dissect(octets(f, row.stream))
		for i := range session.Frames {
			session.Frames[i].Masked = session.Frames[i].Masked == (row.setup.Role == r)
		}
		f.Add(session.Bytes(), []byte{0})
		f.Add(session.Bytes(), []byte{0x20, 1})
		f.Add(session.Bytes(), []byte{0x30})
		f.Add(session.Bytes(), []byte{0x4e, 0, 1}) // a limit of 5 octets, compression, octet by octet
		f.Add(session.Bytes(), []byte{0x60, 0, 2, 3})
	}
}

// A server makes of any octets, however they are cut, what the RFCs do, and holds no more than the octets that came allow.
func FuzzServerBytes(f *testing.F) {
	addStreams(f, Server)
	f.Fuzz(func(t *testing.T, stream, plan []byte) { CheckServerBytes(stream, plan) })
}

// A client makes of any octets, however they are cut, what the RFCs do, and holds no more than the octets that came allow.
func FuzzClientBytes(f *testing.F) {
	addStreams(f, Client)
	f.Fuzz(func(t *testing.T, stream, plan []byte) { CheckClientBytes(stream, plan) })
}

// The seeds do what they are for.
func TestFaultSeeds(t *testing.T) {
	rules := map[string]bool{}
	failed, all := 0, faultSeeds()
	for _, data := range all {
		s, rest := SetupOf(data)
		session := Generate(s, rest)
		if v := Judge(within(s), session.Bytes()); v.State == Failed {
			failed++
			rules[v.Fault.Rule] = true
		}
	}
	t.Log(failed, len(all), len(rules))
	require.Greater(t, failed, len(all)/2)
	require.Greater(t, len(rules), 25)
}
