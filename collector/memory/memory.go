// Package memory has the collectors of memory: its size and use, and the
// activity of the kernel's memory management.
package memory
