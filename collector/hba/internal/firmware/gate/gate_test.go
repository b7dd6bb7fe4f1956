package gate

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func path(p string) func() string { return func() string { return p } }

// TestFirstComeFirstServed has eight readers wait for one that hangs: they begin
// in the order in which they came, one at a time.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		end := make(chan struct{})
		var began []string
		for i := range 9 {
			name := fmt.Sprint(i)
			go g.Turn("0000:3b:00.0", path(name), func() {
				began = append(began, name)
				<-end
			})
			synctest.Wait() // until it waits for its turn
		}
		for i := range 9 {
			if want := fmt.Sprint(i); len(began) != i+1 || began[i] != want || g.Outstanding("0000:3b:00.0") != want {
				t.Fatalf("%v began, %s is outstanding, want %s", began, g.Outstanding("0000:3b:00.0"), want)
			}
			end <- struct{}{}
			synctest.Wait()
		}
		if p := g.Outstanding("0000:3b:00.0"); p != "" || len(g.queues) != 0 {
			t.Errorf("%q is outstanding, %d queues are left", p, len(g.queues))
		}
	})
}

// TestFunctionsDoNotWaitForEachOther has a read of one function hang.
func TestFunctionsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		end := make(chan struct{})
		go g.Turn("0000:3b:00.0", path("a"), func() { <-end })
		synctest.Wait()
		done := false
		g.Turn("0000:3b:00.1", path("b"), func() { done = true })
		if !done || g.Outstanding("0000:3b:00.0") != "a" {
			t.Errorf("done: %v, outstanding: %q", done, g.Outstanding("0000:3b:00.0"))
		}
		close(end)
	})
}

// TestPanicEndsTheTurn: the next one begins.
func TestPanicEndsTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		end := make(chan struct{})
		var began []string
		go func() {
			defer func() { began = append(began, fmt.Sprint(recover())) }()
			g.Turn("0000:3b:00.0", path("a"), func() { <-end; panic("boom") })
		}()
		synctest.Wait()
		go g.Turn("0000:3b:00.0", path("b"), func() { <-end; began = append(began, "b") })
		synctest.Wait()
		end <- struct{}{}
		synctest.Wait()
		end <- struct{}{}
		synctest.Wait()
		if !slices.Equal(began, []string{"boom", "b"}) {
			t.Errorf("%v", began)
		}
	})
}
