// Package trust opens files by who can change them. A Rule is for files that only root
// and the exporter's user may change, because they name what the exporter runs. A Folder
// is for files that others write, who must not have the exporter read for them what they
// cannot read, nor hold it up. The package knows nothing of what the files have.
package trust
