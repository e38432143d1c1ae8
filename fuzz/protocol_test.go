package fuzz

import "testing"

func addSeeds(f *testing.F) {
	for _, s := range seeds()[:100] {
		f.Add(s)
	}
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
