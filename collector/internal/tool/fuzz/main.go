// Fuzz runs every fuzz test of the module for a while, and counts executions.
//
//	go run ./collector/internal/tool/fuzz -time 1m
//
// It prints the executions of each test and of all. It continues after a test that
// fails, and fails at the end; with -crashes, not for what tests compare of new inputs.
// As with go test -fuzz, the input that failed is then in testdata/fuzz of the package,
// and inputs that reach new code are kept in Go's cache for the next run.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

func main() {
	var o options
	flag.DurationVar(&o.time, "time", 5*time.Second, "duration of each test")
	flag.IntVar(&o.workers, "workers", 1, "number of processes that execute a test")
	flag.IntVar(&o.parallel, "parallel", 1, "number of tests at once")
	flag.Uint64Var(&o.executions, "executions", 0, "run all tests again until there are this many executions; 0 for one round")
	flag.BoolVar(&o.crashes, "crashes", false, "do not fail for new inputs by what tests compare: print them")
	match := flag.String("match", "", "run only tests whose package and name, as in collector/cpu.FuzzCPUInfo, match this REGEXP")
	flag.Parse()
	var err error
	if o.match, err = regexp.Compile(*match); err == nil {
		err = run(o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}
