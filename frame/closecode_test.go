package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// The registry as IANA prints it (section 11.7 and what was registered since), and what RFC 6455 says of
// each range: + may be on the wire, - must not.
var registry = []struct {
	from, to int
	wire     byte
	name     string
}{
	{0, 999, '-', ""},
	{1000, 1000, '+', "normal closure"},
	{1001, 1001, '+', "going away"},
	{1002, 1002, '+', "protocol error"},
	{1003, 1003, '+', "unsupported data"},
	{1004, 1004, '-', "reserved"},
	{1005, 1005, '-', "no status received"},
	{1006, 1006, '-', "abnormal closure"},
	{1007, 1007, '+', "invalid frame payload data"},
	{1008, 1008, '+', "policy violation"},
	{1009, 1009, '+', "message too big"},
	{1010, 1010, '+', "mandatory extension"},
	{1011, 1011, '+', "internal error"},
	{1012, 1012, '+', "service restart"},
	{1013, 1013, '+', "try again later"},
	{1014, 1014, '+', "bad gateway"},
	{1015, 1015, '-', "TLS handshake"},
	{1016, 2999, '-', ""},
	{3000, 3000, '+', "unauthorized"},
	{3001, 3002, '+', ""},
	{3003, 3003, '+', "forbidden"},
	{3004, 3007, '+', ""},
	{3008, 3008, '+', "timeout"},
	{3009, 3999, '+', ""},
	{4000, 4999, '+', ""},
	{5000, 65535, '-', ""},
}

// All 65 536 codes, both ways, in a payload and by themselves.
func TestV63CloseCodes(t *testing.T) {
	next := 0
	for _, row := range registry {
		if row.from != next {
			t.Fatalf("the registry has a hole at %d", next)
		}
		next = row.to + 1
		for i := row.from; i <= row.to; i++ {
			c, wire := CloseCode(i), row.wire == '+'
			if c.Sendable() != wire || c.Receivable() != wire {
				t.Errorf("%d: Sendable %v, Receivable %v", i, c.Sendable(), c.Receivable())
			}
			if want := strings.TrimSpace(strconv.Itoa(i) + " " + row.name); c.String() != want {
				t.Errorf("%q, want %q", c, want)
			}
			payload := binary.BigEndian.AppendUint16(nil, uint16(i))
			code, reason, err := ParseClose(append(payload, "bye"...))
			if wire && (code != c || string(reason) != "bye" || err != nil) || !wire && (code != 0 || reason != nil || err != ErrCloseCode) {
				t.Errorf("%d: ParseClose = %d, %q, %v", i, code, reason, err)
			}
			out, err := AppendClose(nil, c, "bye")
			if wire && (err != nil || !bytes.Equal(out, append(payload, "bye"...))) || !wire && (out != nil || !errors.Is(err, ErrNotSendable)) {
				t.Errorf("%d: AppendClose = %q, %v", i, out, err)
			}
		}
	}
	if next != 1<<16 {
		t.Fatalf("the registry ends at %d", next)
	}
}

// The codes that the Autobahn cases 7.7.* and 7.9.* send.
func TestV63AutobahnCodes(t *testing.T) {
	for _, c := range []CloseCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		if !c.Receivable() {
			t.Error(c)
		}
	}
	for _, c := range []CloseCode{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535} {
		if c.Receivable() {
			t.Error(c)
		}
	}
}

