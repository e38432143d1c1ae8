package fuzz_test

import (
	"fmt"

	"github.com/idlewire/idlewire/fuzz"
)

// A receiver that forgets to look at the reserved bits, and what is said of it.
func Example() {
	setup := fuzz.Setup{Role: fuzz.Client}
	session := fuzz.Session{Setup: setup, Frames: []fuzz.Frame{
		{Fin: true, Opcode: fuzz.OpText, Length: 5, Payload: []byte("Hello")},
		{Fin: true, Opcode: fuzz.OpPing, Rsv: 2, Length: 2, Payload: []byte("hi"), Note: "reserved bits"},
	}}
	heard := fuzz.Outcome{Events: []fuzz.Event{
		{Op: fuzz.OpText, Payload: []byte("Hello")},
		{Op: fuzz.OpPing, Payload: []byte("hi")},
	}}
	fmt.Print(&session)
	fmt.Println(fuzz.Compare(setup, session.Bytes(), heard))
	// Output:
	// to a client, limits {Message:0 Fragments:0 Wire:0}
	//      0 FIN text 5 "Hello"
	//      7 FIN RSV2 ping 2 "hi" -- reserved bits
	// event 1 is ping "hi"; want failure, 1002 at octet 8: 5.2: RSV without an extension that gives it a meaning
}

// What is left of a session that breaks a rule: the frame that does, and what makes it do so.
func ExampleShrink() {
	setup := fuzz.Setup{Role: fuzz.Server}
	session := fuzz.Session{Setup: setup, Frames: []fuzz.Frame{
		{Fin: true, Opcode: fuzz.OpPing, Masked: true, Length: 2, Payload: []byte("hi")},
		{Fin: true, Opcode: fuzz.OpText, Masked: true, Key: [4]byte{1, 2, 3, 4}, Length: 4, Payload: []byte("ab\xffd")},
	}}
	broken := func(stream []byte) bool {
		v := fuzz.Judge(setup, stream)
		return v.State == fuzz.Failed && v.Fault.Section == "8.1"
	}
	fmt.Printf("% x\n", fuzz.Shrink(session, broken, 1000))
	// Output:
	// 81 81 00 00 00 00 ff
}
