package golden

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// netlink answers from lines of hexadecimal digits, one for each message without
// its nlmsghdr. Numbers in them are little endian, also in the names of files. Of several files in a folder for one type of request, the one with the
// longest name that the request begins with answers it.
func (r *recordedHost) netlink(req host.NetlinkRequest, each func([]byte) error) error {
	file := filepath.Join(r.root, "syscall/netlink", strconv.Itoa(req.Protocol), strconv.Itoa(int(req.Type)))
	if names, err := os.ReadDir(file); err == nil {
		body, longest := hex.EncodeToString(recordedRequest(req)), ""
		for _, n := range names {
			if strings.HasPrefix(body, n.Name()) && len(n.Name()) > len(longest) {
				longest = n.Name()
			}
		}
		file = filepath.Join(file, longest)
	}
	if err := r.faults.At(file); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return unix.EPROTONOSUPPORT
	}
	for line := range strings.Lines(string(b)) {
		msg, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return err
		}
		fromRecorded(msg, answerLayout(req.Protocol, req.Type))
		if err := each(msg); err != nil {
			return err
		}
	}
	return nil
}
