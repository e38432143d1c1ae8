// Package autobahn tests whether a WebSocket implementation keeps to RFC 6455 and RFC 7692: the 517 cases of the Autobahn Testsuite, with its numbers and
// verdicts, and some 900 more (ExtraCases). Command wstest is the same as a program; README.md says how to use it, and how to replace the original by it.
//
// # How a case runs
//
//	        this package, the runner                        the peer: an echo
//	Case -> session: a machine without I/O <-> driver <-> TCP <-> server or client under test
//	           |
//	           v
//	        Result: what came, two verdicts with their reasons, the wire log -> Report
//
// A peer has to do no more than to send each data message back. The runner sends what the case's Steps say, good or bad, records the messages and pongs that
// come, and looks at who ends the connection and how. Behavior judges the first, BehaviorClose the second.
//
// # The types
//
// A Case is data: Steps, Expectations, a Deadline, a CloseExpectation. A Client plays cases with servers, its Targets; a Server with the clients that connect to it.
// Both make a Report of Results, which Report.Write writes as the original does (index.json, a file for each case) and as a page for people. Config
// reads the original's configuration files, Select its case patterns. Expected is a list of verdicts to compare with, Diff the comparison.
// Opening, Outcome, Odd and Answer are of the extra cases alone.
//
// # What it trusts
//
// Nothing that it may be testing: it does not use packages conn and netpoll. Frames, requests and responses of the peer are read by code of its own. Packages frame
// and handshake write what is well formed; handshake also reads the elements of an extension header. A peer that hangs, floods or says nothing ends
// its case all the same; MaxIncoming and the constants beside it bound what it can make grow.
//
// # What is not here
//
// The original's WAMP modes, its mass connections, the commands that its server takes on other URLs, and the web server that drives a browser.
//
// # A program
//
// In a test, each case is a subtest:
//
//	func TestConformance(t *testing.T) {
//		srv := httptest.NewServer(echoHandler)
//		defer srv.Close()
//		autobahn.Run(t, "ws"+strings.TrimPrefix(srv.URL, "http"), autobahn.Exclude("9.*"))
//	}
package autobahn
