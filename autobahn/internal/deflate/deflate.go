// Package deflate is permessage-deflate (RFC 7692) for the conformance suite.
package deflate

// Params are what was agreed for a connection (RFC 7692, section 7.1).
type Params struct {
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
	ServerMaxWindowBits     int // 8 to 15; 0: not given, which means 15
	ClientMaxWindowBits     int // likewise
}
