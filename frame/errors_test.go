package frame

import (
	"errors"
	"fmt"
	"testing"
)

// Each breach with the close code that RFC 6455 wants for it.
func TestErrorCodes(t *testing.T) {
	texts := map[string]bool{}
	for code, list := range map[CloseCode][]*Error{
		CloseProtocolError: {ErrReservedBits, ErrReservedOpcode, ErrControlFragmented, ErrMaskRequired, ErrMaskForbidden, ErrControlTooLong,
			ErrLengthOverflow, ErrLengthNotMinimal, ErrCloseLength, ErrCloseCode, ErrUnexpectedContinuation, ErrExpectedContinuation},
		CloseInvalidPayload:  {ErrInvalidUTF8, ErrCloseReason},
		ClosePolicyViolation: {ErrTooManyFragments, ErrControlRate},
		CloseTooBig:          {ErrMessageTooBig},
	} {
		for _, want := range list {
			err := fmt.Errorf("reading: %w", want)
			var e *Error
			if !errors.Is(err, want) || !errors.As(err, &e) || e != want || e.Code != code || !e.Code.Sendable() {
				t.Errorf("%v: %v", want, e)
			}
			if e.Error() == "" || texts[e.Error()] {
				t.Errorf("%q does not tell it from another", e)
			}
			texts[e.Error()] = true
		}
	}
	if len(texts) != 17 {
		t.Errorf("%d breaches in the table", len(texts))
	}
}
