//go:build !unix

package conn

// parking does nothing where a read cannot wait without a buffer.
type parking struct{}

func (c *Conn) parks() {}

func (c *Conn) readParked() (int, error) { return c.nc.Read(c.readBuffer()) }
