// Soak scrapes an exporter many times while everything around it changes, and
// reports what grows.
//
//	go run ./collector/internal/tool/soak -scrapes 1000000
//
// Clients scrape at once: everything or some collectors, as plain text, gzip, zstd or
// OpenMetrics; some leave before the response or in the middle of it. Meanwhile the
// configuration is reloaded, a text file changes, checks run, fail and hang, and a file
// of procfs hangs and comes back.
//
// Each response must be complete and of one configuration, have each collector and
// each series once, and nothing older than the client has seen. Between scrapes, while
// no client waits, the tool samples memory, goroutines, threads and descriptors. It
// prints the slope of each with its standard error, and fails if one grows. Interrupted,
// it reports on the scrapes that it has made.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	var o options
	flag.Int64Var(&o.scrapes, "scrapes", 1_000_000, "number of scrapes")
	flag.IntVar(&o.clients, "clients", 4, "number of clients that scrape at once")
	flag.IntVar(&o.samples, "samples", 400, "number of times to sample the process")
	flag.StringVar(&o.binary, "binary", "", "path of the exporter (default: build it)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}
