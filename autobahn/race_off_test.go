//go:build !race

package autobahn

// raceBuild says that the race detector watches.
const raceBuild = false
