// Package collector lists the collectors of host_exporter, which read /proc and
// sysfs at each scrape. They are grouped in eight domain packages.
//
// # The path of a sample
//
//	/proc /sys ──host.Reader──▶ []byte ──parseX──▶ values ──out.Emit──▶ metric.Sink
//	                                                                       │
//	          collect.Unit: one run at a time, deadline, recover           ▼
//	          scrape.Engine: all units side by side, and the engine's own metrics
//	                     │                                 │
//	          fast road: text                   ordinary road: prometheus.Metric
//	                     └────────▶ web /metrics ◀─────────┘
//
// No stage knows the stages after it: a collector knows neither text nor HTTP.
// Page size, clock and system calls come from internal/host.
//
// # Packages
//
// Each collector is a file of its name in a domain package; the domain is where
// an operator looks during an incident. Catalog lists all of them. The
// machinery is in internal: scan (parses numbers in bytes), host (the machine),
// metric (families and samples), flight (one run at a time), collect (a
// collector), scrape (all collectors), document and config (settings), expect
// (expectations), web (HTTP), self (the exporter's own process), doctor (access
// to files) and compare (two expositions). Package exporter is the application.
// Custom checks run in checks/internal, tests are in internal/test, and tools
// in internal/tool.
//
// # Adding a collector
//
// See docs/adding-a-collector.md.
package collector
