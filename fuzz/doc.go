// Package fuzz tries to break receivers of WebSocket frames, ours and others. It is made of pure functions of strings of octets, for any fuzzer:
//
//	data ── SetupOf ── Setup             role, limits, compression
//	     └─ Generate ─ Session           frames of which nothing has to be right, and cuts: how they arrive
//	                     │  Mutate       changes a little of it
//	                     │  Bytes, Pieces
//	                     ▼
//	                   stream ┬──────── the implementation ── Outcome
//	                          ├──────── Judge ─────────────── Verdict  ┐
//	                          └──────── JudgeLate ─────────── Verdict  ┴─ Between: "" or what is wrong
//
// [Judge] is the reference: RFC 6455 and RFC 7692, one octet after the other. Where the RFC lets an endpoint choose when to notice a fault, [JudgeLate] is
// the other end of the choice, and [Compare] accepts what lies between.
//
// When something is wrong, [Shrink] makes it small, and the String of a [Session] lists it, a line for a frame.
//
// The functions Check… each hold a part of this library to its property, and panic where it does not keep it; the Fuzz targets of the package's
// tests call them, and other fuzzers can.
package fuzz
