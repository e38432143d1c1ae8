package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A life is a Conn, what its program was told of it, and what its peer heard.
type life struct {
	testing.TB
	c  *Conn
	mu sync.Mutex

	fate map[string]error // of each message that the program wanted to send
}

// Each call of the program is two octets: which, and how.
const (
	callRead   = iota // how: for how many seconds, 0: as long as it takes
	callReader        // how: how many octets are read of the message; from 128 on WriteTo, to a writer that fails after as many
	callWrite         // how: see size
	callWriteContext
	callWriteUncompressed
	callWritePrepared
	callWriter // how: the number of writes
	callWriterContext
	callWriteNothing // how: an opcode that is none of a message
	callPing         // how: the length
	callReadDeadline // how: see instant
	callWriteDeadline
	callDeadline
	callSleep // how: seconds
	callClose // how: see goodbyes
	callCloseNow
	calls
)

// size is how long the message of a call is.
func size(how byte) int { return []int{0, 5, 125, 126, 4000, 4096, 20_000, 70_000}[how%8] }

// instant is a deadline.
func instant(how byte) time.Time {
	return []time.Time{{}, longAgo, time.Now(), time.Now().Add(time.Second), time.Now().Add(15 * time.Second), time.Now().Add(time.Hour)}[how%6]
}

var goodbyes = []CloseError{{1000, ""}, {frame.CloseNoStatus, ""}, {4999, strings.Repeat("é", 61)}, {1000, strings.Repeat("x", 124)}, {1006, ""}, {1000, "\xff"}}

// text returns a message that nobody else sends, and says what has become of the last.
func (s *life) text(who string, n, length int) string {
	id := fmt.Sprintf("%s%d,", who, n)
	return id + strings.Repeat("x", max(0, length-len(id)))
}

func (s *life) became(text string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fate[text] = err
	return err
}

// run calls what the program says.
func (s *life) run(who string, program []byte) {
	c := s.c
	var left io.Reader
	for n := 0; len(program) > 0; n++ {
		op, how := program[0]%calls, byte(0)
		if program = program[1:]; len(program) > 0 {
			how, program = program[0], program[1:]
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(how/8)*time.Second)
		text := s.text(who, n, size(how))
		var err error
		switch op {
		case callRead:
			if how == 0 {
				_, err = c.Read()
			} else {
				_, err = c.ReadContext(ctx)
			}
		case callReader:
			err = s.read(ctx, how, &left)
		case callWrite:
			err = s.became(text, c.Write(frame.Text, []byte(text)))
		case callWriteContext:
			err = s.became(text, c.WriteContext(ctx, frame.Binary, []byte(text)))
		case callWriteUncompressed:
			err = s.became(text, c.WriteUncompressed(frame.Text, []byte(text)))
		case callWritePrepared:
			m, mistake := Prepare(frame.Binary, []byte(text))
			if mistake != nil || m.Size() < len(text)+2 {
				s.Errorf("prepared: %v", mistake)
			}
			err = s.became(text, c.WritePrepared(m))
		case callWriter:
			text = s.text(who, n, int(how)*1000)
			err = s.became(text, s.stream(background, text, 1000))
		case callWriterContext:
			text = s.text(who, n, 50_000)
			err = s.became(text, s.stream(ctx, text, 500*int(how%8+1)))
		case callWriteNothing:
			if _, mistake := Prepare(frame.Opcode(how), nil); frame.Opcode(how).IsData() != (mistake == nil) {
				s.Errorf("prepared %v: %v", frame.Opcode(how), mistake)
			}
			if _, err = c.Writer(background, frame.Opcode(how|8)); !errors.Is(err, ErrOpcode) {
				s.Errorf("a Writer of %v: %v", frame.Opcode(how|8), err)
			}
			err = c.Write(frame.Opcode(how|8), nil)
			if err == nil {
				s.Errorf("wrote %v", frame.Opcode(how|8))
			}
		case callPing:
			if err = c.Ping(make([]byte, how)); err == nil && how > 125 {
				s.Errorf("a ping of %d", how)
			}
		case callReadDeadline:
			err = c.SetReadDeadline(instant(how))
		case callWriteDeadline:
			err = c.SetWriteDeadline(instant(how))
		case callDeadline:
			err = c.SetDeadline(instant(how))
		case callSleep:
			time.Sleep(time.Duration(how) * time.Second)
		case callClose:
			bye := goodbyes[int(how)%len(goodbyes)]
			err = c.Close(bye.Code, bye.Reason)
			if int(how)%len(goodbyes) > 2 && !errors.Is(err, frame.ErrNotSendable) {
				s.Errorf("Close(%d, %q): %v", bye.Code, bye.Reason, err)
			}
		case callCloseNow:
			err = c.CloseNow()
		}
		cancel()
		s.explained(op, err)
	}
}

