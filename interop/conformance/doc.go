// Package conformance runs the suite of package autobahn against WebSocket libraries that nobody here wrote, and against idlewire, and compares its verdicts,
// case by case, with those that the original suite gave.
//
// There are three words. A Peer is an implementation under test: a server that echoes, or a client that comes for the cases. Facts are what was recorded of peers
// with the original (autobahn/testdata/good-peers.json). A Difference is a case whose verdict is not the recorded one; it has a reason, or it is a bug of somebody.
//
// The servers and clients in Go live in this process, each on a free port of the loopback; those of Node are processes that end with it. Everything ends by itself.
//
// It is a module of its own so that the libraries never become requirements of idlewire. The command in cmd/peers is the way to use it.
package conformance
