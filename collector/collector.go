// Package collector lists what host_exporter collects: pluggable collectors that
// read /proc and sysfs at each scrape, in eight domain packages, each collector in
// the file of its name. Catalog returns the data sheets of all of them. It knows
// nothing of how they are scraped: docs/architecture.md shows the path of a
// sample and what each package is for, docs/adding-a-collector.md the steps to
// a new collector.
package collector
