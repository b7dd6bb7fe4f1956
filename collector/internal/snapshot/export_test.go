package snapshot

// RedactWith is Redact with a key of the test's.
func RedactWith(a *Archive, key []byte) { redact(a, key) }
