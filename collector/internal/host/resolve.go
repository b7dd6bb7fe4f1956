package host

import (
	"errors"
	"path"
	"strings"
	"syscall"
)

// maxLinks is the maximum number of symbolic links in a path, as in the kernel.
// See path_resolution(7).
const maxLinks = 40

// Resolve follows the symbolic links of a path as a process does whose root is
// the tree: an absolute target starts at the top of the tree, and .. does not
// leave it. It returns a path of the tree.
//
// The other methods leave links to the kernel, which resolves an absolute
// target from the root of this process. That is right for the live host, but
// not for a file system that is mounted elsewhere: its /etc/os-release could
// lead to the file of the container.
func (r *Reader) Resolve(elem ...string) (string, error) {
	name := string(appendPath(nil, "/", elem))
	if r.tree.root == "" || r.tree.root == "/" {
		return name, nil
	}
	prefix, rest := "", name // prefix has no links
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			prefix = prefix[:max(0, strings.LastIndexByte(prefix, '/'))]
			continue
		}
		r.setPath([]string{prefix, part})
		target, err := r.readlink()
		switch {
		case errors.Is(err, syscall.EINVAL): // not a link
			prefix += "/" + part
		case err != nil:
			return "", err
		default:
			if links++; links > maxLinks {
				return "", r.pathError("readlink", syscall.ELOOP)
			}
			if path.IsAbs(target) {
				prefix = ""
			}
			rest = target + "/" + rest
		}
	}
	if prefix == "" {
		prefix = "/"
	}
	return prefix, nil
}
