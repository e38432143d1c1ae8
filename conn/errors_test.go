package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

func TestCodeOf(t *testing.T) {
	for _, e := range []struct {
		err  error
		want frame.CloseCode
	}{
		{nil, frame.CloseNormal},
		{frame.ErrReservedBits, frame.CloseProtocolError},
		{frame.ErrInvalidUTF8, frame.CloseInvalidPayload},
		{frame.ErrCloseReason, frame.CloseInvalidPayload},
		{frame.ErrMessageTooBig, frame.CloseTooBig},
		{frame.ErrTooManyFragments, frame.ClosePolicyViolation},
		{frame.ErrControlRate, frame.ClosePolicyViolation},
		{fmt.Errorf("read: %w", frame.ErrCloseCode), frame.CloseProtocolError},
		{&CloseError{4001, "x"}, 4001},
		{&CloseError{Code: frame.CloseNoStatus}, frame.CloseNoStatus},
		{errors.Join(errors.New("read"), &CloseError{Code: frame.CloseGoingAway}), frame.CloseGoingAway},
		{io.EOF, frame.CloseAbnormal},
		{io.ErrUnexpectedEOF, frame.CloseAbnormal},
		{io.ErrClosedPipe, frame.CloseAbnormal},
		{fmt.Errorf("read: %w", io.ErrNoProgress), frame.CloseAbnormal},
		{fmt.Errorf("write: %w", io.ErrShortWrite), frame.CloseAbnormal},
		{net.ErrClosed, frame.CloseAbnormal},
		{os.ErrDeadlineExceeded, frame.CloseAbnormal},
		{fmt.Errorf("read: %w", io.EOF), frame.CloseAbnormal},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, frame.CloseAbnormal},
		{fmt.Errorf("write: %w", os.NewSyscallError("sendto", syscall.EPIPE)), frame.CloseAbnormal},
		{&net.DNSError{Err: "no such host"}, frame.CloseAbnormal},
		{ErrCloseSent, frame.CloseInternalError},
		{ErrOpcode, frame.CloseInternalError},
		{context.Canceled, frame.CloseInternalError},
		{errors.New("the program's own"), frame.CloseInternalError},
	} {
		if got := CodeOf(e.err); got != e.want {
			t.Errorf("%v: %v, want %v", e.err, got, e.want)
		}
	}
}

func TestCloseErrorShowsLittleOfThePeer(t *testing.T) {
	for _, e := range []struct {
		err  CloseError
		want string
	}{
		{CloseError{Code: frame.CloseNoStatus}, "peer closed the connection: " + frame.CloseNoStatus.String()},
		{CloseError{Code: frame.CloseNormal, Reason: "bye"}, "peer closed the connection: " + frame.CloseNormal.String() + ` "bye"`},
		{CloseError{Code: 4000, Reason: "\x1b[2J\nroot:"}, "peer closed the connection: " + frame.CloseCode(4000).String() + ` "\x1b[2J\nroot:"`},
		{CloseError{Code: 4000, Reason: strings.Repeat("x", 123)}, "peer closed the connection: " + frame.CloseCode(4000).String() + ` "` + strings.Repeat("x", 64) + `"`},
	} {
		if got := e.err.Error(); got != e.want {
			t.Errorf("%s, want %s", got, e.want)
		}
	}
	var goodbye *CloseError
	if !errors.As(fmt.Errorf("read: %w", &CloseError{Code: 4000}), &goodbye) || goodbye.Code != 4000 {
		t.Error("errors.As does not find it")
	}
}

// Whatever Receive returns, errors.As finds the code and errors.Is the breach.
func TestErrorsOfReceive(t *testing.T) {
	for _, s := range sessions {
		if s.err == nil {
			continue
		}
		p := Protocol{Role: s.role}
		err := play(t, &p, whole, wire(s.wire)).err
		var breach *frame.Error
		if !errors.As(err, &breach) || !errors.Is(err, s.err) || breach.Code != CodeOf(err) || !breach.Code.Sendable() {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}
