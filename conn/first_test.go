package conn

import (
	"github.com/idlewire/idlewire/frame"
	"testing"
)

func TestFirst(t *testing.T) {
	var s Protocol
	c := Protocol{Role: Client}
	w, err := c.AppendMessage(nil, frame.Text, []byte("Hello"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range w {
		m, rest, err := s.Receive(w[i : i+1])
		if err != nil || len(rest) != 0 {
			t.Fatal(err)
		}
		if i == len(w)-1 && string(m.Payload) != "Hello" {
			t.Fatal(m)
		}
	}
	m, _, err := s.Receive(nil)
	if m.Op != 0 || err != nil || s.Buffered() != 0 {
		t.Fatal(m, err, s.Buffered())
	}
}
