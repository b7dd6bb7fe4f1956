package flight

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	for _, c := range []struct {
		name                   string
		left, timeout, waiting time.Duration // left: until the deadline of the context; 0: it has none
	}{
		{"no deadline", 0, 2 * time.Second, 2 * time.Second},
		{"a late deadline", 5 * time.Second, 2 * time.Second, 2 * time.Second},
		{"an early deadline", time.Second, 2 * time.Second, 800 * time.Millisecond},
		{"a deadline in the past", -time.Second, 2 * time.Second, -800 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				if c.left != 0 {
					limited, cancel := context.WithTimeout(ctx, c.left)
					defer cancel()
					ctx = limited
				}
				if have := time.Until(Deadline(ctx, c.timeout)); have != c.waiting {
					t.Errorf("waits for %v, want %v", have, c.waiting)
				}
			})
		})
	}
}
