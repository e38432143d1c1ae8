// Package handshake is the opening handshake of WebSocket (RFC 6455 section 4): the bytes and
// the policy, for servers and clients.
package handshake
