package peers

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/idlewire/idlewire/handshake"
)

// A wire is one end of a connection in memory, for an endpoint to read what its peer has sent. Nothing on it takes time: what is read is there or at its end,
// what is written is looked at and forgotten.
type wire struct {
	ready chan struct{} // closed when there is something to read: a client has to send its request first

	mu      sync.Mutex // guards what follows
	pieces  [][]byte
	ended   bool // the end has been read
	closed  bool
	request []byte // of a client, until it is complete
	deflate string // the extension that a client's server agrees to

	close     bool   // a Close frame has been written, before the end was read
	closeCode uint16 // its code; 1005: none
}

// serverWire is for a server under test: its peer has sent pieces.
func serverWire(pieces [][]byte) *wire {
	w := &wire{ready: make(chan struct{}), pieces: pieces}
	close(w.ready)
	return w
}

// clientWire is for a client under test: pieces come after the response to its request.
func clientWire(pieces [][]byte, extension string) *wire {
	return &wire{ready: make(chan struct{}), pieces: pieces, deflate: extension, request: []byte{}}
}

func (w *wire) Read(b []byte) (int, error) {
	<-w.ready
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pieces) > 0 && len(w.pieces[0]) == 0 {
		w.pieces = w.pieces[1:]
	}
	switch {
	case w.closed:
		return 0, net.ErrClosed
	case len(w.pieces) == 0:
		w.ended = true
		return 0, io.EOF
	}
	n := copy(b, w.pieces[0])
	w.pieces[0] = w.pieces[0][n:]
	return n, nil
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return 0, net.ErrClosed
	case w.request != nil:
		w.request = append(w.request, b...)
		if bytes.HasSuffix(w.request, []byte("\r\n\r\n")) {
			w.respond()
		}
	case len(b) > 0 && b[0] == 0x88 && !w.close && !w.ended: // all of them write a Close in one piece
		if frames, _ := fuzz.Dissect(b); len(frames) > 0 {
			w.close = true
			w.closeCode, _ = fuzz.Event{Op: fuzz.OpClose, Payload: frames[0].Payload}.Close()
		}
	}
	return len(b), nil
}

// respond answers a client's request.
func (w *wire) respond() {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(w.request)))
	if err != nil {
		panic(err) // a library that sends no HTTP
	}
	response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		string(handshake.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key")))) + "\r\n"
	if w.deflate != "" {
		response += "Sec-WebSocket-Extensions: " + w.deflate + "\r\n"
	}
	w.pieces = append([][]byte{[]byte(response + "\r\n")}, w.pieces...)
	w.request = nil
	close(w.ready)
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return nil
}

func (w *wire) LocalAddr() net.Addr              { return address{} }
func (w *wire) RemoteAddr() net.Addr             { return address{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }

// end says what it means that an endpoint has stopped to read: it failed the connection if it did so before the end, and not because of a Close that it has heard.
func (w *wire) end(got fuzz.Outcome) fuzz.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(got.Events); n > 0 && got.Events[n-1].Op == fuzz.OpClose {
		return got
	}
	if w.close {
		got.Failed = true
		if w.closeCode != 1005 {
			got.Code = w.closeCode
		}
	}
	if !w.ended {
		got.Failed = true
	}
	return got
}

// A hijacked is the ResponseWriter of a server under test.
type hijacked struct {
	wire   *wire
	header http.Header
}

func (h *hijacked) Header() http.Header         { return h.header }
func (h *hijacked) Write(b []byte) (int, error) { return len(b), nil }
func (h *hijacked) WriteHeader(int)             {}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.wire, bufio.NewReadWriter(bufio.NewReader(h.wire), bufio.NewWriter(h.wire)), nil
}

// upgrade returns what a server's handler gets when a client asks for a WebSocket, with this offer of an extension.
func upgrade(w *wire, extension string) (http.ResponseWriter, *http.Request) {
	h := http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	if extension != "" {
		h.Set("Sec-WebSocket-Extensions", extension)
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Host: "memory"}
	return &hijacked{wire: w, header: http.Header{}}, r
}
