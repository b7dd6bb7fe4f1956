package flight

import (
	"context"
	"time"
)

// Deadline returns when to stop waiting for runs: after the timeout, but no
// later than when four fifths of the time until the deadline of ctx have
// passed. The last fifth is for emitting the results of the runs that finished.
func Deadline(ctx context.Context, timeout time.Duration) time.Time {
	now := time.Now()
	if deadline, ok := ctx.Deadline(); ok {
		left := deadline.Sub(now)
		timeout = min(timeout, left-left/5)
	}
	return now.Add(timeout)
}
