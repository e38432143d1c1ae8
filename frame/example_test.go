package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/idlewire/idlewire/frame"
)

// Frames over an io.Reader and an io.Writer: the server echoes, answers pings, and fails the connection when
// the client breaks a rule.
func Example() {
	var toServer, toClient bytes.Buffer // a connection would do as well

	send := func(h frame.Header, payload string) {
		h.Fin, h.Masked, h.Key = true, true, 0x3d21fa37 // a real client takes each key from crypto/rand: 10.3
		if err := frame.Write(&toServer, frame.Frame{Header: h, Payload: []byte(payload)}); err != nil {
			fmt.Println(err)
		}
	}
	send(frame.Header{Opcode: frame.Text}, "Hello")
	send(frame.Header{Opcode: frame.Ping}, "are you there?")
	send(frame.Header{Opcode: frame.Binary, Rsv: frame.Rsv1}, "no extension was negotiated")

	if err := echo(&toServer, &toClient); err != nil {
		fmt.Println(err)
	}

	for {
		f, err := frame.Read(&toClient, frame.FromServer, 0, 1<<20)
		if err != nil {
			return // io.EOF
		}
		if f.Opcode == frame.Close {
			code, _, _ := frame.ParseClose(f.Payload)
			fmt.Println(f.Opcode, code)
		} else {
			fmt.Printf("%v %q\n", f.Opcode, f.Payload)
		}
	}
	// Output:
	// text "Hello"
	// pong "are you there?"
	// close 1002 protocol error
}

func echo(r io.Reader, w io.Writer) error {
	for {
		f, err := frame.Read(r, frame.FromClient, 0, 1<<20)
		if breach := (*frame.Error)(nil); errors.As(err, &breach) {
			payload, _ := frame.AppendClose(nil, breach.Code, "")
			f = frame.Frame{Header: frame.Header{Opcode: frame.Close, Fin: true}, Payload: payload}
		} else if err != nil {
			return err
		}
		if f.Opcode == frame.Ping {
			f.Opcode = frame.Pong
		}
		f.Masked = false
		if err := frame.Write(w, f); err != nil || f.Opcode == frame.Close {
			return err
		}
	}
}

// Bytes come from somewhere and in pieces. ParseHeader says when it needs more, Mask goes on where it
// stopped.
func ExampleParseHeader() {
	pieces := [][]byte{{0x81}, {0x85, 0x37, 0xfa, 0x21, 0x3d}, {0x7f, 0x9f}, {0x4d, 0x51, 0x58}}

	var b []byte
	var h frame.Header
	var n int
	for n == 0 {
		b = append(b, pieces[0]...)
		pieces = pieces[1:]
		var err error
		if h, n, err = frame.ParseHeader(b, frame.FromClient, 0); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(h.Opcode, h.Length, "octets")

	key := h.Key
	for _, piece := range pieces {
		key = frame.Mask(piece, key)
		fmt.Printf("%q\n", piece)
	}
	// Output:
	// text 5 octets
	// "He"
	// "llo"
}

// A whole frame in one call, behind whatever is already to be sent.
func ExampleAppend() {
	var out []byte
	out = frame.Append(out, frame.Header{Opcode: frame.Text}, []byte("Hel"))
	out = frame.Append(out, frame.Header{Opcode: frame.Continuation, Fin: true}, []byte("lo"))
	fmt.Printf("% x\n", out)
	// Output: 01 03 48 65 6c 80 02 6c 6f
}

func ExampleAppendClose() {
	payload, err := frame.AppendClose(nil, frame.CloseGoingAway, "back at noon")
	fmt.Printf("% x %v\n", payload[:2], err)

	code, reason, err := frame.ParseClose(payload)
	fmt.Printf("%v, %s, %v\n", code, reason, err)

	_, err = frame.AppendClose(nil, frame.CloseAbnormal, "")
	fmt.Println(err)
	// Output:
	// 03 e9 <nil>
	// 1001 going away, back at noon, <nil>
	// frame: not sendable: close code that must not be on the wire
}

// An é arrives in two pieces, and then something that is not UTF-8.
func ExampleUTF8() {
	var u frame.UTF8
	fmt.Println(u.Valid([]byte("caf\xc3")), u.Complete())
	fmt.Println(u.Valid([]byte("\xa9")), u.Complete())
	fmt.Println(u.Valid([]byte("\xed\xa0")), u.Complete()) // half a surrogate: no need to wait for the third octet
	// Output:
	// true false
	// true true
	// false false
}

// A payload that is too long to be held is copied through a small buffer.
func ExampleReadHeader() {
	r := bytes.NewReader(frame.Append(nil, frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Key: 0x04030201}, make([]byte, 1<<20)))

	h, err := frame.ReadHeader(r, frame.FromClient, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := io.LimitReader(r, h.Length)
	buf, key, sum := make([]byte, 1000), h.Key, 0
	for {
		n, err := payload.Read(buf)
		key = frame.Mask(buf[:n], key)
		for _, c := range buf[:n] {
			sum += int(c)
		}
		if err != nil {
			fmt.Println(h.Opcode, h.Length, sum, err)
			return
		}
	}
	// Output: binary 1048576 0 EOF
}
