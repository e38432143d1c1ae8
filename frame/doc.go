// Package frame reads and writes the bytes of one WebSocket frame (RFC 6455, section 5).
package frame