func TestParseClose(t *testing.T) {
	for _, row := range []struct {
		name, payload string
		code          CloseCode
		reason        string
		err           error
	}{
		{"7.1.5 no body", "", CloseNoStatus, "", nil},
		{"5.5.1 half a code", "03", 0, "", ErrCloseLength},
		{"5.5.1 a code", "03e8", CloseNormal, "", nil},
		{"5.5.1 a code and a reason", "03e9 627965", CloseGoingAway, "bye", nil},
		{"5.5.1 a reason in two octets", "03e8 c3a9", CloseNormal, "é", nil},
		{"8.1 a reason that is not UTF-8", "03e8 ff", 0, "", ErrCloseReason},
		{"8.1 a reason cut inside a character", "03e8 c3", 0, "", ErrCloseReason},
		{"8.1 a surrogate", "03e8 eda080", 0, "", ErrCloseReason},
		{"7.4.1 1004", "03ec", 0, "", ErrCloseCode},
		{"7.4.1 1005", "03ed", 0, "", ErrCloseCode},
		{"7.4.1 1006", "03ee", 0, "", ErrCloseCode},
		{"7.4.1 1015", "03f7", 0, "", ErrCloseCode},
		{"7.4.2 0", "0000", 0, "", ErrCloseCode},
		{"7.4.2 65535", "ffff", 0, "", ErrCloseCode},
		{"the order: code before reason", "0000 ff", 0, "", ErrCloseCode},
		{"5.5 126 octets", "03e8" + strings.Repeat("61", 124), 0, "", ErrControlTooLong},
		{"5.5 125 octets", "03e8" + strings.Repeat("61", 123), CloseNormal, strings.Repeat("a", 123), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			payload := octets(t, row.payload)
			code, reason, err := ParseClose(payload)
			if code != row.code || string(reason) != row.reason || err != row.err {
				t.Errorf("%d, %q, %v", code, reason, err)
			}
			if len(reason) > 0 && &reason[0] != &payload[2] {
				t.Error("the reason was copied")
			}
			if err == nil {
				back, err := AppendClose([]byte("dst"), code, string(reason))
				if string(back) != "dst"+string(payload) || err != nil {
					t.Errorf("AppendClose = %q, %v", back, err)
				}
			}
		})
	}
}

// V55: the reason is text too.
func TestV55CloseReason(t *testing.T) {
	for i := range 1 << 16 {
		reason := []byte{'a', byte(i >> 8), byte(i)}
		_, _, err := ParseClose(append([]byte{0x03, 0xe8}, reason...))
		want := error(nil)
		if !utf8.Valid(reason) {
			want = ErrCloseReason
		}
		if err != want {
			t.Fatalf("% x: %v", reason, err)
		}
	}
}

func TestAppendCloseErrors(t *testing.T) {
	for _, row := range []struct {
		name, reason string
		code         CloseCode
		err          error
	}{
		{"a reason without a code", "bye", CloseNoStatus, errSendCode},
		{"1006", "", CloseAbnormal, errSendCode},
		{"0", "", 0, errSendCode},
		{"5000", "", 5000, errSendCode},
		{"not UTF-8", "\xff", CloseNormal, errSendReason},
		{"cut inside a character", "\xc3", CloseNormal, errSendReason},
		{"124 octets", strings.Repeat("a", 124), CloseNormal, errSendReasonLong},
		{"124 octets, 62 characters", strings.Repeat("é", 62), CloseNormal, errSendReasonLong},
	} {
		dst := []byte("dst")
		got, err := AppendClose(dst, row.code, row.reason)
		if string(got) != "dst" || err != row.err || !errors.Is(err, ErrNotSendable) {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
		if breach := (*Error)(nil); errors.As(err, &breach) {
			t.Errorf("%s: our own mistake looks like one of the peer's", row.name)
		}
	}
	if got, err := AppendClose(nil, CloseNormal, strings.Repeat("a", 123)); len(got) != MaxControlPayload || err != nil {
		t.Error(len(got), err)
	}
}

func TestCloseAllocs(t *testing.T) {
	payload := []byte("\x03\xe8goodbye")
	dst := make([]byte, 0, MaxControlPayload)
	for name, f := range map[string]func(){
		"ParseClose":         func() { ParseClose(payload) },
		"ParseClose, breach": func() { ParseClose(payload[:1]) },
		"AppendClose":        func() { dst, _ = AppendClose(dst[:0], CloseNormal, "goodbye") },
		"AppendClose, error": func() { dst, _ = AppendClose(dst[:0], CloseAbnormal, "goodbye") },
		"String":             func() { _ = CloseNormal.String() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParseClose(b *testing.B) {
	for _, size := range []int{0, 2, 125} {
		payload := append([]byte{0x03, 0xe8}, bytes.Repeat([]byte("a"), 123)...)[:size]
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParseClose(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
