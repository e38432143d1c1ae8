// Package golibs tests idlewire against WebSocket endpoints that nobody here wrote: gobwas/ws, gorilla/websocket and coder/websocket from Go, and ws from Node.
//
// There are four words. A link is one library's connection in the words of the table: send, fragments, ping, goodbye. A tap is the TCP connection under it, which
// keeps every byte, so that what was really said is judged by a naive reader of frames and not by the libraries. A peer is a link over a tap. A check is one
// conversation that a peer holds with a server, and an error if anything in it was wrong.
//
// The same checks run in four ways: each library's client against examples/echo, built and started as a process, with each driver; conn.Dial against servers built from
// each library; the libraries among themselves; and against a server with one deliberate fault at a time, which shows that the checks can fail.
//
// Compression has conversations of its own (deflate_test.go), with gws and Chromium, too. There a relay between both ends keeps all octets, since an end may be in any process; knobs
// are what an end wants, a talk is who speaks to whom and what they have to agree on, and the judge inflates what passed in the window that was agreed on.
//
// The package has nothing to import; it is a module of its own so that the libraries never become requirements of idlewire.
package golibs
