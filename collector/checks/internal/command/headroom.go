//go:build !cgo

package command

// margin is what the Go runtime may map while the supervisor wears a limit: it
// makes its threads' stacks itself, and small.
const margin = 16 << 20
