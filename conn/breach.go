package conn

import "github.com/idlewire/idlewire/frame"

// A breach is which error ended a receiving half, in one byte: a pointer would be eight in each of a million connections. 0 is none.
type breach uint8

// breaches are all that a Receive can return.
var breaches = [...]*frame.Error{
	frame.ErrReservedBits, frame.ErrReservedOpcode, frame.ErrControlFragmented, frame.ErrMaskRequired, frame.ErrMaskForbidden,
	frame.ErrControlTooLong, frame.ErrLengthOverflow, frame.ErrLengthNotMinimal,
	frame.ErrCloseLength, frame.ErrCloseCode, frame.ErrCloseReason,
	frame.ErrUnexpectedContinuation, frame.ErrExpectedContinuation, frame.ErrInvalidUTF8, frame.ErrInvalidDeflate,
	frame.ErrMessageTooBig, frame.ErrTooManyFragments,
}

// breachOf returns the breach that is err.
func breachOf(err error) breach {
	for i, e := range breaches {
		if err == e {
			return breach(i + 1)
		}
	}
	panic("conn: an error that no Receive returns: " + err.Error())
}

// err returns the error; nil if b is none.
func (b breach) err() error {
	if b == 0 {
		return nil
	}
	return breaches[b-1]
}
