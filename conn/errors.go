package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/idlewire/idlewire/frame"
)

// A CloseError says that the peer closed the connection with a Close frame.
type CloseError struct {
	Code   frame.CloseCode // frame.CloseNoStatus if the Close had none
	Reason string
}

// Error returns the code and the reason, quoted and cut to 64 bytes.
func (e *CloseError) Error() string {
	s := "closed by the peer: " + e.Code.String()
	if e.Reason != "" {
		r := e.Reason
		if len(r) > 64 {
			r = r[:64]
		}
		s += " " + strconv.Quote(r)
	}
	return s
}

// Mistakes of the caller. Nothing has been appended.
var (
	ErrCloseSent    = errors.New("conn: close already sent")                                // 5.5.1
	ErrOpcode       = errors.New("conn: opcode is not text or binary")                      // 5.6
	ErrMessageOpen  = errors.New("conn: the fragmented message before is not finished")     // 5.4
	ErrNoMessage    = errors.New("conn: continuation without a fragmented message")         // 5.4
	ErrControlSize  = errors.New("conn: control frame longer than 125 bytes")               // 5.5
	ErrClientShares = errors.New("conn: a client masks each frame, so it cannot share one") // 5.1
)

// CodeOf returns the close code that belongs to err: that of a *frame.Error or *CloseError; CloseNormal for nil;
// CloseAbnormal if the transport ended or timed out, and then no Close can be sent; else CloseInternalError.
func CodeOf(err error) frame.CloseCode {
	var fe *frame.Error
	var ce *CloseError
	var se *os.SyscallError
	var ne net.Error
	switch {
	case err == nil:
		return frame.CloseNormal
	case errors.As(err, &fe):
		return fe.Code
	case errors.As(err, &ce):
		return ce.Code
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &se), errors.As(err, &ne):
		return frame.CloseAbnormal
	}
	return frame.CloseInternalError
}
