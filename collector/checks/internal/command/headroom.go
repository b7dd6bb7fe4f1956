//go:build !cgo

package command

// headroom is how much memory the Go runtime may map while the memory limit is
// applied to the supervisor. Without cgo the stacks of threads are small.
const headroom = 16 << 20
