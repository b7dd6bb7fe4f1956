// Package collector lists what host_exporter collects: pluggable collectors that
// read /proc and sysfs on each scrape, grouped in eight domain packages.
//
// # The path of a sample
//
//	/proc /sys ──host.Reader──▶ []byte ──parseX──▶ values ──out.Emit──▶ metric.Sink
//	                                                                       │
//	          collect.Unit: one run at a time, deadline, panic guard       ▼
//	          scrape.Engine: all units side by side, and the run's own metrics
//	                     │                                 │
//	          fast road: text                   ordinary road: prometheus.Metric
//	                     └────────▶ web /metrics ◀─────────┘
//
// Nothing on the right is known to anything on its left: a collector knows
// neither text nor HTTP, the engine knows no kernel. Page size, clock and
// system calls enter at internal/host and nowhere else.
//
// # Where things are
//
// Collectors live in eight domain packages, each in the file of its name; the
// domain is where an operator looks during an incident. Catalog lists them
// all. The machinery is in internal, each package with one idea: scan
// (numbers out of bytes), host (the machine), metric (what a sample is), flight
// (one run at a time), collect (what a collector is), scrape (all of them at
// once), document and config (who asked for what), expect (what has to be
// there), web (HTTP), doctor (why a collector shows less than it could), golden
// (recorded hosts for tests). What runs custom checks is in checks/internal.
//
// # Adding a collector
//
// See docs/adding-a-collector.md.
package collector
