//go:build race

package autobahn

// raceBuild makes the tests that play in memory leave out what is long: there is but one goroutine in them.
const raceBuild = true
