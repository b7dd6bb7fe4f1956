package golden

import (
	"net"

	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// An Archive is a recorded host, as package snapshot has it.
type (
	Archive     = snapshot.Archive
	Setting     = snapshot.Setting
	Entry       = snapshot.Entry
	Kind        = snapshot.Kind
	DBusEncoder = snapshot.DBusEncoder
)

// The kinds of entries.
const (
	File    = snapshot.File
	Link    = snapshot.Link
	Fault   = snapshot.Fault
	Folder  = snapshot.Folder
	Fifo    = snapshot.Fifo
	Deleted = snapshot.Deleted
	Unread  = snapshot.Unread
)

// Parse reads the content of a .host file.
func Parse(data []byte) (*Archive, error) { return snapshot.Parse(data) }

// ServeAuthentication is the part of a server in the authentication of D-Bus.
func ServeAuthentication(conn net.Conn) error { return snapshot.ServeAuthentication(conn) }
