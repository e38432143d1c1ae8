package load

import "time"

// Echo gives every connection InFlight messages to send, and lets each reply be followed by another message for so long, or until so many replies have
// come. It returns, when nothing is under way any more, how many came: whatever the server did for them, it did during the call.
func (cl *Client) Echo(d time.Duration, most int) (int, error) {
	from, end := cl.replies, time.Now().Add(d)
	cl.goOn = true
	if err := cl.sayAll(cl.o.InFlight); err != nil {
		return 0, err
	}
	if err := cl.until(func() bool { return cl.replies-from >= most || time.Now().After(end) }); err != nil {
		return 0, err
	}
	cl.goOn = false
	err := cl.until(func() bool { return cl.underWay == 0 })
	return cl.replies - from, err
}

func (cl *Client) sayAll(k int) error {
	for i := range cl.conns {
		c := &cl.conns[i]
		c.owed += k
		c.open += k
		cl.underWay += k
		if err := cl.flush(c, i); err != nil {
			return err
		}
		if i%opensAtOnce == opensAtOnce-1 { // small steps: neither side should see a wall of messages
			if _, err := cl.turn(0); err != nil {
				return err
			}
		}
	}
	return nil
}

// Once lets every connection have one message echoed, some of them at a time.
func (cl *Client) Once() error {
	for i := range cl.conns {
		if err := cl.say(i); err != nil {
			return err
		}
		if i%cl.o.AtOnce == cl.o.AtOnce-1 || i == len(cl.conns)-1 {
			if err := cl.settled(i/cl.o.AtOnce*cl.o.AtOnce, i+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// One lets one connection have a message echoed.
func (cl *Client) One(i int) error {
	if err := cl.say(i); err != nil {
		return err
	}
	return cl.settled(i, i+1)
}

func (cl *Client) say(i int) error {
	c := &cl.conns[i]
	c.owed++
	c.open++
	cl.underWay++
	return cl.flush(c, i)
}

// settled waits until the connections from i on and before j have all their replies.
func (cl *Client) settled(i, j int) error {
	for ; i < j; i++ {
		c := &cl.conns[i]
		if err := cl.until(func() bool { return c.open <= 0 }); err != nil {
			return err
		}
	}
	return nil
}

// Broadcast lets the first connection send messages that come back on all of them, one after the other, for so long, or until there were so many
// deliveries, and returns how many there were.
func (cl *Client) Broadcast(d time.Duration, most int) (int, error) {
	from, end := cl.replies, time.Now().Add(d)
	for cl.replies-from < most && (cl.replies == from || time.Now().Before(end)) {
		target := cl.replies + len(cl.conns)
		if err := cl.say(0); err != nil {
			return 0, err
		}
		if err := cl.until(func() bool { return cl.replies >= target }); err != nil {
			return 0, err
		}
	}
	return cl.replies - from, nil
}

// Churn opens connections, says goodbye on each as soon as it is open, and opens another when the server has said goodbye too and closed: n at a
// time, for so long, or until so many have ended. It returns how many have.
func (cl *Client) Churn(n int, d time.Duration, most int) (int, error) {
	if !cl.churn {
		cl.churn = true
		cl.conns = make([]conn, n)
		for i := range cl.conns {
			if err := cl.connect(i); err != nil {
				return 0, err
			}
		}
	}
	from, end := cl.ended, time.Now().Add(d)
	err := cl.until(func() bool { return cl.ended-from >= most || cl.ended > from && time.Now().After(end) })
	return cl.ended - from, err
}

// Idle does nothing for so long but answer pings.
func (cl *Client) Idle(d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if _, err := cl.turn(int(left/time.Millisecond) + 1); err != nil {
			return err
		}
	}
}

// Close does the closing handshake on all connections, and waits for the server to close them.
func (cl *Client) Close() error {
	for i := range cl.conns {
		if err := cl.bye(&cl.conns[i], i); err != nil {
			return err
		}
		if i%opensAtOnce == opensAtOnce-1 {
			if _, err := cl.turn(0); err != nil {
				return err
			}
		}
	}
	return cl.until(func() bool { return cl.alive == 0 })
}

func (cl *Client) bye(c *conn, i int) error {
	c.phase = closing
	c.ctl = append(c.ctl, goodbye...)
	return cl.flush(c, i)
}
