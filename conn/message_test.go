package conn

import (
	"testing"

	"github.com/idlewire/idlewire/frame"
)

func TestMessageClose(t *testing.T) {
	for _, m := range []struct {
		m      Message
		code   frame.CloseCode
		reason string
	}{
		{closeOf(""), frame.CloseNoStatus, ""},
		{closeOf("\x03\xe8"), frame.CloseNormal, ""},
		{closeOf("\x0f\xa0bye"), 4000, "bye"},
		{closeOf("\x03"), frame.CloseNoStatus, ""},
		{closeOf("\x00\x00bye"), frame.CloseNoStatus, ""},
		{closeOf("\x03\xe8\xff"), frame.CloseNoStatus, ""},
		{textOf("\x03\xe8"), frame.CloseNoStatus, ""},
		{Message{}, frame.CloseNoStatus, ""},
	} {
		if code, reason := m.m.Close(); code != m.code || reason != m.reason {
			t.Errorf("%v: %v %q, want %v %q", m.m, code, reason, m.code, m.reason)
		}
	}
	// The reason outlives the payload.
	m := closeOf("\x0f\xa0bye")
	_, reason := m.Close()
	clear(m.Payload)
	if reason != "bye" {
		t.Errorf("the reason has become %q", reason)
	}
}
