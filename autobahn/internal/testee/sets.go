package testee

// Sets of cases, in the words of [Kind]: IDs and patterns, separated by spaces. "3.*" is what begins so, "5.3..8" is 5.3 to 5.8, "12.*.3" is the third case of each part of section 12, and "-" in front takes away from what stands before.
const (
	// The peer has to send back a message, and the runner then closes.
	validText = "6.5.* 6.6.2 6.6.5 6.6.7 6.6.9 6.6.11 6.7.* 6.9.* 6.11.1..4 6.22.* 6.23.*" // half a second each
	fragments = "5.3..8 5.19..20 6.1.2..3 6.2.2..4 10.1.1 " + longFragments                // of messages
	full      = "1.1.2..8 1.2.2..8 5.3..8 5.19..20 6.1.3 6.2.* " + validText + " 7.1.1 9.* -9.7.1 -9.8.1 10.1.1"
	empty     = "1.1.1 1.2.1 6.1.1..2 9.7.1 9.8.1"
	echoes    = full + " " + empty
	binaries  = "1.2.* 9.2.* 9.4.* 9.6.* 9.8.*"
	over64k   = "1.1.7..8 1.2.7..8 9.1.* 9.2.* 9.3.* 9.4.* 9.5.* 9.6.* 10.1.1" // 65536 octets and more
	pings     = "2.1..4 2.6 2.9..11 5.6..8 5.19..20"                           // the peer has to send pongs
	inner     = "5.6..8 5.19..20"                                              // of them, those with pings between fragments

	// The long messages that come in fragments; 9.3.9 and 9.4.9 are one frame, 9.3.8 and 9.4.8 five.
	longFragments = "9.3.* 9.3.8 -9.3.9 9.4.* 9.4.8 -9.4.9"

	// The runner closes first, and a closing handshake is due: all of the above, and some more.
	goodCloses = echoes + " " + pings + " 2.7..8 7.1.2..5 7.3.1 7.3.3..5 7.7.*"

	// The peer has to fail the connection.
	echoFirst   = "3.2..4 4.1.3..5 4.2.3..5 5.15" // after it has sent back a message
	breaches    = "2.5 3.* 4.* 5.1..2 5.9..18"
	invalidText = "6.3.* 6.4.* 6.6.1 6.6.3..4 6.6.6 6.6.8 6.6.10 6.8.* 6.10.* 6.11.5 6.12.* 6.13.* 6.14.* 6.15.* 6.16.* 6.17.* 6.18.* 6.19.* 6.20.* 6.21.*"
	badCloses   = "7.3.2 7.3.6 7.5.1 7.9.*"

	// All but 7.1.6 and 7.13, which judge nothing.
	all = goodCloses + " " + breaches + " " + invalidText + " " + badCloses

	// What comes in pieces that are not whole frames.
	chopped = "1.1.8 1.2.8 2.6 2.11 3.4 4.1.5 4.2.5 5.5 5.8 5.11 5.14 9.5.* 9.6.*"
)

// A Set is cases that many faults have in common.
type Set struct{ Name, Text, Cases string }

// Sets are those that need a name, each before those that are part of it.
var Sets = []Set{
	{"all", "every case that judges something", all},
	{"closes", "the runner sends the first Close, and a closing handshake is due", goodCloses},
	{"echoes", "a message has to come back, before the runner closes", echoes},
	{"full", "of these, those whose message has a payload", full},
	{"pings", "pongs have to come", pings},
	{"breaches", "the runner breaks the framing, and the peer has to fail the connection", breaches},
	{"echo-first", "of these, those with a good message before", echoFirst},
	{"not-utf8", "the runner sends a text that is not UTF-8, likewise", invalidText},
	{"bad-closes", "the runner sends a Close that is not good", badCloses},
	{"utf8", "a text has to come back within half a second", validText},
}
