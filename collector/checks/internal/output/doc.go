// Package output turns what a check printed, and the code it exited with, into
// typed families. It has one parser for each of seven formats, and one way for
// all of them to what is served:
//
//	stdout, exit code ──format──▶ readings ──schema──▶ samples ──series rules──▶ families
//
// A format finds names, labels and texts; the schema (the declared metrics)
// makes numbers of texts, in base units; the series rules are the same for all:
// names, labels, duplicates, the cap. Whatever is left out on the way is counted
// by its reason, and the first few are told with line, column and what was seen.
//
// What a check prints is never trusted: no output makes Parse panic, or take
// time or memory out of proportion to Options.MaxBytes and Options.MaxSeries.
//
// The configuration is trusted to mean well. Regular expressions are RE2, whose
// time is linear in the text for each match, so that there is no catastrophic
// one, but a pattern that reads on to the end of a long text after each of many
// matches is slow. A jq expression has a deadline, which is looked at between
// two steps of it; what it allocates until then is not limited.
package output
