//go:build cgo

package command

// headroom is what the Go runtime may map while the supervisor wears a limit.
// With cgo the C library makes the stacks of threads, of 8 MiB each, and ends
// the process where it cannot: there has to be room for all threads that a
// supervisor comes to have.
const headroom = 64 << 20
