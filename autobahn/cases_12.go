package autobahn

import (
	"fmt"
	"time"
)

// Sections 12 and 13 are the same eighteen shapes of messages: 12 with each corpus, 13 with each way to negotiate. The RFC is 7692.
var shapes = []struct {
	octets, fragment, seconds int
}{
	{16, 0, 60},
	{64, 0, 60},
	{256, 0, 120},
	{1 << 10, 0, 240},
	{4 << 10, 0, 480},
	{8 << 10, 0, 480},
	{16 << 10, 0, 480},
	{32 << 10, 0, 480},
	{64 << 10, 0, 480},
	{128 << 10, 0, 480},
	{8 << 10, 256, 480},
	{16 << 10, 256, 480},
	{32 << 10, 256, 480},
	{64 << 10, 256, 480},
	{128 << 10, 256, 480},
	{128 << 10, 1 << 10, 480},
	{128 << 10, 4 << 10, 480},
	{128 << 10, 32 << 10, 480},
}

func section12() Section {
	s := Section{ID: "12", Title: "Compression: messages of all sorts"}
	for i, corpus := range []struct {
		name, what string
		binary     bool
	}{
		{"json", "JSON, as text: it shrinks to a twentieth", false},
		{"bitmap", "A photograph without compression, as binary: it hardly shrinks", true},
		{"prose", "Prose, as binary: it shrinks to less than half", true},
		{"html", "HTML, as text: with characters of several octets", false},
		{"pdf", "PDF, as binary: plain parts between compressed ones", true},
	} {
		p := Section{
			ID: fmt.Sprintf("12.%d", i+1), Title: corpus.what,
			Requires: "RFC 7692, 7.2.1, 7.2.2: the payload of a message is compressed and decompressed; 7.1.1: by default the window is kept " +
				"from one to the next. 6.1, 6.2: RSV1 on the first frame says that the message is compressed; its fragments are pieces of what was compressed.",
		}
		if i > 0 {
			p.Requires = "RFC 7692: the same."
		}
		p.Cases = compressed(p.ID, "6.1, 6.2, 7.1.1, 7.2.1, 7.2.2", "", Compression{Corpus: corpus.name, Binary: corpus.binary, Profile: "12"})
		s.Parts = append(s.Parts, p)
	}
	return s
}

func section13() Section {
	s := Section{ID: "13", Title: "Compression: what is negotiated"}
	for i, offer := range []struct{ title, suffix, rfc, requires string }{
		{
			"Nothing in particular", ", nothing negotiated in particular", "5.1, 7.1.1, 7.1.2",
			"RFC 7692, 5.1: an offer is accepted or declined. 7.1.1, 7.1.2: without parameters each side keeps its window, of 32 KiB.",
		},
		{
			"No context takeover", ", without context takeover", "7.1.1.1, 7.1.1.2",
			"RFC 7692, 7.1.1.1: a server that accepts server_no_context_takeover starts each message with an empty window. 7.1.1.2: so does a client.",
		},
		{
			"A window of 512 octets", ", with windows of 512 octets", "7.1.2.1, 7.1.2.2",
			"RFC 7692, 7.1.2.1: a server that accepts server_max_window_bits=9 looks back no further than 512 octets. " +
				"7.1.2.2: client_max_window_bits does the same for a client, and may only be asked of one that offered it.",
		},
		{
			"A window of 32 KiB", ", with windows of 32 KiB", "7.1.2.1, 7.1.2.2",
			"RFC 7692, 7.1.2.1, 7.1.2.2: the same with 15 bits, the most that there is: as good as no limit, but it has to be agreed.",
		},
		{
			"No context takeover, and a window of 512 octets", ", without context takeover, with windows of 512 octets", "7.1.1.1, 7.1.1.2, 7.1.2.1, 7.1.2.2",
			"RFC 7692, 7.1.1, 7.1.2: both at once.",
		},
		{
			"No context takeover, and a window of 32 KiB", ", without context takeover, with windows of 32 KiB", "7.1.1.1, 7.1.1.2, 7.1.2.1, 7.1.2.2",
			"RFC 7692, 7.1.1, 7.1.2: both at once.",
		},
		{
			"Three offers, from the most particular to the plainest", ", three offers", "5.1, 7.1.1.1, 7.1.1.2, 7.1.2.1, 7.1.2.2",
			"RFC 7692, 5.1: a client may list several offers in order of preference; the server takes one of them.",
		},
	} {
		p := Section{ID: fmt.Sprintf("13.%d", i+1), Title: offer.title, Requires: offer.requires}
		p.Cases = compressed(p.ID, offer.rfc, offer.suffix, Compression{Corpus: "json", Profile: p.ID})
		s.Parts = append(s.Parts, p)
	}
	return s
}

func compressed(section, rfc, negotiated string, of Compression) []*Case {
	kind := "text"
	if of.Binary {
		kind = "binary"
	}
	var cases []*Case
	for _, shape := range shapes {
		c := of
		c.MessageLen, c.Count, c.Fragment = shape.octets, 1000, shape.fragment
		frames := "in one frame each"
		if c.Fragment > 0 {
			frames = fmt.Sprintf("in fragments of %s", size(c.Fragment))
		}
		cases = append(cases, &Case{
			RFC:          rfc,
			Title:        fmt.Sprintf("1000 compressed %s messages of %s, %s, %s%s", kind, size(c.MessageLen), c.Corpus, frames, negotiated),
			Expects:      "Agree to permessage-deflate, and echo each message, of the same type and with the same payload; UNIMPLEMENTED if it is declined",
			Deadline:     closeIn(time.Duration(shape.seconds) * time.Second),
			Close:        closedClean(1000),
			Compression:  &c,
			ShowDuration: true,
			ShowRatio:    true,
		})
	}
	return numbered(section, cases)
}