// read reads a message with Reader. left is what was had before: it gives nothing any more.
func (s *life) read(ctx context.Context, how byte, left *io.Reader) error {
	if how%128 < 8 {
		ctx = background
	}
	_, r, err := s.c.Reader(ctx)
	if err != nil {
		return err
	}
	if *left != nil {
		if n, err := (*left).Read(make([]byte, 1)); n > 0 || err == nil {
			s.Errorf("a message that was left gives %d, %v", n, err)
		}
	}
	*left = r
	if how >= 128 {
		room := int(how-128) * 100
		_, err = r.(io.WriterTo).WriteTo(writerFunc(func(b []byte) (int, error) {
			n := min(len(b), room)
			room -= n
			return n, nil
		}))
	} else {
		_, err = io.ReadFull(r, make([]byte, how))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) {
		return nil // the message is shorter, or the transport has ended within it
	}
	if n, err := r.Read(nil); n != 0 || err != nil {
		s.Errorf("read nothing: %d, %v", n, err)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) { // the context of Reader holds for what it gave
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ctx.Err()) && !errors.Is(err, net.ErrClosed) {
			s.Errorf("read after the end of the context: %v", err)
		}
	}
	return err
}

// stream sends a message through a Writer.
func (s *life) stream(ctx context.Context, text string, step int) error {
	w, err := s.c.Writer(ctx, frame.Text)
	if err != nil {
		return err
	}
	for rest := text; err == nil && len(rest) > 0; {
		n := min(len(rest), step)
		_, err = io.WriteString(w, rest[:n])
		rest = rest[n:]
		step *= 2
	}
	closed := w.Close()
	if again := w.Close(); again == nil {
		s.Error("a message was ended twice")
	}
	return errors.Join(err, closed)
}

// explained checks that err is one of those that the methods promise.
func (s *life) explained(op byte, err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, frame.ErrNotSendable) || errors.Is(err, errReaders) {
		return
	}
	if CodeOf(err) == frame.CloseInternalError || err.Error() == "" || CodeOf(nil) != frame.CloseNormal {
		s.Errorf("call %d: %v", op, err)
	}
	if ne := net.Error(nil); errors.As(err, &ne) && errors.Is(err, net.ErrClosed) && ne.Timeout() && !errors.Is(err, context.DeadlineExceeded) && !isDeadline(err) {
		s.Errorf("call %d says that it may be repeated: %v", op, err)
	}
}

// FuzzSession: whatever a program calls from two goroutines, at whatever times, whatever the peer says, whether it listens, and wherever the transport fails: nothing panics or waits for
// ever, each error is one that is promised; what the peer hears is legal, and of the messages each that was sent, in order, none that was refused, none twice.
func FuzzSession(f *testing.F) {
	for _, row := range sessionSeeds {
		f.Add(row.one, row.other, row.peer, row.setup)
	}
	f.Fuzz(func(t *testing.T, one, other, peer, setup []byte) {
		if len(one)+len(other) > 64 || len(peer) > 64 {
			return
		}
		theServer(t) // outside of the bubble, whose time is another
		synctest.Test(t, func(t *testing.T) {
			nc, p := rough(t, setup)
			s := &life{TB: t, c: p.conn(nc), fate: map[string]error{}}
			heard, spoke := goes(p.hear), goes(func() { p.speak(peer) })
			ran := []func(){goes(func() { s.run("a", one) }), goes(func() { s.run("b", other) })}
			overdue := time.AfterFunc(time.Hour, func() { s.c.CloseNow() }) // a Read may wait for ever
			for _, wait := range ran {
				wait()
			}
			s.c.CloseNow()
			overdue.Stop()
			allClosed(t, s.c)
			p.end()
			heard()
			spoke()
			s.judge(p)
			time.Sleep(2 * time.Hour) // nothing is left that rings
		})
	})
}

