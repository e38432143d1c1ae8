// Package testee is WebSocket endpoints that are wrong on purpose, for the tests of the conformance suite: a suite that finds no fault in them finds none anywhere.
//
// A Peer is one end of one connection, a machine without I/O: octets and the time go in (Receive, Tick), octets come out (Take), with the wish to close TCP (Gone).
// So it can be joined with the runner in memory, under simulated time. Server and Client drive it over sockets.
//
// A Kind says how it behaves. There are three sorts:
//
//   - Correct keeps to RFC 6455 and is as strict as the RFC allows. It echoes.
//   - Faults are Correct with one thing wrong each, and the cases of the suite that have to turn red for it.
//   - Odd are the peers whose verdicts by the original suite are on record. They validate nothing.
//
// The octets are made and read here; package frame serves for headers that are well formed, and package handshake for the Sec-WebSocket-Accept.
package testee
