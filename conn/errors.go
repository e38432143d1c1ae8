package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/idlewire/idlewire/frame"
)

// A CloseError says that the peer said goodbye: it sent a Close frame.
type CloseError struct {
	Code   frame.CloseCode // frame.CloseNoStatus if the Close had none
	Reason string          // at most 123 bytes
}

// Error returns the code and the reason, quoted, and cut to 64 bytes because it is the peer's.
func (e *CloseError) Error() string {
	s := "peer closed the connection: " + e.Code.String()
	if e.Reason != "" {
		s += " " + strconv.Quote(e.Reason[:min(len(e.Reason), 64)])
	}
	return s
}

// ErrCloseSent means that our Close has been sent, and nothing may be sent after it (RFC 6455, section 5.5.1).
var ErrCloseSent = errors.New("conn: close already sent")

// ErrOpcode means that a data message was to be sent that is neither text nor binary. It is a frame.ErrNotSendable.
var ErrOpcode = fmt.Errorf("%w: a message is text or binary", frame.ErrNotSendable) // 5.6

// What else a program may ask for and no endpoint may send; errors.Is finds frame.ErrNotSendable in each.
var (
	errMessageOpen  = fmt.Errorf("%w: new message before the last fragment of another", frame.ErrNotSendable)     // 5.4
	errNoMessage    = fmt.Errorf("%w: continuation without a message to continue", frame.ErrNotSendable)          // 5.4
	errControlSize  = fmt.Errorf("%w: control frame longer than 125 bytes", frame.ErrNotSendable)                 // 5.5
	errClientShares = fmt.Errorf("%w: a client masks each frame afresh, so it shares none", frame.ErrNotSendable) // 5.1, 5.3
)

// CodeOf returns the close code that tells why a connection ended with err, anywhere in its chain:
//
//   - CloseNormal for nil,
//   - the code of a [*frame.Error], with which to fail the connection, or of a [*CloseError], which the peer gave,
//   - CloseAbnormal if the transport ended, broke or timed out: there is nobody to send a Close to,
//   - CloseInternalError for all else.
func CodeOf(err error) frame.CloseCode {
	var breach *frame.Error
	var goodbye *CloseError
	switch {
	case err == nil:
		return frame.CloseNormal
	case errors.As(err, &breach):
		return breach.Code
	case errors.As(err, &goodbye):
		return goodbye.Code
	case transport(err):
		return frame.CloseAbnormal
	}
	return frame.CloseInternalError
}

// transport reports whether err comes from what carries the bytes.
func transport(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrNoProgress, io.ErrShortWrite, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	var op net.Error
	var call *os.SyscallError
	return errors.As(err, &op) || errors.As(err, &call)
}
