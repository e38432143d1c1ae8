// Package autobahn is a conformance suite for WebSocket implementations.
package autobahn