// judge compares what the program was told with what the peer heard.
func (s *life) judge(p *stranger) {
	if p.breach != nil {
		s.Errorf("the peer heard %v", p.breach)
	}
	heard := map[string]bool{}
	last := map[byte]int{}
	for _, text := range p.messages {
		err, known := s.fate[text]
		id, _, _ := strings.Cut(text, ",")
		n := 0
		fmt.Sscanf(id[min(1, len(id)):], "%d", &n)
		switch {
		case !known:
			s.Errorf("heard %.20q, which nobody sent", text)
		case heard[text]:
			s.Errorf("heard %.20q twice", text)
		case n < last[text[0]]:
			s.Errorf("heard %.20q after %d", text, last[text[0]])
		case err != nil && !errors.Is(err, net.ErrClosed):
			s.Errorf("heard %.20q, for which the program was told %v", text, err)
		}
		heard[text] = true
		last[text[0]] = n
	}
	for text, err := range s.fate {
		if err == nil && !heard[text] && p.sure {
			s.Errorf("did not hear %.20q", text)
		}
	}
}

// sessionSeeds are sessions that reach the corners to which the clock, the peer and the transport lead.
var sessionSeeds = []struct{ one, other, peer, setup []byte }{
	{[]byte{callRead, 0, callWrite, 1, callClose, 0}, nil, []byte{0, 6}, nil},
	{[]byte{callRead, 0, callRead, 0}, []byte{callWrite, 7, callWrite, 6, callWriteUncompressed, 3, callWritePrepared, 6, callClose, 1}, []byte{0, 4, 0, 18}, []byte{1, 1}},
	{[]byte{callRead, 0, callReader, 2, callReader, 200, callReader, 128, callReader, 0, callRead, 0}, nil, []byte{0, 8, 8, 8, 1, 4, 3, 0, 0}, []byte{0, 0, 1}},
	{[]byte{callReader, 1, callReader, 255, callRead, 16}, []byte{callReadDeadline, 3, callSleep, 2, callReadDeadline, 1}, []byte{1, 15, 2, 2, 3}, []byte{0, 0, 1}},
	{[]byte{callReader, 1, callReader, 1, callReader, 200, callReader, 255, callRead, 1}, nil, []byte{1, 4, 3, 8, 8, 1, 14, 16}, []byte{0, 0, 1}},
	{[]byte{callReader, 9, callReader, 9, callRead, 0}, nil, []byte{1, 15, 3, 0}, []byte{0, 0, 1}},
	{[]byte{callRead, 0}, []byte{callSleep, 1, callRead, 0, callReader, 1, callReadDeadline, 3, callReadDeadline, 0}, []byte{15, 6}, []byte{0, 0, 1}},
	// writers
	{[]byte{callSleep, 1, callWriter, 90}, []byte{callSleep, 2, callWriterContext, 16}, []byte{12}, []byte{1, 2}},
	{[]byte{callSleep, 1, callWriterContext, 15}, nil, []byte{12, 15, 13}, []byte{1, 2, 0, faultTimeless}},
	{[]byte{callRead, 0}, []byte{callWriter, 0, callWriter, 1, callWriter, 9, callWriter, 250, callWriterContext, 8, callWriterContext, 255}, nil, []byte{0, 1, 1}},
	{[]byte{callRead, 0}, []byte{callWriter, 250, callWriterContext, 8, callWriter, 3}, []byte{12}, []byte{1, 1, 1}},
	{[]byte{callRead, 0}, []byte{callWriterContext, 8, callWriter, 3}, []byte{12}, []byte{1, 2, 1}},
	{[]byte{callRead, 0, callWriter, 90}, []byte{callWriter, 90, callWriter, 90}, nil, []byte{1, 1, 0, 0, 0, 1}},
	{[]byte{callWriteNothing, 0, callWriteNothing, 9, callWriteNothing, 2, callPing, 126, callPing, 125, callClose, 3, callClose, 4, callClose, 5, callClose, 2}, nil, nil, nil},
	// the peer does not listen: stalls, deadlines, contexts, before the first octet and in the middle
	{[]byte{callRead, 0}, []byte{callSleep, 1, callWrite, 7, callWrite, 1}, []byte{12}, []byte{0, 1}},
	{[]byte{callRead, 0}, []byte{callSleep, 1, callWrite, 7, callWrite, 1}, []byte{12}, []byte{0, 1, 0, faultTimeless}},
	{[]byte{callRead, 0}, []byte{callSleep, 1, callWriteContext, 9, callWriteContext, 15, callWriteContext, 9}, []byte{12, 15, 15, 15, 13}, []byte{0, 3}},
	{[]byte{callRead, 0}, []byte{callSleep, 1, callPing, 0, callWriteContext, 9, callWriteContext, 1, callClose, 0}, []byte{12, 0, 15, 13}, []byte{0, 2}},
	{[]byte{callSleep, 1, callWriteDeadline, 3, callWrite, 7, callWrite, 1, callWriteDeadline, 0, callWrite, 1}, []byte{callSleep, 2, callWrite, 5, callWriteDeadline, 5, callWrite, 2}, []byte{12, 15, 15, 13}, []byte{0, 2}},
	{[]byte{callWriteDeadline, 4, callWriteDeadline, 5, callSleep, 1, callWriteDeadline, 2, callWrite, 1, callWriteDeadline, 1, callDeadline, 3, callSleep, 5, callDeadline, 4, callWrite, 1}, []byte{callSleep, 9, callWrite, 1}, nil, nil},
	{[]byte{callSleep, 1, callWrite, 7}, []byte{callSleep, 1, callWriteDeadline, 3, callWriteContext, 9, callWrite, 1, callWriter, 1, callWriterContext, 9}, []byte{12, 12, 12}, []byte{1, 2}},
	{[]byte{callRead, 0}, []byte{callSleep, 2, callWrite, 7, callWriteContext, 16}, []byte{4, 12, 14, 4, 19, 14, 13, 14, 12, 19, 4}, []byte{0, 2}},
	{[]byte{callSleep, 1, callWrite, 7}, []byte{callSleep, 2, callWriteDeadline, 3, callWrite, 1, callWritePrepared, 1}, []byte{12, 15, 13}, []byte{0, 2, 0, faultTimeless}},
	{[]byte{callSleep, 1, callWrite, 7}, []byte{callSleep, 2, callWriteDeadline, 5, callWriteDeadline, 3}, []byte{12, 15, 13}, []byte{0, 2}},
	// a slow listener: a stall that is none
	{[]byte{callRead, 0}, []byte{callWrite, 7, callWrite, 7}, []byte{12, 14, 13, 12, 14, 13, 12, 14, 13, 12, 14, 14, 13}, []byte{0, 1}},
	{[]byte{callRead, 0}, []byte{callWrite, 7, callWrite, 7}, []byte{12, 14, 13, 12, 14, 13, 12, 14, 13, 12, 14, 14, 13}, []byte{1, 1}},
	// the heart beats
	{[]byte{callRead, 0}, nil, []byte{15, 0, 15, 5, 15, 15, 15}, []byte{0, 1}},
	{[]byte{callRead, 0}, nil, []byte{15, 15, 15}, []byte{1, 3}},
	{[]byte{callRead, 0, callSleep, 60, callRead, 0, callRead, 0}, nil, []byte{14, 5, 5, 5, 0, 15, 15, 15, 5}, []byte{1, 0}},
	{[]byte{callRead, 0}, []byte{callSleep, 25, callWriteContext, 31}, []byte{12, 15, 15, 13, 15}, []byte{0, 3}},
	{[]byte{callRead, 0, callRead, 0}, nil, []byte{12, 15, 4, 19, 13}, []byte{0, 2}},
	{[]byte{callRead, 0}, nil, []byte{9}, []byte{0, 0}},
	{[]byte{callRead, 0}, nil, []byte{9, 9, 6}, []byte{1, 1}},
	{[]byte{callRead, 0}, nil, []byte{4, 15, 4, 14, 4, 4, 4}, []byte{1, 4}},
	{[]byte{callReader, 5, callRead, 0}, nil, []byte{1, 2, 2, 2}, []byte{1, 4}},
	{[]byte{callRead, 0}, nil, []byte{10}, []byte{0, 0, 1}},
	{[]byte{callRead, 0}, nil, []byte{8}, []byte{1, 4, 1}},
	// ends
	{[]byte{callRead, 0}, nil, []byte{7}, []byte{0, 0, 1}},
	{[]byte{callRead, 0}, nil, []byte{1, 11, 16}, []byte{1, 0, 1}},
	{[]byte{callReader, 100}, nil, []byte{1, 17}, []byte{1, 0, 1}},
	{[]byte{callRead, 0}, []byte{callClose, 0, callClose, 0, callCloseNow, 0}, []byte{8, 8, 6, 16}, []byte{0, 0, 1}},
	{[]byte{callRead, 0}, []byte{callClose, 0}, []byte{12, 15}, []byte{0, 1, 1}},
	{[]byte{callRead, 0}, []byte{callClose, 2}, []byte{7, 14}, []byte{0, 1, 1}},
	{[]byte{callClose, 0}, []byte{callClose, 0}, []byte{7, 14}, []byte{1, 1, 1}},
	{[]byte{callClose, 0}, []byte{callWrite, 1, callRead, 0, callWriteContext, 9, callRead, 9}, []byte{12, 15, 13}, []byte{0, 2, 0}},
	{[]byte{callClose, 0}, []byte{callSleep, 1, callReadDeadline, 3, callRead, 0, callWriteDeadline, 3, callWrite, 1, callRead, 8, callCloseNow, 0}, []byte{12, 15, 15}, []byte{0, 2, 0}},
	{[]byte{callRead, 0, callSleep, 1, callClose, 1}, []byte{callRead, 9, callSleep, 3, callWrite, 1}, []byte{0, 14, 14, 16}, []byte{0, 0, 0}},
	{[]byte{callClose, 0}, []byte{callSleep, 1, callCloseNow, 0}, []byte{12, 15, 15}, []byte{0, 1, 0}},
	{[]byte{callRead, 0, callRead, 0}, nil, []byte{0, 17}, []byte{1, 0, 1}},
	{[]byte{callRead, 0, callRead, 0}, nil, []byte{0, 6, 8, 8, 17, 15}, []byte{1, 0, 1}},
	// the transport fails
	{[]byte{callRead, 0, callRead, 0}, []byte{callWrite, 7, callWrite, 1}, []byte{14, 0, 16}, []byte{0, 0, 0, faultBroken, 40}},
	{[]byte{callRead, 0, callRead, 0}, []byte{callWrite, 7, callClose, 1, callWrite, 1, callClose, 0}, []byte{14, 0, 0, 14, 16}, []byte{0, 0, 1, faultBroken, 0}},
	{[]byte{callRead, 0, callRead, 0}, []byte{callWrite, 7, callClose, 0}, []byte{14, 0, 14, 6, 15}, []byte{1, 0, 1, faultBroken, 1}},
	{[]byte{callWriter, 100}, []byte{callWriter, 100}, nil, []byte{1, 0, 1, faultBroken, 100}},
	{[]byte{callWrite, 7}, []byte{callWrite, 7}, nil, []byte{1, 0, 1, faultShort, 100}},
	{[]byte{callRead, 0}, []byte{callWrite, 7, callWritePrepared, 7, callWrite, 5}, nil, []byte{0, 2, 0, faultShort, 252}},
	{[]byte{callRead, 0}, []byte{callWrite, 7}, []byte{14, 0, 0}, []byte{1, 0, 1, faultEmpty, 0}},
	{[]byte{callRead, 9, callWriteContext, 9}, []byte{callWriteContext, 15}, []byte{12, 15, 13}, []byte{0, 1, 1, faultTimeless}},
	// TLS
	{[]byte{callRead, 0, callRead, 0}, []byte{callWrite, 7, callWriter, 50, callClose, 0}, []byte{0, 14, 6}, []byte{0, 0, 2}},
	{[]byte{callRead, 0}, []byte{callWrite, 7}, []byte{0, 4, 6, 14}, []byte{1, 1, 2}},
	{[]byte{callRead, 0, callRead, 0}, []byte{callSleep, 1, callWriteContext, 15, callWrite, 1}, []byte{12, 15}, []byte{0, 1, 2}},
	// compressed
	{[]byte{callRead, 0, callWritePrepared, 4}, []byte{callWrite, 6, callWriter, 30, callWriteUncompressed, 7, callWritePrepared, 7, callWritePrepared, 7, callWrite, 4}, nil, []byte{0, 0, 1, 0, 0, 1}},
	{[]byte{callRead, 0}, []byte{callWrite, 4, callWritePrepared, 7, callWriteContext, 13, callWrite, 4, callWrite, 4}, []byte{14, 12, 15, 13}, []byte{0, 2, 0, 0, 0, 1}},
}
