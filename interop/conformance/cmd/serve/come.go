package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
)

// clients are how many go at a time.
const clients = 4

// come goes to a server again and again, and echoes what it says, until standard input ends. Context takeover both ways.
func come(url string) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	d := &conn.Dialer{Options: conn.Options{Compression: &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}}}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := conn.Dial(ctx, url, d)
				if err != nil { // nobody is there yet, or no more
					select {
					case <-time.After(10 * time.Millisecond):
					case <-ctx.Done():
					}
					continue
				}
				echo(ctx, c)
			}
		})
	}
	all.Wait()
}

func echo(ctx context.Context, c *conn.Conn) {
	defer c.CloseNow()
	defer context.AfterFunc(ctx, func() { c.CloseNow() })()
	for {
		m, err := c.Read()
		if err != nil || c.Write(m.Op, m.Payload) != nil {
			return
		}
	}
}
