package host

import (
	"errors"
	"path"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may lead through, as in the
// kernel. See path_resolution(7).
const maxLinks = 40

// Resolve returns where a path of the tree leads, as a path of the tree, when
// its symbolic links are followed as a process would whose root is the tree:
// an absolute target starts at the top of the tree, and .. does not climb out
// of it.
//
// The other methods leave links to the kernel, which takes an absolute target
// from the root of this process. That is right for the live host and wrong for
// a file system that is mounted elsewhere, where /etc/os-release might lead to
// the file of the container.
func (r *Reader) Resolve(elem ...string) (string, error) {
	name := string(appendPath(nil, "/", elem))
	if r.tree.root == "" || r.tree.root == "/" {
		return name, nil
	}
	done, rest := "", name
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			done = done[:max(0, strings.LastIndexByte(done, '/'))]
			continue
		}
		r.setPath([]string{done, part})
		target, err := r.readlink()
		switch {
		case errors.Is(err, syscall.EINVAL): // not a link
			done += "/" + part
		case err != nil:
			return "", err
		default:
			if links++; links > maxLinks {
				return "", r.fail("readlink", syscall.ELOOP)
			}
			if path.IsAbs(target) {
				done = ""
			}
			rest = target + "/" + rest
		}
	}
	if done == "" {
		done = "/"
	}
	return done, nil
}
