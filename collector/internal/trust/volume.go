package trust

import (
	"bufio"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// isVolume reports whether a directory is a ConfigMap or Secret of Kubernetes. The
// kubelet gives its directory the mode 0777 and mounts it read-only; on the host it is
// below a directory of root.
func isVolume(dir string) bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	volume := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if point, is := volumeMount(lines.Text(), os.Getenv("KUBERNETES_SERVICE_HOST") != ""); point == dir {
			volume = is // the last mount of a directory covers the others
		}
	}
	return volume
}

// volumeMount returns the mount point of a line of mountinfo, and whether it is a volume
// that the kubelet made. A Secret is a file system of its own, which only the
// environment of a pod distinguishes from others. See
// https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts.
func volumeMount(line string, pod bool) (point string, is bool) {
	mount, fs, _ := strings.Cut(line, " - ")
	m := strings.Fields(mount)
	if len(m) < 6 {
		return "", false
	}
	root, options := m[3], ","+m[5]+","
	point = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(m[4])
	kubelet := strings.Contains(root, "/volumes/kubernetes.io~") || pod && root == "/" && strings.HasPrefix(fs, "tmpfs ")
	return point, kubelet && strings.Contains(options, ",ro,")
}

// openNoLinks opens a file by a path without symbolic links.
func openNoLinks(path string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	for {
		fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_NO_SYMLINKS})
		if err == unix.ENOSYS || err == unix.EPERM { // before Linux 5.6, or forbidden by a filter
			fd, err = unix.Open(path, flags, 0)
		}
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR:
		default:
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
