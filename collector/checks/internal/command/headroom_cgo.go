//go:build cgo

package command

// headroom is how much memory the Go runtime may map while the memory limit is
// applied to the supervisor. With cgo each thread has a stack of 8 MiB, and the C
// library ends the process if it cannot map one: this is room for all threads of
// a supervisor.
const headroom = 64 << 20
