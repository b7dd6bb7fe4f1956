package snapshot

import (
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// netlink answers from lines of hexadecimal digits, one for each message without
// its nlmsghdr. Numbers in them are little endian, also in the names of files. Of several files in a folder for one type of request, the one with the
// longest name that the request begins with answers it.
func (r *answers) netlink(req host.NetlinkRequest, each func([]byte) error) error {
	section := fmt.Sprintf("netlink/%d/%d", req.Protocol, req.Type)
	if names := r.sections.Names(section); len(names) > 0 {
		body, longest := hex.EncodeToString(recordedRequest(req)), ""
		for _, n := range names {
			if strings.HasPrefix(body, n) && len(n) > len(longest) {
				longest = n
			}
		}
		section += "/" + longest
	}
	b, err := r.sections.Section(section)
	switch {
	case absent(err):
		return unix.EPROTONOSUPPORT
	case err != nil:
		return err
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
